#pragma once
// Vector arithmetic for files built with AVX-512; vector_math_avx2.h has the same names. Everything is static: nothing
// here may become a symbol of the whole program. Polynomials are our own minimax fits, weighted by what each result is
// for.

#include <immintrin.h>

#include <cstdint>

#include "kernels/activation.h"

namespace samc::avx512 {

using Floats = __m512;
constexpr int64_t kLanes = 16;

static inline Floats zero() { return _mm512_setzero_ps(); }
static inline Floats set1(float value) { return _mm512_set1_ps(value); }
static inline Floats load(const float* source) { return _mm512_loadu_ps(source); }
static inline void store(float* target, Floats value) { _mm512_storeu_ps(target, value); }
// The first count lanes, 0 <= count <= kLanes; the others are zero, and memory behind them is not touched.
static inline __mmask16 first_lanes(int64_t count) { return static_cast<__mmask16>((1u << count) - 1u); }
static inline Floats load_first(const float* source, int64_t count) {
  return _mm512_maskz_loadu_ps(first_lanes(count), source);
}
static inline void store_first(float* target, Floats value, int64_t count) {
  _mm512_mask_storeu_ps(target, first_lanes(count), value);
}
// value in the first count lanes, other in the rest.
static inline Floats select_first(Floats value, Floats other, int64_t count) {
  return _mm512_mask_blend_ps(first_lanes(count), other, value);
}

// a b + c and c - a b, rounded once.
static inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
static inline Floats negate_multiply_add(Floats a, Floats b, Floats c) { return _mm512_fnmadd_ps(a, b, c); }
// b where either is NaN: give the constant as a, and a NaN in b stays.
static inline Floats maximum(Floats a, Floats b) { return _mm512_max_ps(a, b); }
static inline Floats minimum(Floats a, Floats b) { return _mm512_min_ps(a, b); }
static inline Floats absolute(Floats x) { return _mm512_abs_ps(x); }
static inline Floats square_root(Floats x) { return _mm512_sqrt_ps(x); }
static inline Floats round_to_integer(Floats x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline Floats round_down(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline Floats with_sign_of(Floats magnitude, Floats sign) {
  const __m512i bit = _mm512_set1_epi32(INT32_MIN);
  return _mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign), _mm512_castps_si512(magnitude), 0xca));
}
static inline Floats select_less(Floats a, Floats b, Floats when_less, Floats otherwise) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), otherwise, when_less);
}
// a where a is NaN, else otherwise.
static inline Floats keep_nan(Floats a, Floats otherwise) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), otherwise, a);
}
// x 2^n for whole n.
static inline Floats scale_by_power(Floats x, Floats n) { return _mm512_scalef_ps(x, n); }
// The same where x is normal and the result will be: other sets take fewer steps then. NaN stays NaN.
static inline Floats scale_normal_by_power(Floats x, Floats n) { return scale_by_power(x, n); }

static inline float sum_lanes(Floats x) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
static inline float maximum_lane(Floats x) {
  const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  const __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

// rows[i] and rows[j] exchange their lanes j and i.
static inline void transpose(Floats rows[16]) {
  __m512 pairs[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  __m512 fours[16];  // fours[4 g + c]: lane group l holds column 4 l + c of rows 4 g to 4 g + 3
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    const __m512d a = _mm512_castps_pd(pairs[i]);
    const __m512d b = _mm512_castps_pd(pairs[i + 1]);
    const __m512d c = _mm512_castps_pd(pairs[i + 2]);
    const __m512d d = _mm512_castps_pd(pairs[i + 3]);
    fours[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    fours[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    fours[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    fours[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
#pragma GCC unroll 16
  for (int c = 0; c < 4; ++c) {
    const __m512 even_low = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0x88);
    const __m512 odd_low = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0xdd);
    const __m512 even_high = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0x88);
    const __m512 odd_high = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0xdd);
    rows[c] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
    rows[8 + c] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
    rows[4 + c] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
    rows[12 + c] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
  }
}

#include "kernels/vector/vector_math.inc"

}  // namespace samc::avx512
