#pragma once
// Numbers stored as bf16, for files built with AVX-512 and no instruction of bf16 (words_bf16.h has the same names with
// it). Rounded as round_to_bf16 does.

#include <immintrin.h>

#include <cstdint>

#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {

static inline __m256i to_bf16(Floats value) {
  const __m512i bits = _mm512_castps_si512(value), sign = _mm512_and_si512(bits, _mm512_set1_epi32(INT32_MIN));
  const __m512i magnitude = _mm512_andnot_si512(_mm512_set1_epi32(INT32_MIN), bits);
  const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(magnitude, _mm512_set1_epi32(0x7fff)), last);
  rounded = _mm512_min_epu32(rounded, _mm512_set1_epi32(0x7f7fffff));  // the largest finite one
  const __mmask16 is_infinite = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f7fffff));
  const __mmask16 is_nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
  rounded = _mm512_mask_mov_epi32(rounded, is_infinite, magnitude);
  rounded = _mm512_mask_or_epi32(rounded, is_nan, rounded, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_or_si512(rounded, sign), 16));
}

#include "kernels/x64/stored_bf16_avx512.inc"

}  // namespace samc::avx512
