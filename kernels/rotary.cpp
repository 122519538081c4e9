#include "kernels/rotary.h"

#include <algorithm>

#include "base/check.h"
#include "base/rounding.h"

namespace samc {

SAMC_VECTOR_VARIANTS(rotary, RotaryFunction)

void rotary(const RotaryParams& params, const float* src, const float* cosines, const float* sines, float* dst,
            KernelContext& context) {
  const RotaryParams& p = params;
  SAMC_CHECK(p.dim > 0 && p.dim % 2 == 0 && p.heads > 0 && p.positions > 0 && p.rows % p.positions == 0,
             "rotary: {} rows of {} positions, {} heads of {}", p.rows, p.positions, p.heads, p.dim);
  if (p.rows == 0) return;
  RotaryFunction* run_piece = rotary_variants.choose(context);
  const int64_t row = p.heads * p.dim;
  const int64_t rows_a_piece = std::max<int64_t>(1, 8192 / row);
  context.pool.run(divide_up(p.rows, rows_a_piece), [&](int64_t piece, int) {
    const int64_t first = piece * rows_a_piece;
    run_piece({src + first * row, cosines, sines, dst + first * row, std::min(rows_a_piece, p.rows - first),
               first % p.positions, p.positions, p.heads, p.dim / 2});
  });
}

}  // namespace samc
