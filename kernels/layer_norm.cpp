#include "kernels/layer_norm.h"

#include <algorithm>

namespace samc {

SAMC_VECTOR_VARIANTS(layer_norm, LayerNormFunction)

void layer_norm(const LayerNormParams& params, const float* src, const float* weight, const float* bias, float* dst,
                KernelContext& context) {
  if (params.rows == 0 || params.c == 0) return;
  LayerNormFunction* run_piece = layer_norm_variants.choose(context);
  const int64_t rows_a_piece = std::max<int64_t>(1, 16384 / params.c);
  context.pool.run((params.rows + rows_a_piece - 1) / rows_a_piece, [&](int64_t piece, int) {
    const int64_t first = piece * rows_a_piece;
    run_piece({src + first * params.c, weight, bias, dst + first * params.c,
               std::min(rows_a_piece, params.rows - first), params.c, params.eps, params.activation});
  });
}

}  // namespace samc
