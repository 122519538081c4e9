#include "kernels/softmax.h"

#include <algorithm>

namespace samc {

SAMC_VECTOR_VARIANTS(softmax, SoftmaxFunction)

void softmax(const SoftmaxParams& params, const float* src, float* dst, KernelContext& context) {
  if (params.rows == 0 || params.c == 0) return;
  SoftmaxFunction* run_piece = softmax_variants.choose(context);
  const int64_t rows_a_piece = std::max<int64_t>(1, 8192 / params.c);
  context.pool.run((params.rows + rows_a_piece - 1) / rows_a_piece, [&](int64_t piece, int) {
    const int64_t first = piece * rows_a_piece;
    run_piece({src + first * params.c, dst + first * params.c, std::min(rows_a_piece, params.rows - first), params.c,
               params.scale});
  });
}

}  // namespace samc
