#include "kernels/conv.h"

#include <algorithm>
#include <cstring>

#include "kernels/gemm_run.h"

namespace samc {
namespace {

// The part [first, last) of a kernel axis that lies inside the picture when its tap 0 is at start.
struct Taps {
  Taps(int64_t start, int64_t kernel, int64_t extent)
      : first(std::clamp<int64_t>(-start, 0, kernel)), last(std::clamp<int64_t>(extent - start, first, kernel)) {}
  int64_t first;
  int64_t last;
};

// Short runs are copied eight floats at a time: what is written too much is overwritten by the next run.
constexpr int64_t kRun = 8;

// dst has kRun floats of room behind the patch.
void gather_nhwc(const ConvParams& params, const float* src, int64_t y, int64_t x, float* dst) {
  const int64_t top = y * params.stride_h - params.pad_top;
  const int64_t left = x * params.stride_w - params.pad_left;
  const Taps across(left, params.kernel_w, params.in_w);
  const Taps down(top, params.kernel_h, params.in_h);
  const int64_t line = params.kernel_w * params.in_c;
  const int64_t first = (top * params.in_w + left) * params.in_c;
  const int64_t row = params.in_w * params.in_c;
  const bool whole =
      down.first == 0 && down.last == params.kernel_h && across.first == 0 && across.last == params.kernel_w;
  if (whole && line <= 8 * kRun && first + (params.kernel_h - 1) * row + line + kRun <= params.in_h * row) {
    for (const float* from = src + first; from <= src + first + (params.kernel_h - 1) * row; from += row, dst += line) {
      for (int64_t i = 0; i < line; i += kRun) std::memcpy(dst + i, from + i, kRun * sizeof(float));
    }
    return;
  }
  for (int64_t tap = 0; tap < params.kernel_h; ++tap, dst += line) {
    if (tap < down.first || tap >= down.last) {
      std::fill_n(dst, line, 0.0f);
      continue;
    }
    const float* from = src + ((top + tap) * params.in_w + left) * params.in_c;
    std::fill_n(dst, across.first * params.in_c, 0.0f);
    std::memcpy(dst + across.first * params.in_c, from + across.first * params.in_c,
                static_cast<size_t>((across.last - across.first) * params.in_c) * sizeof(float));
    std::fill_n(dst + across.last * params.in_c, (params.kernel_w - across.last) * params.in_c, 0.0f);
  }
}

// dst has kRun floats of room behind the patch.
void gather_nchw(const ConvParams& params, const float* src, int64_t y, int64_t x, float* dst) {
  const int64_t top = y * params.stride_h - params.pad_top;
  const int64_t left = x * params.stride_w - params.pad_left;
  const Taps across(left, params.kernel_w, params.in_w);
  const Taps down(top, params.kernel_h, params.in_h);
  const bool whole = down.first == 0 && down.last == params.kernel_h && left >= 0 && left + kRun <= params.in_w &&
                     params.kernel_w <= kRun;
  for (int64_t channel = 0; channel < params.in_c; ++channel) {
    const float* plane = src + channel * params.in_h * params.in_w;
    for (int64_t tap = 0; tap < params.kernel_h; ++tap, dst += params.kernel_w) {
      const float* from = plane + (top + tap) * params.in_w + left;
      if (whole) {
        std::memcpy(dst, from, kRun * sizeof(float));
        continue;
      }
      const bool inside = tap >= down.first && tap < down.last;
      for (int64_t i = 0; i < params.kernel_w; ++i) {
        dst[i] = inside && i >= across.first && i < across.last ? from[i] : 0.0f;
      }
    }
  }
}

}  // namespace

void conv(const ConvParams& params, const float* src, const float* weight, const float* bias, const float* residual,
          float* dst, KernelContext& context) {
  SAMC_CHECK(params.in_c > 0 && params.kernel_h > 0 && params.kernel_w > 0 && params.stride_h > 0 &&
                 params.stride_w > 0 && params.out_h >= 0 && params.out_w >= 0 && params.out_c >= 0,
             "conv {} x {}, {} -> {} channels", params.kernel_h, params.kernel_w, params.in_c, params.out_c);
  GemmProblem problem;
  problem.rows = params.out_h * params.out_w;
  problem.k = params.kernel_h * params.kernel_w * params.in_c;
  problem.columns = params.out_c;
  problem.b = weight;
  problem.bias = bias;
  problem.residual = residual;
  problem.activation = params.activation;
  problem.dst = dst;
  const bool pointwise = params.kernel_h == 1 && params.kernel_w == 1 && params.stride_h == 1 && params.stride_w == 1 &&
                         params.pad_top == 0 && params.pad_left == 0 && params.in_h == params.out_h &&
                         params.in_w == params.out_w && !params.src_nchw;
  const int64_t pitch = problem.k + kRun;
  if (pointwise) {
    problem.plain_rows = src;
    problem.row_stride = problem.k;
  } else {
    problem.extra_row_floats = pitch;
  }
  GemmPackRowsFunction* const pack_rows = gemm_pack_rows_variants.choose(context.isa);
  const int64_t tile_rows = gemm_tile_rows(context.isa);
  run_gemm(
      problem,
      [&](int64_t first, int64_t count, float* packed, float* patches) {
        GemmRows rows;
        rows.k = problem.k;
        if (pointwise) {
          rows.src = src + first * problem.k;
          rows.row_stride = problem.k;
          rows.rows = count;
          rows.dst = packed;
          pack_rows(rows);
          return;
        }
        // A tile at a time, so that the patches are still in the L1 cache when they are packed.
        rows.src = patches;
        rows.row_stride = pitch;
        for (int64_t done = 0; done < count; done += tile_rows) {
          rows.rows = std::min(tile_rows, count - done);
          for (int64_t row = 0; row < rows.rows; ++row) {
            const int64_t pixel = first + done + row;
            const int64_t y = pixel / params.out_w;
            const int64_t x = pixel % params.out_w;
            if (params.src_nchw) {
              gather_nchw(params, src, y, x, patches + row * pitch);
            } else {
              gather_nhwc(params, src, y, x, patches + row * pitch);
            }
          }
          rows.dst = packed + packed_rows_floats(context.isa, done, problem.k);
          pack_rows(rows);
        }
      },
      [&](int64_t first, int64_t count, int64_t* offsets) {
        for (int64_t row = 0; row < count; ++row) offsets[row] = (first + row) * params.out_c;
      },
      context);
}

}  // namespace samc
