#include "kernels/deconv2x2.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/bf16.h"
#include "kernels/gemm_run.h"

namespace samc {
namespace {

// When a row of two pixels does not fill whole panels: products go to scratch memory and from there to their places.
void scatter(const Deconv2x2Params& params, const void* src, const void* weight, const float* bias,
             const float* residual, void* dst, KernelContext& context) {
  constexpr int64_t kBlockRows = 84;
  const Gemm& gemm = choose_gemm(params.precision, context);
  const int64_t columns = 4 * params.out_c;
  const int64_t pixels = params.h * params.w;
  const int64_t packed = gemm.packed_rows_words(kBlockRows, params.in_c);
  context.pool.run((pixels + kBlockRows - 1) / kBlockRows, [&](int64_t piece, int worker) {
    const int64_t first = piece * kBlockRows;
    float* a = context.scratch.floats(worker, static_cast<size_t>(packed + kBlockRows * columns));
    float* products = a + packed;
    GemmRows rows;
    rows.src = elements_on(src, first * params.in_c, params.src_dtype);
    rows.src_dtype = params.src_dtype;
    rows.row_stride = params.in_c;
    rows.rows = std::min(kBlockRows, pixels - first);
    rows.k = params.in_c;
    rows.dst = a;
    gemm.pack_rows(rows);
    std::array<int64_t, kBlockRows> row_offsets;
    for (int64_t row = 0; row < rows.rows; ++row) row_offsets[static_cast<size_t>(row)] = row * columns;
    GemmBlock block;
    block.a = a;
    block.b = weight;
    block.rows = rows.rows;
    block.k = gemm.words(params.in_c);
    block.columns = columns;
    block.row_offsets = row_offsets.data();
    block.dst = products;
    gemm.multiply(block);
    for (int64_t row = 0; row < rows.rows; ++row) {
      const int64_t y = (first + row) / params.w;
      const int64_t x = (first + row) % params.w;
      for (int64_t column = 0; column < columns; ++column) {
        const int64_t channel = column % params.out_c;
        const int64_t corner = column / params.out_c;
        const int64_t place = ((2 * y + corner / 2) * 2 * params.w + 2 * x + corner % 2) * params.out_c + channel;
        float value = products[row * columns + column];
        if (bias != nullptr) value += bias[channel];
        if (residual != nullptr) value += residual[place];
        value = activate(value, params.activation);
        if (params.dst_dtype == DType::kBF16) {
          static_cast<uint16_t*>(dst)[place] = round_to_bf16(value);
        } else {
          static_cast<float*>(dst)[place] = value;
        }
      }
    }
  });
}

}  // namespace

void deconv2x2(const Deconv2x2Params& params, const void* src, const void* weight, const float* bias,
               const float* residual, void* dst, KernelContext& context) {
  SAMC_CHECK(params.h >= 0 && params.w >= 0 && params.in_c > 0 && params.out_c > 0,
             "deconv2x2 {} x {}, {} -> {} channels", params.h, params.w, params.in_c, params.out_c);
  check_gemm_types(params.precision, params.src_dtype, params.dst_dtype);
  const int64_t pair = 2 * params.out_c;
  if (pair % kPanelColumns != 0) return scatter(params, src, weight, bias, residual, dst, context);
  std::vector<float> pair_bias;
  if (bias != nullptr) {
    for (int side = 0; side < 2; ++side) pair_bias.insert(pair_bias.end(), bias, bias + params.out_c);
  }
  GemmProblem problem;
  problem.precision = params.precision;
  problem.rows = params.h * params.w;
  problem.k = params.in_c;
  problem.columns = 2 * pair;
  problem.b = weight;
  problem.bias = bias != nullptr ? pair_bias.data() : nullptr;
  problem.residual = residual;
  problem.residual_first = true;
  problem.activation = params.activation;
  problem.dst = dst;
  problem.dst_dtype = params.dst_dtype;
  problem.plain_rows = src;
  problem.plain_dtype = params.src_dtype;
  problem.row_stride = params.in_c;
  problem.group_columns = pair;
  problem.group_offset = params.w * pair;
  const Gemm& gemm = choose_gemm(params.precision, context);
  run_gemm(
      problem,
      [&](int64_t first, int64_t count, void* packed, void*) {
        GemmRows rows;
        rows.src = elements_on(src, first * params.in_c, params.src_dtype);
        rows.src_dtype = params.src_dtype;
        rows.row_stride = params.in_c;
        rows.rows = count;
        rows.k = params.in_c;
        rows.dst = packed;
        gemm.pack_rows(rows);
      },
      [&](int64_t first, int64_t count, int64_t* offsets) {
        for (int64_t row = 0; row < count; ++row) {
          const int64_t pixel = first + row;
          offsets[row] = (pixel / params.w * 2 * params.w + pixel % params.w) * pair;
        }
      },
      context);
}

}  // namespace samc
