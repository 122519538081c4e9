#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/x64/stored_bf16_avx2.h"
#include "kernels/x64/whole_products_avx2.h"

namespace samc::avx2 {
namespace {
// 16 registers: the sums of a tile of two vectors, two vectors of keys or values, one factor and one product.
constexpr int64_t kTileRows = 6;

inline __m256i bits_of(Floats words) { return _mm256_castps_si256(words); }
inline Floats to_floats(Floats whole) { return _mm256_cvtepi32_ps(bits_of(whole)); }
inline Floats to_pairs(Floats low, Floats high) {
  constexpr int kHalvesInOrder = 0xd8;
  const __m256i halves = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
  return _mm256_castsi256_ps(_mm256_permute4x64_epi64(halves, kHalvesInOrder));
}
inline Floats to_columns(Floats low, Floats high) {
  constexpr int kOddHalves = 0xaa;
  return _mm256_castsi256_ps(
      _mm256_blend_epi16(_mm256_cvtps_epi32(low), _mm256_slli_epi32(_mm256_cvtps_epi32(high), 16), kOddHalves));
}
inline Floats multiply_words(Floats a, Floats b, Floats sums) {
  Floats result = _mm256_castsi256_ps(add_pair_products(bits_of(a), bits_of(b), bits_of(sums)));
  __asm__("" : "+x"(result));  // or compilers keep each sum twice, as a whole number too
  return result;
}
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_whole.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention_int8 = {252, &attend, &pack_block};  // whole tiles
}  // namespace samc::avx2
