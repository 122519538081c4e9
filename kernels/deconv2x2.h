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

// What follows the sum of convolution, bias and residual, block by block of rows while they are in the L2 cache,
// instead of a pass of its own over dst.
struct Deconv2x2Finish {
  // Each pixel is normalised over its channels (kernels/layer_norm.h), before the activation.
  bool norm = false;
  float eps = 0;
  const float* norm_weight = nullptr;  // (out_c) or nullptr
  const float* norm_bias = nullptr;    // likewise
  // After the activation: dst is (mixes, 2 h, 2 w), sums of the channels with these weights. 0: there is no mix.
  int64_t mixes = 0;
  const float* mix = nullptr;  // (mixes, out_c)

  bool is_there() const { return norm || mixes > 0; }
};
// Of out_c: with a finish, a row of two pixels is whole panels of a product's columns.
constexpr int64_t kDeconv2x2FinishChannels = kPanelColumns / 2;

// src is (h, w, in_c), weight packed by pack_deconv2x2_weights or its form for bf16, bias (out_c), residual and dst
// (2 h, 2 w, out_c): dst = activation(deconv + bias + residual). bias and residual may be null; residual may be dst
// itself if that is f32. With a finish out_c is a multiple of kDeconv2x2FinishChannels and dst is f32 and no operand.
void deconv2x2(const Deconv2x2Params& params, const void* src, const void* weight, const float* bias,
               const float* residual, void* dst, KernelContext& context, const Deconv2x2Finish& finish = {});

}  // namespace samc
