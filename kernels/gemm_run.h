#pragma once
// Cuts a matrix product into pieces for the thread pool: blocks of rows, whose packed tiles stay in the L2 cache, times
// ranges of columns.

#include <functional>

#include "base/precision.h"
#include "kernels/context.h"
#include "kernels/gemm.h"

namespace samc {

// The variant for a product of this precision.
const Gemm& choose_gemm(Precision precision, KernelContext& context);

// Stops where the types of src and dst do not go with the precision: what a kernel that is a product checks.
void check_gemm_types(Precision precision, DType src, DType dst);

// address + count elements of the type; nullptr stays.
inline const void* elements_on(const void* address, int64_t count, DType dtype) {
  return address == nullptr ? nullptr : static_cast<const std::byte*>(address) + count * dtype_size(dtype);
}
inline void* elements_on(void* address, int64_t count, DType dtype) {
  return address == nullptr ? nullptr : static_cast<std::byte*>(address) + count * dtype_size(dtype);
}
inline const void* words_on(const void* address, int64_t count) { return elements_on(address, count, DType::kF32); }

// Elements, not words.
struct GemmProblem {
  Precision precision = Precision::kF32;
  int64_t rows = 0;
  int64_t k = 0;
  int64_t columns = 0;
  const void* b = nullptr;  // packed weights
  const float* bias = nullptr;
  const float* residual = nullptr;
  bool residual_first = false;
  Activation activation = Activation::kNone;
  void* dst = nullptr;
  DType dst_dtype = DType::kF32;
  // Columns go to dst in groups of this many (a multiple of 16), each group_offset elements behind the one before it,
  // and all groups share bias. 0: one group.
  int64_t group_columns = 0;
  int64_t group_offset = 0;
  // When the rows are a plain matrix that needs no change they are read where they lie, if they have the type that the
  // product is in.
  const void* plain_rows = nullptr;
  DType plain_dtype = DType::kF32;
  int64_t row_stride = 0;
  // Floats of scratch that pack wants beside the packed rows.
  int64_t extra_floats = 0;
};

// pack fills packed with rows [first, first + count), laid out as Gemm::pack_rows does; extra is its scratch memory.
using GemmPack = std::function<void(int64_t first, int64_t count, void* packed, void* extra)>;
// Where each row of dst begins.
using GemmOffsets = std::function<void(int64_t first, int64_t count, int64_t* offsets)>;

void run_gemm(const GemmProblem& problem, const GemmPack& pack, const GemmOffsets& offsets, KernelContext& context);

}  // namespace samc
