#pragma once
// The loops that fma_peak measures.

#include <cstdint>

#include "kernels/dispatch.h"

namespace samc {

// Runs at least multiply_adds multiply-adds of single floats and returns how many it ran; sink keeps the results alive.
using FmaLoopFunction = int64_t(int64_t multiply_adds, float* sink);
extern const KernelVariants<FmaLoopFunction> fma_loop_variants;
// The same of bf16 numbers with f32 sums.
extern const KernelVariants<FmaLoopFunction> bf16_loop_variants;
// Of int8 numbers with sums of 32 bits.
extern const KernelVariants<FmaLoopFunction> int8_loop_variants;

}  // namespace samc
