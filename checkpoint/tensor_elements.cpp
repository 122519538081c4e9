// Elements of a stored tensor, in any dtype, byte order and layout, made dense.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "checkpoint/stored_tensors.h"

namespace samc {
namespace {

template <class T>
T load(const std::byte* from, bool swap) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

// Calls visit(bytes of an element) for each element of a tensor in row-major order.
template <class Visit>
void for_each_element(const CheckpointTensor& tensor, Visit&& visit) {
  const int64_t size = dtype_size(tensor.dtype);
  const std::byte* base = tensor.storage.data() + tensor.storage_offset * size;
  const int64_t count = tensor.count();
  if (tensor.is_dense()) {
    for (int64_t i = 0; i < count; ++i) visit(base + i * size);
    return;
  }
  const size_t rank = tensor.shape.size();
  std::vector<int64_t> position(rank, 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    visit(base + offset * size);
    for (size_t axis = rank; axis-- > 0;) {
      if (tensor.shape[axis] == 1) continue;  // its stride may be any number
      offset += tensor.strides[axis];
      if (++position[axis] < tensor.shape[axis]) break;
      offset -= tensor.strides[axis] * tensor.shape[axis];
      position[axis] = 0;
    }
  }
}

template <class Stored, class Convert>
void convert_elements(const CheckpointTensor& tensor, std::span<float> destination, Convert&& convert) {
  const bool swap = tensor.big_endian && sizeof(Stored) > 1;
  float* next = destination.data();
  for_each_element(tensor, [&](const std::byte* element) { *next++ = convert(load<Stored>(element, swap)); });
}

}  // namespace

void convert_to_f32(const CheckpointTensor& tensor, std::span<float> destination) {
  const auto cast = [](auto value) { return static_cast<float>(value); };
  switch (tensor.dtype) {
    case DType::kF32:
      return convert_elements<float>(tensor, destination, cast);
    case DType::kF16:
      return convert_elements<uint16_t>(tensor, destination, f16_to_f32);
    case DType::kBF16:
      return convert_elements<uint16_t>(tensor, destination, bf16_to_f32);
    case DType::kF64:
      return convert_elements<double>(tensor, destination, cast);
    case DType::kI64:
      return convert_elements<int64_t>(tensor, destination, cast);
    case DType::kI32:
      return convert_elements<int32_t>(tensor, destination, cast);
    case DType::kI16:
      return convert_elements<int16_t>(tensor, destination, cast);
    case DType::kI8:
      return convert_elements<int8_t>(tensor, destination, cast);
    case DType::kU8:
      return convert_elements<uint8_t>(tensor, destination, cast);
    case DType::kBool:
      return convert_elements<uint8_t>(tensor, destination, [](uint8_t value) { return value != 0 ? 1.0f : 0.0f; });
  }
}

void copy_elements(const CheckpointTensor& tensor, std::byte* destination) {
  const size_t size = static_cast<size_t>(dtype_size(tensor.dtype));
  for_each_element(tensor, [&](const std::byte* element) {
    std::memcpy(destination, element, size);
    if (tensor.big_endian) std::reverse(destination, destination + size);
    destination += size;
  });
}

}  // namespace samc
