#pragma once
// Numbers stored as bf16, for files built with AVX2; stored_bf16_avx512.h has the same names.

#include <immintrin.h>

#include <cstdint>

#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {

static inline Floats from_bf16(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
static inline __m128i to_bf16(Floats value) {
  const __m256i bits = _mm256_castps_si256(value), sign = _mm256_and_si256(bits, _mm256_set1_epi32(INT32_MIN));
  const __m256i magnitude = _mm256_andnot_si256(_mm256_set1_epi32(INT32_MIN), bits);
  const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(magnitude, _mm256_set1_epi32(0x7fff)), last);
  rounded = _mm256_min_epu32(rounded, _mm256_set1_epi32(0x7f7fffff));  // the largest finite one
  const __m256i is_infinite = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f7fffff));
  const __m256i is_nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
  rounded = _mm256_blendv_epi8(rounded, magnitude, is_infinite);
  rounded = _mm256_or_si256(rounded, _mm256_and_si256(is_nan, _mm256_set1_epi32(0x400000)));
  const __m256i halves = _mm256_srli_epi32(_mm256_or_si256(rounded, sign), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

static inline Floats load(const uint16_t* source) {
  return from_bf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source)));
}
static inline Floats load_first(const uint16_t* source, int64_t count) {
  alignas(16) uint16_t copy[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) copy[i] = source[i];
  return load(copy);
}
static inline void store(uint16_t* target, Floats value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), to_bf16(value));
}
static inline void store_first(uint16_t* target, Floats value, int64_t count) {
  alignas(16) uint16_t copy[kLanes];
  store(copy, value);
  for (int64_t i = 0; i < count; ++i) target[i] = copy[i];
}

}  // namespace samc::avx2
