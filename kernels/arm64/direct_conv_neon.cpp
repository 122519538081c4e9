#include "kernels/direct_conv.h"

#include <utility>

#include "kernels/arm64/vector_math_neon.h"

namespace samc::neon {
namespace {

// 32 registers: the sums, the columns and one factor.
constexpr int kMostVectors = 4;
constexpr int tile_pixels(int vectors) { return vectors == 1 ? 16 : vectors == 2 ? 12 : 6; }
constexpr int kGroups = 8;

using LaneIndices = uint8x16_t;  // of the bytes of each lane
LaneIndices load_indices(const int32_t* source) {
  const int32x4_t first_bytes = vmulq_n_s32(vld1q_s32(source), 0x04040404);
  return vreinterpretq_u8_s32(vaddq_s32(first_bytes, vdupq_n_s32(0x03020100)));
}
Floats permute(Floats value, LaneIndices indices) {
  return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(value), indices));
}

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/direct_conv.inc"

}  // namespace samc::neon
