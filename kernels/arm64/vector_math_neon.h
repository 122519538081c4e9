#pragma once
// Vector arithmetic for NEON; x64/vector_math_avx512.h has the same names and says what they do.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/activation.h"

namespace samc::neon {

using Floats = float32x4_t;
constexpr int64_t kLanes = 4;

static inline Floats zero() { return vdupq_n_f32(0); }
static inline Floats set1(float value) { return vdupq_n_f32(value); }
static inline Floats load(const float* source) { return vld1q_f32(source); }
static inline void store(float* target, Floats value) { vst1q_f32(target, value); }
// NEON has no masked loads and stores: in a pair and a single one.
static inline Floats load_first(const float* source, int64_t count) {
  if (count == kLanes) return load(source);
  const float32x2_t none = vdup_n_f32(0);
  if ((count & 2) == 0) return vcombine_f32((count & 1) != 0 ? vld1_lane_f32(source, none, 0) : none, none);
  return vcombine_f32(vld1_f32(source), (count & 1) != 0 ? vld1_lane_f32(source + 2, none, 0) : none);
}
static inline void store_first(float* target, Floats value, int64_t count) {
  if (count == kLanes) return store(target, value);
  if ((count & 2) == 0) {
    if ((count & 1) != 0) vst1q_lane_f32(target, value, 0);
    return;
  }
  vst1_f32(target, vget_low_f32(value));
  if ((count & 1) != 0) vst1q_lane_f32(target + 2, value, 2);
}
static inline Floats select_first(Floats value, Floats other, int64_t count) {
  const int32x4_t lanes = {0, 1, 2, 3};
  return vbslq_f32(vcltq_s32(lanes, vdupq_n_s32(static_cast<int32_t>(count))), value, other);
}

static inline Floats multiply_add(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }
static inline Floats negate_multiply_add(Floats a, Floats b, Floats c) { return vfmsq_f32(c, a, b); }
// NaN where either is.
static inline Floats maximum(Floats a, Floats b) { return vmaxq_f32(a, b); }
static inline Floats minimum(Floats a, Floats b) { return vminq_f32(a, b); }
static inline Floats absolute(Floats x) { return vabsq_f32(x); }
static inline Floats square_root(Floats x) { return vsqrtq_f32(x); }
static inline Floats round_to_integer(Floats x) { return vrndnq_f32(x); }
static inline Floats round_down(Floats x) { return vrndmq_f32(x); }
static inline Floats with_sign_of(Floats magnitude, Floats sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}
static inline Floats select_less(Floats a, Floats b, Floats when_less, Floats otherwise) {
  return vbslq_f32(vcltq_f32(a, b), when_less, otherwise);
}
static inline Floats keep_nan(Floats a, Floats otherwise) { return vbslq_f32(vceqq_f32(a, a), otherwise, a); }
// In two steps, so that results down to the smallest subnormal and up to the largest float are reached.
static inline Floats scale_by_power(Floats x, Floats n) {
  const int32x4_t whole = vcvtq_s32_f32(n);
  const int32x4_t half = vshrq_n_s32(whole, 1);
  const int32x4_t bias = vdupq_n_s32(127);
  const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
  const int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
  return x * vreinterpretq_f32_s32(first) * vreinterpretq_f32_s32(second);
}

static inline Floats scale_normal_by_power(Floats x, Floats n) {
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), vshlq_n_s32(vcvtq_s32_f32(n), 23)));
}

// In halves, in the order of the other sets.
static inline float sum_lanes(Floats x) { return vaddv_f32(vadd_f32(vget_low_f32(x), vget_high_f32(x))); }
static inline float maximum_lane(Floats x) { return vmaxvq_f32(x); }

static inline void transpose(Floats rows[4]) {
  // even holds columns 0 and 2 of two rows, odd columns 1 and 3.
  const float32x4_t even_first = vtrn1q_f32(rows[0], rows[1]), odd_first = vtrn2q_f32(rows[0], rows[1]);
  const float32x4_t even_last = vtrn1q_f32(rows[2], rows[3]), odd_last = vtrn2q_f32(rows[2], rows[3]);
  rows[0] = vcombine_f32(vget_low_f32(even_first), vget_low_f32(even_last));
  rows[1] = vcombine_f32(vget_low_f32(odd_first), vget_low_f32(odd_last));
  rows[2] = vcombine_f32(vget_high_f32(even_first), vget_high_f32(even_last));
  rows[3] = vcombine_f32(vget_high_f32(odd_first), vget_high_f32(odd_last));
}

#include "kernels/vector/vector_math.inc"

}  // namespace samc::neon
