#pragma once
// Convolution of each channel with a kernel of its own, NHWC.

#include "kernels/activation.h"
#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct DepthwiseConvParams {
  int64_t in_h = 0, in_w = 0, in_c = 0;
  int64_t out_h = 0, out_w = 0;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;  // what reaches over the lower and right edge is zero too
  Activation activation = Activation::kNone;
};

// src is (in_h, in_w, in_c), weight (kernel_h, kernel_w, in_c), bias (in_c) or null, dst (out_h, out_w, in_c).
void depthwise_conv(const DepthwiseConvParams& params, const float* src, const float* weight, const float* bias,
                    float* dst, KernelContext& context);

// A slice is so many neighbouring channels, alone in scratch memory: in a picture of many channels they lie so far
// apart that they would push each other out of the L1 cache.
constexpr int64_t kDepthwiseSlice = 16;

// What one call of a variant does: rows [first_row, last_row) of one slice of dst.
struct DepthwiseConvPiece {
  DepthwiseConvParams params;
  const float* src = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float* dst = nullptr;
  int64_t first_channel = 0;
  int64_t first_row = 0;
  int64_t last_row = 0;
  float* scratch = nullptr;  // depthwise_scratch_floats
};
using DepthwiseConvFunction = void(const DepthwiseConvPiece& piece);
extern const KernelVariants<DepthwiseConvFunction> depthwise_conv_variants;

// The rows and columns of src, with their padding, that so many rows and columns of dst see.
inline int64_t depthwise_in_rows(const DepthwiseConvParams& params, int64_t rows) {
  return (rows - 1) * params.stride_h + params.kernel_h;
}
inline int64_t depthwise_in_columns(const DepthwiseConvParams& params) {
  return (params.out_w - 1) * params.stride_w + params.kernel_w;
}
inline int64_t depthwise_scratch_floats(const DepthwiseConvParams& params, int64_t rows) {
  return (depthwise_in_rows(params, rows) * depthwise_in_columns(params) + params.kernel_h * params.kernel_w) *
         kDepthwiseSlice;
}

}  // namespace samc
