#pragma once
// Convolution of one NHWC (or NCHW) picture to NHWC: as a matrix product over its patches, or directly when they are
// short.

#include "base/dtype.h"
#include "base/precision.h"
#include "kernels/activation.h"
#include "kernels/context.h"
#include "kernels/pack.h"

namespace samc {

struct ConvParams {
  int64_t in_h = 0, in_w = 0, in_c = 0;
  int64_t out_h = 0, out_w = 0, out_c = 0;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;  // what reaches over the lower and right edge is zero too
  bool src_nchw = false;
  Activation activation = Activation::kNone;
  // In kBf16 always a matrix product over patches: what direct_conv_pays() accepts is faster in kF32.
  Precision precision = Precision::kF32;
  DType src_dtype = DType::kF32;  // in kBf16 also kBF16
  DType dst_dtype = DType::kF32;  // likewise
};

// src is (in_h, in_w, in_c), or (in_c, in_h, in_w) with src_nchw; weight packed by pack_conv_weights or
// pack_conv_weights_bf16; bias (out_c); residual and dst (out_h, out_w, out_c): dst = activation(conv + bias) +
// residual. bias and residual may be null.
void conv(const ConvParams& params, const void* src, const void* weight, const float* bias, const float* residual,
          void* dst, KernelContext& context);

}  // namespace samc
