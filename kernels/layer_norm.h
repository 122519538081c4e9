#pragma once
// Rows brought to mean 0 and variance 1, then weight and bias for each column, then an activation.

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct LayerNormParams {
  int64_t rows = 0;
  int64_t c = 0;
  float eps = 1e-6f;
  Activation activation = Activation::kNone;
};

// src and dst are (rows, c) and may be the same; weight and bias are (c) or nullptr. The variance is summed from the
// differences to the mean, in a second pass.
void layer_norm(const LayerNormParams& params, const float* src, const float* weight, const float* bias, float* dst,
                KernelContext& context);

struct LayerNormPiece {
  const float* src;
  const float* weight;
  const float* bias;
  float* dst;
  int64_t rows;
  int64_t c;
  float eps;
  Activation activation;
};
using LayerNormFunction = void(const LayerNormPiece& piece);
extern const KernelVariants<LayerNormFunction> layer_norm_variants;

}  // namespace samc
