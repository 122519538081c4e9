#pragma once
// What the evaluate_*.cpp files share: reading any dtype, writing a dtype, walking broadcast operands.

#include <cstring>
#include <limits>

#include "onnx/ops.h"

namespace samc::onnx {

inline Result<std::vector<Tensor>> one(Tensor tensor) {
  std::vector<Tensor> results;
  results.push_back(std::move(tensor));
  return results;
}

// Of two or more operands: all of one type.
inline Status need_same_type(const NodeContext& context, size_t first, size_t end) {
  for (size_t i = first + 1; i < end; ++i)
    if (context.has(i) && context.input(i).dtype != context.input(first).dtype)
      return invalid_input("its operands have different types");
  return Status::ok();
}
inline Status need_integers(const NodeContext& context, size_t i) {
  if (context.input(i).dtype != DType::kF32) return Status::ok();
  return invalid_input(fmt::format("its operand {} is not of integers", context.node().inputs[i]));
}
// Towards zero. What no 64-bit integer holds is undefined in ONNX; here it is the smallest one, as on x86.
inline int64_t to_integer(double value) {
  return value >= -0x1p63 && value < 0x1p63 ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
}

inline bool is_real(DType dtype) { return dtype == DType::kF32; }

// Integers wrap around as two's complement does, as C++ and ONNX Runtime have it.
inline void store_integer(Tensor& tensor, int64_t i, int64_t value) {
  switch (tensor.dtype()) {
    case DType::kI64:
      static_cast<int64_t*>(tensor.data())[i] = value;
      return;
    case DType::kI32:
      static_cast<int32_t*>(tensor.data())[i] = static_cast<int32_t>(value);
      return;
    case DType::kI16:
      static_cast<int16_t*>(tensor.data())[i] = static_cast<int16_t>(value);
      return;
    case DType::kI8:
      static_cast<int8_t*>(tensor.data())[i] = static_cast<int8_t>(value);
      return;
    case DType::kU8:
      static_cast<uint8_t*>(tensor.data())[i] = static_cast<uint8_t>(value);
      return;
    case DType::kBool:
      static_cast<uint8_t*>(tensor.data())[i] = value != 0;
      return;
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64:
      break;
  }
  SAMC_CHECK(false, "an integer stored as {}", dtype_name(tensor.dtype()));
}
inline void store_real(Tensor& tensor, int64_t i, double value) {
  static_cast<float*>(tensor.data())[i] = static_cast<float>(value);
}

inline Shape dense_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

// Strides to read a tensor of `shape` as if it had the shape `wanted`: 0 along the axes that are repeated.
inline Shape broadcast_strides(const Shape& shape, const Shape& wanted) {
  Shape strides(wanted.size(), 0);
  const Shape dense = dense_strides(shape);
  const size_t missing = wanted.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i) strides[missing + i] = shape[i] == 1 ? 0 : dense[i];
  return strides;
}

// A result that is small enough to be computed before the model runs.
Status check_size(const Shape& shape);
// An index counted from the start; an error where it is out of the axis.
Result<int64_t> normal_index(int64_t index, int64_t extent);

// Where, in the dense data of operand 0, the constant operand 1 of GatherElements and ScatterElements points, one place
// for each of its elements.
Result<std::vector<int64_t>> element_places(const NodeContext& context);
// The same of GatherND and ScatterND: where the block that each tuple points to begins. The first `batch` axes of both
// go together.
struct BlockPlaces {
  int64_t block = 0;  // elements of each
  std::vector<int64_t> starts = {};
};
Result<BlockPlaces> block_places(const NodeContext& context, int64_t batch = 0);

// The offset of each element of `shape`, in row-major order, when each axis moves by its stride.
std::vector<int64_t> walk_offsets(const Shape& shape, const Shape& strides, int64_t offset);

// Calls visit(i, offset) for the first element of each row (a run along the last axis), in order.
template <class Visit>
void walk_rows(const Shape& shape, const Shape& strides, int64_t offset, Visit&& visit) {
  const int64_t count = element_count(shape);
  const int64_t row = shape.empty() ? 1 : shape.back();
  Shape position(shape.size(), 0);
  for (int64_t i = 0; i < count; i += row) {
    visit(i, offset);
    for (size_t axis = shape.empty() ? 0 : shape.size() - 1; axis-- > 0;) {
      offset += strides[axis];
      if (++position[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
}

// Calls visit(i, offset) for each of them.
template <class Visit>
void walk(const Shape& shape, const Shape& strides, int64_t offset, Visit&& visit) {
  const int64_t row = shape.empty() ? 1 : shape.back();
  const int64_t step = shape.empty() ? 0 : strides.back();
  walk_rows(shape, strides, offset, [&](int64_t first, int64_t at) {
    for (int64_t i = 0; i < row; ++i) visit(first + i, at + i * step);
  });
}

// The tensor of `shape` whose element i is element offset(i) of the source.
Tensor gather_strided(const Constant& source, const Shape& shape, const Shape& strides, int64_t offset);

}  // namespace samc::onnx
