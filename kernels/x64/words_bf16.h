#pragma once
// Pairs of bf16 for files built with AVX512_BF16: gemm's words, which vector/gemm_words.inc has in f32, and conversion
// from and to Floats. Everything is static, as in vector_math_avx512.h.

#include <immintrin.h>

#include <cstdint>

#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {

// Two elements of neighbouring k: what memory holds are 16-bit elements, at any even address.
using Word [[gnu::may_alias, gnu::aligned(2)]] = uint32_t;
using Words = __m512i;
constexpr int64_t kWordElements = 2;
constexpr bool kSmallCode = true;

static inline Words load_words(const Word* source) { return _mm512_loadu_si512(source); }
static inline void store_words(Word* target, Words value) { _mm512_storeu_si512(target, value); }
static inline Words set1_word(Word word) { return _mm512_set1_epi32(static_cast<int>(word)); }
// sums[lane] + the two products of each pair, each sum rounded, subnormal numbers taken for zero.
static inline Floats multiply_words(Words a, Words b, Floats sums) {
  return _mm512_dpbf16_ps(sums, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
}

constexpr int kClassInfinity = 0x18;  // of fpclass: either sign

// 32 floats rounded to nearest even. What is finite stays finite; subnormal numbers become zero.
static inline Words to_words(Floats first, Floats second) {
  const Words rounded = __builtin_bit_cast(Words, _mm512_cvtne2ps_pbh(second, first));
  const __mmask32 infinite =
      _mm512_cmpeq_epi16_mask(_mm512_and_si512(rounded, _mm512_set1_epi16(0x7fff)), _mm512_set1_epi16(0x7f80));
  if (__builtin_expect(infinite == 0, 1)) return rounded;
  const __mmask32 were_infinite = _mm512_fpclass_ps_mask(first, kClassInfinity) |
                                  static_cast<__mmask32>(_mm512_fpclass_ps_mask(second, kClassInfinity)) << 16;
  return _mm512_mask_sub_epi16(rounded, infinite & ~were_infinite, rounded, _mm512_set1_epi16(1));
}

// The same of 16.
static inline __m256i to_bf16(Floats value) {
  const __m256i rounded = __builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(value));
  const __mmask16 infinite =
      _mm256_cmpeq_epi16_mask(_mm256_and_si256(rounded, _mm256_set1_epi16(0x7fff)), _mm256_set1_epi16(0x7f80));
  if (__builtin_expect(infinite == 0, 1)) return rounded;
  const __mmask16 were_infinite = _mm512_fpclass_ps_mask(value, kClassInfinity);
  return _mm256_mask_sub_epi16(rounded, static_cast<__mmask16>(infinite & ~were_infinite), rounded,
                               _mm256_set1_epi16(1));
}

// GELU for a result that is rounded to bf16: as gelu_ps, with shorter fits of our own. Within 4e-4 of the result for
// x >= -5, where half of bf16's last place is 2e-3 at least; below it is off by less than 1e-7.
static inline Floats gelu_for_bf16(Floats x) {
  constexpr int kLesserMagnitude = 0xa;  // without sign; of NaN and a number the number
  const Floats t = _mm512_range_ps(x, set1(9.0f), kLesserMagnitude);
  Floats p = set1(-2.35301917e-4f);
  p = multiply_add(p, t, set1(4.89507142e-3f));
  p = multiply_add(p, t, set1(-4.47062810e-2f));
  p = multiply_add(p, t, set1(-0.469499473f));
  p = multiply_add(p, t, set1(-1.14636552f));
  p = multiply_add(p, t, set1(-1.00034974f));
  const Floats f = _mm512_reduce_ps(p, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);  // p less the whole number below
  Floats tail = set1(7.802452e-2f);
  tail = multiply_add(tail, f, set1(0.22606717f));
  tail = multiply_add(tail, f, set1(0.69583353f));
  tail = multiply_add(tail, f, set1(0.99992522f));
  return negate_multiply_add(t, _mm512_scalef_ps(tail, p), maximum(zero(), x));  // scalef takes the whole number, too
}

// An activation whose result goes to dst in its type.
template <Activation kActivation>
static inline Floats activate_for(Floats x, const float*) {
  return activate_ps(x, kActivation);
}
template <Activation kActivation>
static inline Floats activate_for(Floats x, const uint16_t*) {
  return kActivation == Activation::kGelu ? gelu_for_bf16(x) : activate_ps(x, kActivation);
}

#include "kernels/x64/stored_bf16_avx512.inc"

}  // namespace samc::avx512
