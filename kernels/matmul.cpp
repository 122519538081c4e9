#include "kernels/matmul.h"

#include "kernels/gemm_run.h"

namespace samc {

void matmul(const MatmulParams& params, const void* src, const void* weight, const float* bias, const float* residual,
            void* dst, KernelContext& context) {
  SAMC_CHECK(params.rows >= 0 && params.k > 0 && params.n >= 0, "matmul {} x {} x {}", params.rows, params.k, params.n);
  check_gemm_types(params.precision, params.src_dtype, params.dst_dtype);
  SAMC_CHECK(!params.normalise || params.src_dtype == DType::kF32, "matmul normalises rows of {}",
             dtype_name(params.src_dtype));
  GemmProblem problem;
  problem.precision = params.precision;
  problem.rows = params.rows;
  problem.k = params.k;
  problem.columns = params.n;
  problem.b = weight;
  problem.bias = bias;
  problem.residual = residual;
  problem.activation = params.activation;
  problem.dst = dst;
  problem.dst_dtype = params.dst_dtype;
  if (!params.normalise) {
    problem.plain_rows = src;
    problem.plain_dtype = params.src_dtype;
    problem.row_stride = params.k;
  }
  const Gemm& gemm = choose_gemm(params.precision, context);
  run_gemm(
      problem,
      [&](int64_t first, int64_t count, void* packed, void*) {
        GemmRows rows;
        rows.src = elements_on(src, first * params.k, params.src_dtype);
        rows.src_dtype = params.src_dtype;
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
