#pragma once
// Shape, TensorView (borrowed bytes) and Tensor (owned, 64-byte aligned bytes). Row-major (C order), dense.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/dtype.h"

namespace samc {

using Shape = std::vector<int64_t>;

int64_t element_count(std::span<const int64_t> shape);
std::string shape_to_string(std::span<const int64_t> shape);  // "(1, 256, 64, 64)"

struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  const void* data = nullptr;

  int64_t count() const { return element_count(shape); }
  int64_t bytes() const { return count() * dtype_size(dtype); }
  std::span<const float> f32() const {
    SAMC_CHECK(dtype == DType::kF32, "a {} tensor read as f32", dtype_name(dtype));
    return {static_cast<const float*>(data), static_cast<size_t>(count())};
  }
};

class Tensor {
 public:
  Tensor() = default;
  // Contents are uninitialised.
  Tensor(DType dtype, Shape shape);
  explicit Tensor(Shape shape) : Tensor(DType::kF32, std::move(shape)) {}
  static Tensor zeros(Shape shape);
  static Tensor copy_of(const TensorView& view);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t count() const { return element_count(shape_); }
  int64_t bytes() const { return count() * dtype_size(dtype_); }
  bool empty() const { return data_ == nullptr; }
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
  struct Free {
    void operator()(void* pointer) const;
  };
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::unique_ptr<void, Free> data_;
};

}  // namespace samc
