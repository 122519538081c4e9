#include "kernels/matmul.h"

#include "kernels/gemm_run.h"

namespace samc {

void matmul(const MatmulParams& params, const float* src, const float* weight, const float* bias, const float* residual,
            float* dst, KernelContext& context) {
  SAMC_CHECK(params.rows >= 0 && params.k > 0 && params.n >= 0, "matmul {} x {} x {}", params.rows, params.k, params.n);
  GemmProblem problem;
  problem.rows = params.rows;
  problem.k = params.k;
  problem.columns = params.n;
  problem.b = weight;
  problem.bias = bias;
  problem.residual = residual;
  problem.activation = params.activation;
  problem.dst = dst;
  if (!params.normalise) {
    problem.plain_rows = src;
    problem.row_stride = params.k;
  }
  const Gemm& gemm = *gemm_variants.choose(context);
  run_gemm(
      problem,
      [&](int64_t first, int64_t count, float* packed, float*) {
        GemmRows rows;
        rows.src = src + first * params.k;
        rows.row_stride = params.k;
        rows.rows = count;
        rows.k = params.k;
        rows.normalise = params.normalise;
        rows.eps = params.eps;
        rows.dst = packed;
        gemm.pack_rows(rows);
      },
      [&](int64_t first, int64_t count, int64_t* offsets) {
        for (int64_t row = 0; row < count; ++row) offsets[row] = (first + row) * params.n;
      },
      context);
}

}  // namespace samc
