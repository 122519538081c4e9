#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/x64/stored_bf16_avx512.h"

namespace samc::avx512_vnni {
using namespace avx512;
namespace {
// 32 registers: the sums of a tile of two vectors, two vectors of keys or values, and one factor.
constexpr int64_t kTileRows = 14;

inline __m512i bits_of(Floats words) { return _mm512_castps_si512(words); }
inline Floats to_floats(Floats whole) { return _mm512_cvtepi32_ps(bits_of(whole)); }
inline Floats to_pairs(Floats low, Floats high) {
  const __m256i first = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(low));
  const __m256i second = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(high));
  return _mm512_castsi512_ps(_mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1));
}
inline Floats to_columns(Floats low, Floats high) {
  constexpr __mmask32 kOddHalves = 0xaaaaaaaa;
  return _mm512_castsi512_ps(
      _mm512_mask_blend_epi16(kOddHalves, _mm512_cvtps_epi32(low), _mm512_slli_epi32(_mm512_cvtps_epi32(high), 16)));
}
inline Floats multiply_words(Floats a, Floats b, Floats sums) {
  Floats result = _mm512_castsi512_ps(_mm512_dpwssd_epi32(bits_of(sums), bits_of(a), bits_of(b)));
  __asm__("" : "+v"(result));  // or compilers keep each sum twice, as a whole number too
  return result;
}
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_whole.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention_int8 = {252, &attend, &pack_block};  // whole tiles
}  // namespace samc::avx512_vnni
