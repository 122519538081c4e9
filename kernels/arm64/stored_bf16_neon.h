#pragma once
// Numbers stored as bf16, for files built with NEON; x64/stored_bf16_avx512.h has the same names. Rounded as
// round_to_bf16 does.

#include "kernels/arm64/vector_math_neon.h"

namespace samc::neon {

static inline Floats from_bf16(uint16x4_t bits) { return vreinterpretq_f32_u32(vshll_n_u16(bits, 16)); }
static inline uint16x4_t to_bf16(Floats value) {
  const uint32x4_t bits = vreinterpretq_u32_f32(value), sign = vandq_u32(bits, vdupq_n_u32(0x80000000u));
  const uint32x4_t magnitude = vbicq_u32(bits, vdupq_n_u32(0x80000000u));
  const uint32x4_t last = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  uint32x4_t rounded = vaddq_u32(vaddq_u32(magnitude, vdupq_n_u32(0x7fff)), last);
  rounded = vminq_u32(rounded, vdupq_n_u32(0x7f7fffff));  // the largest finite one
  rounded = vbslq_u32(vcgtq_u32(magnitude, vdupq_n_u32(0x7f7fffff)), magnitude, rounded);
  const uint32x4_t is_nan = vcgtq_u32(magnitude, vdupq_n_u32(0x7f800000));
  rounded = vorrq_u32(rounded, vandq_u32(is_nan, vdupq_n_u32(0x400000)));
  return vshrn_n_u32(vorrq_u32(rounded, sign), 16);
}

static inline Floats load(const uint16_t* source) { return from_bf16(vld1_u16(source)); }
static inline Floats load_first(const uint16_t* source, int64_t count) {
  uint16_t copy[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) copy[i] = source[i];
  return load(copy);
}
static inline void store(uint16_t* target, Floats value) { vst1_u16(target, to_bf16(value)); }
static inline void store_first(uint16_t* target, Floats value, int64_t count) {
  uint16_t copy[kLanes];
  store(copy, value);
  for (int64_t i = 0; i < count; ++i) target[i] = copy[i];
}

}  // namespace samc::neon
