#pragma once
// What the bindings share: faults as exceptions, arrays without copies, one thread at a time.

#include <cxxabi.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "runtime/rgb_view.h"

namespace samc::python {

namespace nb = nanobind;

// As an exception of one line: ValueError, NotImplementedError, OSError, MemoryError.
[[noreturn]] void raise(const Status& status);
inline void check(const Status& status) {
  if (!status.is_ok()) raise(status);
}
template <class T>
T take(Result<T> result) {
  check(result.status());
  return std::move(result).value();
}

// acquire() takes the interpreter's lock. When the interpreter ends meanwhile, a daemon thread gets it no more: CPython
// before 3.14 ends the thread there, by unwinding its stack, which nanobind's functions answer with an abort of the
// process. So the thread sleeps instead until the process is gone, as it does from 3.14 on.
template <class Acquire>
auto locked_or_asleep(const Acquire& acquire) -> decltype(acquire()) {
  try {
    return acquire();
  } catch (const abi::__forced_unwind&) {
    for (;;) ::pause();
  }
}

// body() without the interpreter's lock. It gives a Status or a Result and touches nothing of Python's.
template <class Body>
auto unlocked(const Body& body) -> decltype(body()) {
  PyThreadState* const thread = PyEval_SaveThread();
  std::optional<decltype(body())> result;
  std::exception_ptr thrown;
  try {
    result.emplace(body());
  } catch (...) {
    thrown = std::current_exception();
  }
  locked_or_asleep([&] { PyEval_RestoreThread(thread); });
  if (thrown != nullptr) std::rethrow_exception(thrown);
  return std::move(*result);
}

// (height, width, 3), where the three bytes of a pixel and the pixels of a row follow each other.
using ByteImage = nb::ndarray<const uint8_t, nb::ndim<3>, nb::device::cpu>;
using FloatImage = nb::ndarray<const float, nb::ndim<3>, nb::device::cpu>;
template <size_t kRank>
using Floats = nb::ndarray<const float, nb::ndim<kRank>, nb::c_contig, nb::device::cpu>;
template <size_t kRank>
using Integers = nb::ndarray<const int32_t, nb::ndim<kRank>, nb::c_contig, nb::device::cpu>;
using ByteMask = nb::ndarray<const uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Raises ValueError for what is no such image.
RgbView view_of(const ByteImage& image);
RgbFloatView view_of(const FloatImage& image);

// A NumPy array that owns the tensor's memory: of f32, and of u8 that is 0 or 1.
nb::ndarray<nb::numpy, float> array_of(Tensor tensor);
nb::ndarray<nb::numpy, bool> bools_of(Tensor tensor);

// An object that one thread uses at a time.
class InUse {
 public:
  explicit InUse(std::atomic_flag& flag);  // raises RuntimeError where another thread uses it
  ~InUse() { flag_.clear(std::memory_order_release); }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  std::atomic_flag& flag_;
};

void add_automatic_masks(nb::module_& module);
void add_models(nb::module_& module);
void add_images(nb::module_& module);
void add_videos(nb::module_& module);

}  // namespace samc::python
