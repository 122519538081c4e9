#pragma once
// dst = activation(norm(src) W + bias) + residual

#include "kernels/activation.h"
#include "kernels/context.h"
#include "kernels/pack.h"

namespace samc {

struct MatmulParams {
  int64_t rows = 0;
  int64_t k = 0;
  int64_t n = 0;
  bool normalise = false;  // each row of src to mean 0 and variance 1 first
  float eps = 0;
  Activation activation = Activation::kNone;
};

// src is (rows, k), weight (k, n) packed by pack_weights, bias (n), residual and dst (rows, n). bias and residual may
// be null; residual may be dst itself; src may not overlap dst.
void matmul(const MatmulParams& params, const float* src, const float* weight, const float* bias, const float* residual,
            float* dst, KernelContext& context);

}  // namespace samc
