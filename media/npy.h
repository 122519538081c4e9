#pragma once
// NumPy's .npy format, versions 1 to 3: little-endian or single-byte elements, C or Fortran order (turned into C
// order).

#include <cstddef>
#include <span>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

// Refused above this: no array that samc reads comes near it.
constexpr int64_t kMostArrayBytes = int64_t{4} << 30;

// bool u8 i8 i16 i32 i64 f16 f32 f64. Any other element type is an error that names it.
Result<Tensor> parse_npy(std::span<const std::byte> bytes);
Result<Tensor> read_npy(const std::string& path);

// The bytes before the data: magic, version 1.0, header dictionary, padded to 64.
std::string npy_header(const TensorView& tensor);
Status write_npy(const std::string& path, const TensorView& tensor);

}  // namespace samc
