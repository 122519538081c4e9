#pragma once
// Weights of attention in f32 for files built with AVX2: what vector/attention_weights.inc has for other sets, in fewer
// instructions.

#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {

// exp2_ps() with its polynomial, for no more than weights are: the power of two, -126 to 0, goes straight into the
// exponent. It is rounded by a sum with 1.5 2^23, in whose low bits a whole number is left.
static inline Floats weight_of(Floats difference) {
  const Floats x = maximum(set1(-126.0f), difference), shift = set1(12582912.0f);
  const Floats shifted = x + shift;
  const Floats f = x - (shifted - shift);
  Floats p = set1(1.326472731307149e-3f);
  p = multiply_add(p, f, set1(9.671512991189957e-3f));
  p = multiply_add(p, f, set1(5.550733581185341e-2f));
  p = multiply_add(p, f, set1(0.24022242426872253f));
  p = multiply_add(p, f, set1(0.6931470036506653f));
  p = multiply_add(p, f, set1(1.0f));
  const __m256i power = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
}

}  // namespace samc::avx2
