#include "kernels/depthwise_conv.h"

#include <algorithm>

namespace samc {

SAMC_VECTOR_VARIANTS(depthwise_conv, DepthwiseConvFunction)

void depthwise_conv(const DepthwiseConvParams& params, const float* src, const float* weight, const float* bias,
                    float* dst, KernelContext& context) {
  SAMC_CHECK(
      params.in_c > 0 && params.kernel_h > 0 && params.kernel_w > 0 && params.stride_h > 0 && params.stride_w > 0,
      "depthwise_conv {} x {}, {} channels", params.kernel_h, params.kernel_w, params.in_c);
  if (params.out_h <= 0 || params.out_w <= 0) return;
  constexpr int64_t kRows = 32;
  DepthwiseConvFunction* const run_piece = depthwise_conv_variants.choose(context);
  const int64_t slices = (params.in_c + kDepthwiseSlice - 1) / kDepthwiseSlice;
  const int64_t blocks = (params.out_h + kRows - 1) / kRows;
  const int64_t block_rows = (params.out_h + blocks - 1) / blocks;
  const auto scratch = static_cast<size_t>(depthwise_scratch_floats(params, block_rows));
  context.pool.run(slices * blocks, [&](int64_t index, int worker) {
    DepthwiseConvPiece piece{params, src, weight, bias, dst};
    piece.first_channel = index % slices * kDepthwiseSlice;
    piece.first_row = index / slices * block_rows;
    piece.last_row = std::min(params.out_h, piece.first_row + block_rows);
    piece.scratch = context.scratch.floats(worker, scratch);
    if (piece.first_row < piece.last_row) run_piece(piece);
  });
}

}  // namespace samc
