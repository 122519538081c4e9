#pragma once
// The order of a plan's operations, where another one takes less memory.

#include "package/plan.h"

namespace samc::cpu {

// Moves operations of a function without free sizes up to where their operands are made, or down to where their results
// are read, as long as the most that lives at one time shrinks. So the image encoder makes its high-resolution features
// where a stage ends, instead of keeping the stage's output until the trunk is through. Results stay, to the bit.
void order_for_memory(PlanFunction& function);

}  // namespace samc::cpu
