#pragma once
// What the passes share beside passes/toolkit: what follows from the chip.

#include "passes/toolkit/attributes.h"
#include "passes/toolkit/make.h"
#include "passes/toolkit/products.h"

namespace samc::sophgo {

// Two for each of the chip's 32 lanes.
constexpr int64_t kBatchTokens = 64;

// Added to a score that must not count: far below every other, and still a number in f16. Its exponential is 0.
constexpr double kExcluded = -30000.0;

}  // namespace samc::sophgo
