#pragma once
// dst's axis i is src's axis order[i], up to rank 6.

#include <cstdint>
#include <vector>

#include "base/tensor.h"
#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct PermuteParams {
  Shape shape;  // of src
  std::vector<int64_t> order;
};

void permute(const PermuteParams& params, const float* src, float* dst, KernelContext& context);

// What a variant does: dst (columns, rows) = src (rows, columns) transposed.
struct TransposeBlock {
  const float* src;
  int64_t src_pitch;
  float* dst;
  int64_t dst_pitch;
  int64_t rows;
  int64_t columns;
};
using TransposeBlockFunction = void(const TransposeBlock& block);
extern const KernelVariants<TransposeBlockFunction> transpose_block_variants;

}  // namespace samc
