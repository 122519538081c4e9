#pragma once
// The rotary encoding in real numbers: pairs of channels turned by angles that depend on the row's position. The first
// halves of a head's pairs come first in it, the second halves behind them.
//
//   dst[i] = src[i] cos[i] - src[half + i] sin[i],  dst[half + i] = src[i] sin[i] + src[half + i] cos[i]

#include <cstdint>

#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct RotaryParams {
  int64_t rows = 0;  // a multiple of positions; row r has position r % positions
  int64_t positions = 1;
  int64_t heads = 1;
  int64_t dim = 0;  // of a head, even
};

// src and dst are (rows, heads, dim) and may be the same; cosines and sines are (positions, dim / 2).
void rotary(const RotaryParams& params, const float* src, const float* cosines, const float* sines, float* dst,
            KernelContext& context);

struct RotaryPiece {
  const float* src;
  const float* cosines;
  const float* sines;
  float* dst;
  int64_t rows;
  int64_t first_position;
  int64_t positions;
  int64_t heads;
  int64_t half;
};
using RotaryFunction = void(const RotaryPiece& piece);
extern const KernelVariants<RotaryFunction> rotary_variants;

}  // namespace samc
