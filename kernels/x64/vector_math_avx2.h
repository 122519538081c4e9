#pragma once
// Vector arithmetic for files built with AVX2 and FMA; vector_math_avx512.h has the same names and says what they do.

#include <immintrin.h>

#include <cstdint>

#include "kernels/activation.h"

namespace samc::avx2 {

using Floats = __m256;
constexpr int64_t kLanes = 8;

static inline Floats zero() { return _mm256_setzero_ps(); }
static inline Floats set1(float value) { return _mm256_set1_ps(value); }
static inline Floats load(const float* source) { return _mm256_loadu_ps(source); }
static inline void store(float* target, Floats value) { _mm256_storeu_ps(target, value); }
static inline __m256i first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Floats load_first(const float* source, int64_t count) {
  return _mm256_maskload_ps(source, first_lanes(count));
}
static inline void store_first(float* target, Floats value, int64_t count) {
  _mm256_maskstore_ps(target, first_lanes(count), value);
}
static inline Floats select_first(Floats value, Floats other, int64_t count) {
  return _mm256_blendv_ps(other, value, _mm256_castsi256_ps(first_lanes(count)));
}

static inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
static inline Floats negate_multiply_add(Floats a, Floats b, Floats c) { return _mm256_fnmadd_ps(a, b, c); }
static inline Floats maximum(Floats a, Floats b) { return _mm256_max_ps(a, b); }
static inline Floats minimum(Floats a, Floats b) { return _mm256_min_ps(a, b); }
static inline Floats absolute(Floats x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
static inline Floats square_root(Floats x) { return _mm256_sqrt_ps(x); }
static inline Floats round_to_integer(Floats x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline Floats round_down(Floats x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline Floats with_sign_of(Floats magnitude, Floats sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_and_ps(bit, sign), _mm256_andnot_ps(bit, magnitude));
}
static inline Floats select_less(Floats a, Floats b, Floats when_less, Floats otherwise) {
  return _mm256_blendv_ps(otherwise, when_less, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
static inline Floats keep_nan(Floats a, Floats otherwise) {
  return _mm256_blendv_ps(otherwise, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
// In two steps, so that results down to the smallest subnormal and up to the largest float are reached.
static inline Floats scale_by_power(Floats x, Floats n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return x * _mm256_castsi256_ps(first) * _mm256_castsi256_ps(second);
}

static inline Floats scale_normal_by_power(Floats x, Floats n) {
  const __m256i exponents = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponents));
}

static inline float sum_lanes(Floats x) {
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
static inline float maximum_lane(Floats x) {
  const __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

static inline void transpose(Floats rows[8]) {
  __m256 fours[8];  // fours[4 g + c]: lane group l holds column 4 l + c of rows 4 g to 4 g + 3
#pragma GCC unroll 16
  for (int i = 0; i < 8; i += 4) {
    const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(rows[i], rows[i + 1]));
    const __m256d b = _mm256_castps_pd(_mm256_unpackhi_ps(rows[i], rows[i + 1]));
    const __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(rows[i + 2], rows[i + 3]));
    const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(rows[i + 2], rows[i + 3]));
    fours[i] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c));
    fours[i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
    fours[i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d));
    fours[i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
  }
#pragma GCC unroll 16
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x20);
    rows[4 + c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x31);
  }
}

#include "kernels/vector/vector_math.inc"

}  // namespace samc::avx2
