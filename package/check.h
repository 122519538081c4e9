#pragma once
// The structure of a plan: every index in range, every extent sane, nothing read before it is written. The writer and
// the reader both call it; what each kernel asks of its operands is checked by runtime/ when it binds them.

#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "base/status.h"
#include "package/plan.h"

namespace samc {

// Limits that any SAM 2 stays far below; they keep sizes computed from a hostile file from overflowing.
constexpr int64_t kGreatestRank = 8;
constexpr int64_t kGreatestSize = 1 << 20;  // of a free size
constexpr int64_t kGreatestExtent = int64_t{1} << 31;
constexpr int64_t kGreatestValueBytes = int64_t{1} << 32;
// Of a module: planning an arena takes time by the square of the values. SAM 2's largest has some 4,000.
constexpr size_t kGreatestFunctions = 64;
constexpr size_t kGreatestValues = 32'768;  // of all functions together
constexpr size_t kGreatestBorder = 256;     // inputs of a function, and outputs

// Whether |x| <= limit; std::abs has no answer for the least integer.
constexpr bool within(int64_t x, int64_t limit) { return -limit <= x && x <= limit; }

Status check_function(const PlanFunction& function, const PlanModule& module);
// ModelInfo, the names (unique, printable), then every function.
Status check_module(const PlanModule& module);

}  // namespace samc
