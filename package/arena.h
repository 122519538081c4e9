#pragma once
// Places the arena values of a function in one block of memory. The compiler prints the result; the runtime uses it for
// each number of points, so the file holds no offsets.

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "package/plan.h"

namespace samc {

constexpr int64_t kArenaAlignment = 64;

struct ArenaPlan {
  std::vector<int64_t>
      offsets;         // one for each value of the function; -1 for those not in the arena (aliases: see below)
  int64_t bytes = 0;   // size of the block, the peak of what is live at once with the gaps between
  int64_t values = 0;  // how many values are placed
  int64_t total_value_bytes = 0;  // what they would take without reuse
};

// function must have passed check_function() (package/check.h). A value lives from the operation that writes it to the
// last that reads it or an alias of it. An elementwise operation writes over an operand that dies there. Offsets of
// aliases of arena values are filled in too.
ArenaPlan plan_arena(const PlanFunction& function, int64_t points);

// Index of the operand that `operation` may write over: its values dies there, has the same size, and each element of
// the result depends only on the same element of it. kAbsent when the kernel has none such.
std::vector<int32_t> operands_for_in_place(const Operation& operation);

}  // namespace samc
