#pragma once
// What attention multiplies in bf16: a word of 32 bits is two elements, the first in the lower half. For files built
// with AVX-512 BF16; vector/attention_words.inc says what each name is.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "kernels/x64/words_bf16.h"

namespace samc::avx512_bf16 {
namespace {

using avx512::exp2_ps, avx512::first_lanes, avx512::Floats, avx512::kLanes, avx512::kWordElements, avx512::load,
    avx512::load_first, avx512::maximum, avx512::maximum_lane, avx512::multiply_add, avx512::select_first, avx512::set1,
    avx512::store, avx512::sum_lanes, avx512::transpose, avx512::zero;

constexpr bool kWholeNumbers = false;

// Words in the type that moves them.
inline Floats as_floats(avx512::Words words) { return _mm512_castsi512_ps(words); }
inline avx512::Words as_words(Floats bits) { return _mm512_castps_si512(bits); }
// Words of (low[0], low[1]), (low[2], low[3]) ... (high[14], high[15]).
inline Floats round_to_words(Floats low, Floats high) { return as_floats(avx512::to_words(low, high)); }

inline __m512i load_halves(const uint16_t* source, int64_t count) {
  return count >= kLanes ? _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source)))
                         : _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(count < 0 ? 0 : count), source));
}
// The first count elements, which may be none, zeros behind them.
template <class Element>
inline Floats load_elements(const Element* source, int64_t count) {
  return count >= kLanes ? load(source) : load_first(source, count < 0 ? 0 : count);
}

template <class Body>
inline void with_elements(DType dtype, const Body& body) {
  if (dtype == DType::kBF16) {
    body(static_cast<const uint16_t*>(nullptr));
  } else {
    body(static_cast<const float*>(nullptr));
  }
}
inline Floats load_words(const float* source, int64_t count) {
  return round_to_words(load_elements(source, count), load_elements(source + kLanes, count - kLanes));
}
inline Floats load_words(const uint16_t* source, int64_t count) {
  if (count >= 2 * kLanes) return _mm512_castsi512_ps(_mm512_loadu_si512(source));
  return _mm512_castsi512_ps(_mm512_maskz_loadu_epi16((uint32_t{1} << count) - 1, source));
}
template <class Element>
inline Floats load_key_words(const Element* source, int64_t count, float) {
  return load_words(source, count);
}
// As memory has them where elements are bf16.
inline Floats load_stored_words(const float* source, int64_t count) { return load_words(source, count); }
template <class Element>
inline Floats load_scaled_words(const Element* source, int64_t count, Floats factor) {
  return round_to_words(load_elements(source, count) * factor, load_elements(source + kLanes, count - kLanes) * factor);
}
inline __m512i load_rounded(const float* row, int64_t column, int64_t count) {
  if (row == nullptr) return _mm512_setzero_si512();
  return _mm512_cvtepu16_epi32(avx512::to_bf16(load_elements(row + column, count)));
}
inline __m512i load_rounded(const uint16_t* row, int64_t column, int64_t count) {
  return row == nullptr ? _mm512_setzero_si512() : load_halves(row + column, count);
}
template <class Element>
inline Floats load_column_words(const Element* const (&rows)[2], int64_t column, int64_t count) {
  return _mm512_castsi512_ps(_mm512_or_si512(load_rounded(rows[0], column, count),
                                             _mm512_slli_epi32(load_rounded(rows[1], column, count), 16)));
}
inline void store_elements(std::byte* target, DType dtype, int64_t first, Floats values, int64_t count) {
  const __mmask16 lanes = first_lanes(count < kLanes ? count : kLanes);
  if (dtype == DType::kBF16) {
    _mm256_mask_storeu_epi16(reinterpret_cast<uint16_t*>(target) + first, lanes, avx512::to_bf16(values));
  } else {
    _mm512_mask_storeu_ps(reinterpret_cast<float*>(target) + first, lanes, values);
  }
}

inline Floats multiply_words(Floats a, Floats b, Floats sums) {
  return avx512::multiply_words(as_words(a), as_words(b), sums);
}
// A whole number: weights relative to another one differ by a power of two only, whatever their rounding.
inline float weight_reference(float largest) { return __builtin_ceilf(largest); }
// 2^difference within 8e-5 of it (our own minimax fit), for difference <= 0: a twenty-fifth of what rounding to bf16
// takes. The clamp keeps weights normal numbers, NaN passes through it.
inline Floats weight_of(Floats difference) {
  const Floats x = maximum(set1(-126.0f), difference);
  const Floats f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);  // x less the whole number below
  Floats p = set1(7.802452e-2f);
  p = multiply_add(p, f, set1(0.22606716f));
  p = multiply_add(p, f, set1(0.69583354f));
  p = multiply_add(p, f, set1(0.99992522f));
  return _mm512_scalef_ps(p, x);  // takes the whole number below, too
}
// Weights are at most 2: no rounding makes them infinite.
inline Floats to_words(const Floats (&weights)[2]) {
  return __builtin_bit_cast(Floats, _mm512_cvtne2ps_pbh(weights[1], weights[0]));
}
inline Floats add_words(Floats words, const Floats (&)[2], Floats sums) {
  return multiply_words(words, _mm512_castsi512_ps(_mm512_set1_epi32(0x3f803f80)), sums);
}

}  // namespace
}  // namespace samc::avx512_bf16
