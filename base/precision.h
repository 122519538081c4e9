#pragma once
// What a kernel computes its products in, and what its packed weights hold. Sums are f32 in kF32 and kBf16, exact whole
// numbers in kInt8.

#include <cstdint>

namespace samc {

enum class Precision : uint8_t { kF32, kBf16, kInt8 };

constexpr const char* precision_name(Precision precision) {
  return precision == Precision::kF32 ? "f32" : precision == Precision::kBf16 ? "bf16" : "int8";
}

}  // namespace samc
