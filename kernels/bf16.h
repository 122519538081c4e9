#pragma once
// f32 rounded to bf16 as all products in bf16 have it. For files without instruction set flags: vector variants have
// the same in vectors.

#include <cmath>
#include <cstdint>

#include "base/dtype.h"

namespace samc {

// To nearest even. A finite number beyond the largest bf16 becomes that one; infinities and NaN stay, since they tell
// that something went wrong before.
inline uint16_t round_to_bf16(float value) {
  const uint16_t rounded = f32_to_bf16(value);
  constexpr uint16_t kMagnitude = 0x7fff, kInfinity = 0x7f80;
  return (rounded & kMagnitude) == kInfinity && std::isfinite(value) ? static_cast<uint16_t>(rounded - 1) : rounded;
}
// The same as a number again.
inline float rounded_to_bf16(float value) { return bf16_to_f32(round_to_bf16(value)); }

}  // namespace samc
