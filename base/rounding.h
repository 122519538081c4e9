#pragma once
// Whole numbers rounded up. Always inlined, so that files of one instruction set may use them (kernels_isa_test).

#include <cstdint>

namespace samc {

[[gnu::always_inline]] inline constexpr int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }
[[gnu::always_inline]] inline constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return divide_up(value, multiple) * multiple;
}

}  // namespace samc
