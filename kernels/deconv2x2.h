#pragma once
// Transposed convolution 2 x 2 with stride 2: every pixel becomes four.

#include "base/dtype.h"
#include "base/precision.h"
#include "kernels/activation.h"
#include "kernels/context.h"
#include "kernels/pack.h"

namespace samc {

struct Deconv2x2Params {
  int64_t h = 0;
  int64_t w = 0;
  int64_t in_c = 0;
  int64_t out_c = 0;
  Activation activation = Activation::kNone;
  Precision precision = Precision::kF32;
  DType src_dtype = DType::kF32;  // in kBf16 also kBF16
  DType dst_dtype = DType::kF32;  // likewise
};

// src is (h, w, in_c), weight packed by pack_deconv2x2_weights or its form for bf16, bias (out_c), residual and dst
// (2 h, 2 w, out_c): dst = activation(deconv + bias + residual). bias and residual may be null; residual may be dst
// itself if that is f32.
void deconv2x2(const Deconv2x2Params& params, const void* src, const void* weight, const float* bias,
               const float* residual, void* dst, KernelContext& context);

}  // namespace samc
