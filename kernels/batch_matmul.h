#pragma once
// dst = scale a b for each of a batch, both operands computed at run time.

#include "kernels/context.h"

namespace samc {

struct BatchMatmulParams {
  int64_t batch = 0;
  int64_t m = 0;
  int64_t k = 0;
  int64_t n = 0;
  bool transpose_b = false;
  float scale = 1;
};

// a is (batch, m, k); b (batch, k, n), or (batch, n, k) with transpose_b; dst (batch, m, n).
void batch_matmul(const BatchMatmulParams& params, const float* a, const float* b, float* dst, KernelContext& context);

}  // namespace samc
