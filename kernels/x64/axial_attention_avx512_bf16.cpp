#include "kernels/axial_attention.h"

#include <utility>

#include "kernels/x64/attention_words_bf16.h"

namespace samc::avx512_bf16 {
namespace {
// Half of what the registers could hold: these products come every cycle with fewer sums too.
constexpr int kQueryVectors = 2;
constexpr int kTileKeys = 8;
constexpr int kTileChannels = 8;
constexpr int kTileDistances = 6;

using avx512::negate_multiply_add;

using Word = uint32_t;
inline Floats set1_word(Word word) { return as_floats(avx512::set1_word(word)); }
// (first[0], second[0]), (first[1], second[1]) ...: no infinity is taken back, since none comes of sensible queries and
// none of weights.
inline Floats pair_words(Floats first, Floats second) {
  const __m512i rounded = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(second, first));
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,  //
                                         23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return as_floats(_mm512_permutexvar_epi16(order, rounded));
}
inline Floats query_words(const float* column, const float* row) {
  constexpr int64_t kNext = kQueryVectors * kLanes;  // channel
  return pair_words(load(column) + load(row), load(column + kNext) + load(row + kNext));
}
// Whole numbers, as in attention.
inline Floats weight_references(Floats largest) {
  return _mm512_roundscale_ps(largest, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
inline Floats weight_words(const Floats (&weights)[2]) { return pair_words(weights[0], weights[1]); }

}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/axial_attention.inc"

extern const AxialAttentionBf16 axial_attention_bf16;
const AxialAttentionBf16 axial_attention_bf16{kQueries, kGroups, &attend_piece};
}  // namespace samc::avx512_bf16
