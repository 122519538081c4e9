#pragma once
// Convolution of few channels, whose patches are too short for tiles of the matrix product: conv() chooses it.

#include "kernels/conv.h"
#include "kernels/dispatch.h"

namespace samc {

constexpr int64_t kDirectConvMostTaps = 64;  // kernel_h kernel_w in_c

// One element of a patch: row k of the weights meets src at offset from the patch's upper left corner.
struct DirectConvTap {
  int64_t offset = 0;
  int64_t k = 0;
  int64_t y = 0;
  int64_t x = 0;
};

// What one call of a variant does: pixels [first_pixel, last_pixel) of dst, row after row. Each element of dst is one
// sum over k in ascending order with one accumulator, so where the pieces are cut changes nothing. What lies outside
// src is left out of the sum.
struct DirectConvPiece {
  ConvParams params;
  const float* src = nullptr;
  const float* weight = nullptr;  // panels of 16 columns, as pack.h says
  const float* bias = nullptr;
  const float* residual = nullptr;
  float* dst = nullptr;
  const DirectConvTap* taps = nullptr;  // in ascending order of k
  int64_t tap_count = 0;
  int64_t pixel_step = 0;   // floats of src between the patches of neighbouring pixels
  int64_t inner_first = 0;  // pixels [inner_first, inner_last) of a row touch neither its left nor its right edge
  int64_t inner_last = 0;
  int64_t first_pixel = 0;
  int64_t last_pixel = 0;
};
using DirectConvFunction = void(const DirectConvPiece& piece);
extern const KernelVariants<DirectConvFunction> direct_conv_variants;

// Whether direct_conv is the better way; independent of the number of threads.
bool direct_conv_pays(const ConvParams& params);

// What conv() does, for params that direct_conv_pays() accepts.
void direct_conv(const ConvParams& params, const float* src, const float* weight, const float* bias,
                 const float* residual, float* dst, KernelContext& context);

}  // namespace samc
