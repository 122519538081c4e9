#pragma once
// dst = activation(norm(src) W + bias) + residual

#include "base/dtype.h"
#include "base/precision.h"
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
  // In kBf16 the rows, after the norm, and the weight are rounded to bf16; sums, bias, activation and residual are f32.
  Precision precision = Precision::kF32;
  DType src_dtype = DType::kF32;  // in kBf16 also kBF16, but not where rows are normalised
  DType dst_dtype = DType::kF32;  // in kBf16 also kBF16
};

// src is (rows, k), weight (k, n) packed by pack_weights or pack_weights_bf16, bias (n), residual and dst (rows, n).
// bias and residual may be null; residual may be dst itself if that is f32; src may not overlap dst.
void matmul(const MatmulParams& params, const void* src, const void* weight, const float* bias, const float* residual,
            void* dst, KernelContext& context);

}  // namespace samc
