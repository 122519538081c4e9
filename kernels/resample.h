#pragma once
// Operations that change the resolution of an image: max_pool, upsample_nearest, interp_linear.

#include <cstdint>

#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct MaxPoolParams {
  int64_t in_h = 0;
  int64_t in_w = 0;
  int64_t c = 0;
  int64_t pitch = 0;   // columns of a row of src
  int64_t offset = 0;  // first channel
  int64_t kernel_h = 2;
  int64_t kernel_w = 2;
  int64_t stride_h = 2;
  int64_t stride_w = 2;
};
// src is (in_h, in_w, pitch); dst is (out_h, out_w, c), as many windows as fit. NaN wins.
void max_pool(const MaxPoolParams& params, const float* src, float* dst, KernelContext& context);

// The same of bf16 numbers, in plain code: what it reads and writes takes longer than comparing.
void max_pool(const MaxPoolParams& params, const uint16_t* src, uint16_t* dst, KernelContext& context);

// What one call of a variant does: a row of dst.
struct MaxPoolRow {
  const float* src;  // the first window's first channel
  int64_t pixel;     // floats from a pixel of src to the next one in its row
  int64_t row;       // and to the one below
  int64_t step;      // from a window to the next one
  int64_t kernel_h;
  int64_t kernel_w;
  int64_t c;
  int64_t windows;
  float* dst;
};
using MaxPoolRowFunction = void(const MaxPoolRow& row);
extern const KernelVariants<MaxPoolRowFunction> max_pool_row_variants;

struct UpsampleNearestParams {
  int64_t h = 0;
  int64_t w = 0;
  int64_t c = 0;
  int64_t scale = 2;
};
// src is (h, w, c); residual (may be nullptr, may be dst) and dst are (h scale, w scale, c).
void upsample_nearest(const UpsampleNearestParams& params, const float* src, const float* residual, float* dst,
                      KernelContext& context);

struct InterpLinearParams {
  int64_t planes = 0;
  int64_t in_h = 0;
  int64_t in_w = 0;
  int64_t out_h = 0;
  int64_t out_w = 0;
  int64_t c = 1;  // 1 for NCHW planes; the channels for NHWC
};
// src is (planes, in_h, in_w, c), dst is (planes, out_h, out_w, c). Pixels are areas: half-pixel centres, edges
// repeated (torch's bilinear with align_corners=False and without antialiasing).
void interp_linear(const InterpLinearParams& params, const float* src, float* dst, KernelContext& context);

}  // namespace samc
