#include "python/src/support.h"

#include <fmt/format.h>

#include "base/text.h"

namespace samc::python {

void raise(const Status& status) {
  if (PyErr_Occurred() != nullptr) throw nb::python_error();  // what a signal's handler has raised
  PyObject* kind = PyExc_ValueError;
  switch (status.code()) {
    case StatusCode::kUnsupported:
      kind = PyExc_NotImplementedError;
      break;
    case StatusCode::kIo:
      kind = PyExc_OSError;
      break;
    case StatusCode::kOutOfMemory:
      kind = PyExc_MemoryError;
      break;
    case StatusCode::kInterrupted:
      kind = PyExc_KeyboardInterrupt;
      break;
    case StatusCode::kOk:
    case StatusCode::kInvalidInput:
    case StatusCode::kUsage:
      break;
  }
  PyErr_SetString(kind, printable(status.to_string()).c_str());
  throw nb::python_error();
}

namespace {

template <class View, class Array>
View rows_of(const Array& image) {
  const auto height = static_cast<int64_t>(image.shape(0)), width = static_cast<int64_t>(image.shape(1));
  if (image.shape(2) != 3 || image.stride(2) != 1 || image.stride(1) != 3 || image.stride(0) < 3 * width)
    raise(invalid_input("an image of another layout than (height, width, 3) in rows"));
  return {image.data(), width, height, image.stride(0)};
}

template <class T>
nb::ndarray<nb::numpy, T> owning(Tensor tensor) {
  std::vector<size_t> shape(tensor.shape().begin(), tensor.shape().end());
  auto held = std::make_unique<Tensor>(std::move(tensor));
  void* data = held->data();
  const nb::capsule owner(held.get(), [](void* memory) noexcept { delete static_cast<Tensor*>(memory); });
  (void)held.release();
  return {data, shape.size(), shape.data(), owner};
}

}  // namespace

RgbView view_of(const ByteImage& image) { return rows_of<RgbView>(image); }
RgbFloatView view_of(const FloatImage& image) { return rows_of<RgbFloatView>(image); }

nb::ndarray<nb::numpy, float> array_of(Tensor tensor) { return owning<float>(std::move(tensor)); }
nb::ndarray<nb::numpy, bool> bools_of(Tensor tensor) { return owning<bool>(std::move(tensor)); }

InUse::InUse(std::atomic_flag& flag) : flag_(flag) {
  if (!flag.test_and_set(std::memory_order_acquire)) return;
  PyErr_SetString(PyExc_RuntimeError,
                  "the predictor is in use by another thread; give each thread its own: they can share a model");
  throw nb::python_error();
}

}  // namespace samc::python
