#pragma once
// Cuts a matrix product into pieces for the thread pool: blocks of rows, whose packed tiles stay in the L2 cache, times
// ranges of columns.

#include <functional>

#include "kernels/context.h"
#include "kernels/gemm.h"

namespace samc {

struct GemmProblem {
  int64_t rows = 0;
  int64_t k = 0;
  int64_t columns = 0;
  const float* b = nullptr;  // packed weights
  const float* bias = nullptr;
  const float* residual = nullptr;
  bool residual_first = false;
  Activation activation = Activation::kNone;
  float* dst = nullptr;
  // Columns go to dst in groups of this many (a multiple of 16), each group_offset floats behind the one before it, and
  // all groups share bias. 0: one group.
  int64_t group_columns = 0;
  int64_t group_offset = 0;
  // When the rows are a plain matrix that needs no change they are read where they lie.
  const float* plain_rows = nullptr;
  int64_t row_stride = 0;
  // Floats of scratch that pack wants beside the packed rows.
  int64_t extra_floats = 0;
};

// pack fills packed with rows [first, first + count), laid out as Gemm::pack_rows does; extra is its scratch memory.
using GemmPack = std::function<void(int64_t first, int64_t count, float* packed, float* extra)>;
// Where each row of dst begins.
using GemmOffsets = std::function<void(int64_t first, int64_t count, int64_t* offsets)>;

void run_gemm(const GemmProblem& problem, const GemmPack& pack, const GemmOffsets& offsets, KernelContext& context);

}  // namespace samc
