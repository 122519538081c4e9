#pragma once
// NumPy's .npy format, versions 1 to 3: little-endian or single-byte elements, C or Fortran order (turned into C
// order).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

// Refused above this: no array that samc reads comes near it.
constexpr int64_t kMostArrayBytes = int64_t{4} << 30;

// What stands before the data.
struct NpyHeader {
  DType dtype = DType::kF32;
  bool fortran_order = false;
  Shape shape;
  size_t header_bytes = 0;  // where the data begin
  int64_t data_bytes = 0;
};

// How many bytes come before the data, from the first kNpyStartBytes. NumPy writes some 100.
constexpr size_t kNpyStartBytes = 12;
constexpr size_t kMostNpyHeaderBytes = 65535;
Result<size_t> npy_header_bytes(std::span<const std::byte> start);
// bytes may end with the header.
Result<NpyHeader> parse_npy_header(std::span<const std::byte> bytes);
// The error where fewer bytes of data are there than the header asks for.
Status npy_truncated(const NpyHeader& header, uint64_t present);
// The array of this header. data holds header.data_bytes.
Tensor npy_tensor(const NpyHeader& header, const std::byte* data);

// bool u8 i8 i16 i32 i64 f16 f32 f64. Any other element type is an error that names it.
Result<Tensor> parse_npy(std::span<const std::byte> bytes);
Result<Tensor> read_npy(const std::string& path);

// The bytes before the data: magic, version 1.0, header dictionary, padded to 64.
std::string npy_header(const TensorView& tensor);
Status write_npy(const std::string& path, const TensorView& tensor);

}  // namespace samc
