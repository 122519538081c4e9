#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/arm64/stored_bf16_neon.h"

namespace samc::neon_i8mm {
using namespace neon;
namespace {
// 32 registers: the sums of a tile of two vectors, two vectors of keys or values, one factor and two products. Words
// are of 16 bits here, which i8mm has no instruction for.
constexpr int64_t kTileRows = 12;

inline int32x4_t bits_of(Floats words) { return vreinterpretq_s32_f32(words); }
inline int16x8_t halves_of(Floats words) { return vreinterpretq_s16_f32(words); }
inline Floats to_floats(Floats whole) { return vcvtq_f32_s32(bits_of(whole)); }
inline Floats to_pairs(Floats low, Floats high) {
  return vreinterpretq_f32_s16(vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(low)), vqmovn_s32(vcvtnq_s32_f32(high))));
}
inline Floats to_columns(Floats low, Floats high) {
  const int16x4_t even = vmovn_s32(vcvtnq_s32_f32(low)), odd = vmovn_s32(vcvtnq_s32_f32(high));
  return vreinterpretq_f32_s16(vcombine_s16(vzip1_s16(even, odd), vzip2_s16(even, odd)));
}
inline Floats multiply_words(Floats a, Floats b, Floats sums) {
  const int32x4_t first = vmull_s16(vget_low_s16(halves_of(a)), vget_low_s16(halves_of(b)));
  const int32x4_t last = vmull_high_s16(halves_of(a), halves_of(b));
  return vreinterpretq_f32_s32(vaddq_s32(bits_of(sums), vpaddq_s32(first, last)));
}
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_whole.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention_int8 = {252, &attend, &pack_block};  // whole tiles
}  // namespace samc::neon_i8mm
