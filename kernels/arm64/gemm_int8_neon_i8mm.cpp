#include <utility>

#include "kernels/arm64/stored_bf16_neon.h"
#include "kernels/gemm.h"

namespace samc::neon_i8mm {
using namespace neon;
namespace {

// 32 registers: the sums, a panel's four vectors and one factor.
constexpr int64_t kTileRows = 6;
constexpr int64_t kTileVectors = 4;
constexpr int kParts = 1;

using Ints = int32x4_t;
inline Ints no_ints() { return vdupq_n_s32(0); }
inline Ints set1_ints(uint32_t value) { return vreinterpretq_s32_u32(vdupq_n_u32(value)); }
inline Ints load_ints(const uint32_t* source) { return vreinterpretq_s32_u32(vld1q_u32(source)); }
inline Ints multiply_ints(Ints a, Ints b) { return vmulq_s32(a, b); }
inline Ints subtract_ints(Ints a, Ints b) { return vsubq_s32(a, b); }
inline Floats to_floats(Ints values) { return vcvtq_f32_s32(values); }
inline int to_nearest(float value) { return vcvtns_s32_f32(value); }

template <int kPart>
Ints load_part(const uint32_t* weights) {
  return load_ints(weights);
}
inline Ints multiply_words(Ints steps, Ints weights, Ints sums) {
  return vusdotq_s32(sums, vreinterpretq_u8_s32(steps), vreinterpretq_s8_s32(weights));
}
inline uint16x4_t to_halves(Floats steps, int zero) {
  return vqmovun_s32(vaddq_s32(vcvtnq_s32_f32(steps), vdupq_n_s32(zero)));
}
inline void store_steps(uint32_t* target, const Floats (&steps)[4], int zero) {
  const uint8x8_t first = vqmovn_u16(vcombine_u16(to_halves(steps[0], zero), to_halves(steps[1], zero)));
  const uint8x8_t last = vqmovn_u16(vcombine_u16(to_halves(steps[2], zero), to_halves(steps[3], zero)));
  vst1q_u32(target, vreinterpretq_u32_u8(vcombine_u8(first, last)));
}

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/gemm_int8.inc"

extern const Gemm gemm_int8;
const Gemm gemm_int8{kTileRows, kWordElements, 0, pack_rows, nullptr, multiply, kParts};

}  // namespace samc::neon_i8mm
