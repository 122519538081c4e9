#pragma once
// dst = softmax(scale src) over the last axis.

#include <cstdint>

#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct SoftmaxParams {
  int64_t rows = 0;
  int64_t c = 0;
  float scale = 1;
};

// src and dst are (rows, c) and may be the same.
void softmax(const SoftmaxParams& params, const float* src, float* dst, KernelContext& context);

struct SoftmaxPiece {
  const float* src;
  float* dst;
  int64_t rows;
  int64_t c;
  float scale;
};
using SoftmaxFunction = void(const SoftmaxPiece& piece);
extern const KernelVariants<SoftmaxFunction> softmax_variants;

}  // namespace samc
