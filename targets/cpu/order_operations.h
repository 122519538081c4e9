#pragma once
// The order of a plan's operations, where another one takes less memory.

#include <string_view>

#include "package/plan.h"

namespace samc::cpu {

// Moves operations of a function without free sizes up to where their operands are made, or down to where their results
// are read, as long as the most that lives at one time shrinks. So the image encoder makes its high-resolution features
// where a stage ends, instead of keeping the stage's output until the trunk is through. Results stay, to the bit.
void order_for_memory(PlanFunction& function);

// Moves what only the output of this name needs behind everything else, so that a run may end before it
// (Executor::run()). A function without this output stays.
void order_output_last(PlanFunction& function, std::string_view output);

}  // namespace samc::cpu
