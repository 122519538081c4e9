#pragma once
// Shape, TensorView (borrowed bytes) and Tensor (owned, 64-byte aligned bytes). Row-major (C order), dense.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/dtype.h"
#include "base/memory_budget.h"

namespace samc {

using Shape = std::vector<int64_t>;

int64_t element_count(std::span<const int64_t> shape);
std::string shape_to_string(std::span<const int64_t> shape);  // "(1, 256, 64, 64)"

// Bytes of its own, at a multiple of 64, counted against the limit of memory. Above some MB on huge pages.
class AlignedMemory {
 public:
  AlignedMemory() = default;
  // Throws std::bad_alloc; what completes "out of memory: ... takes 4.2 GB".
  AlignedMemory(int64_t bytes, std::string_view what);

  void* get() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  MemoryClaim claim_;
  std::unique_ptr<void, Free> memory_;
};

struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  const void* data = nullptr;

  int64_t count() const { return element_count(shape); }
  int64_t bytes() const { return count() * dtype_size(dtype); }
  // The same bytes under another shape of equal element count. Never assign `shape` instead: whoever reads the view
  // trusts it to be as large as its shape says.
  TensorView with_shape(Shape other) const;
  std::span<const float> f32() const {
    SAMC_CHECK(dtype == DType::kF32, "a {} tensor read as f32", dtype_name(dtype));
    return {static_cast<const float*>(data), static_cast<size_t>(count())};
  }
};

class Tensor {
 public:
  Tensor() = default;
  // Contents are uninitialised. Counts against the limit of memory (memory_budget.h); throws std::bad_alloc where that
  // or the memory is used up, or the extents' product is beyond all bounds.
  Tensor(DType dtype, Shape shape);
  explicit Tensor(Shape shape) : Tensor(DType::kF32, std::move(shape)) {}
  static Tensor zeros(Shape shape);
  static Tensor copy_of(const TensorView& view);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t count() const { return element_count(shape_); }
  int64_t bytes() const { return count() * dtype_size(dtype_); }
  bool empty() const { return data_.get() == nullptr; }
  void* data() { return data_.get(); }
  const void* data() const { return data_.get(); }
  template <class T>
  std::span<T> as() {
    SAMC_CHECK(sizeof(T) == static_cast<size_t>(dtype_size(dtype_)), "wrong element size for {}", dtype_name(dtype_));
    return {static_cast<T*>(data()), static_cast<size_t>(count())};
  }
  template <class T>
  std::span<const T> as() const {
    SAMC_CHECK(sizeof(T) == static_cast<size_t>(dtype_size(dtype_)), "wrong element size for {}", dtype_name(dtype_));
    return {static_cast<const T*>(data()), static_cast<size_t>(count())};
  }
  std::span<float> f32() { return as<float>(); }
  std::span<const float> f32() const { return as<float>(); }
  TensorView view() const { return {dtype_, shape_, data_.get()}; }
  // The same bytes under another shape of equal element count.
  void reshape(Shape shape);

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  AlignedMemory data_;
};

// What the first number is that is not finite, "NaN" or "an infinite value"; nullptr where all are.
const char* first_non_finite(std::span<const float> values);
// Whether all numbers are. f32 or bf16.
bool is_finite(const TensorView& values);
inline bool is_finite(const Tensor& values) { return is_finite(values.view()); }

}  // namespace samc
