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

struct DepthwiseConvTask {
  DepthwiseConvParams params;
  const float* src = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float* dst = nullptr;
};
// One row of dst.
using DepthwiseConvRowFunction = void(const DepthwiseConvTask& task, int64_t y);
extern const KernelVariants<DepthwiseConvRowFunction> depthwise_conv_row_variants;

}  // namespace samc
