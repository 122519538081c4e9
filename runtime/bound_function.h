#pragma once
// A function of a module at chosen sizes, ready to run.

#include <cstdint>
#include <vector>

#include "package/arena.h"
#include "package/plan.h"
#include "runtime/operation_binder.h"

namespace samc {

struct BoundFunction {
  const PlanFunction* function = nullptr;  // of the module that made this
  Sizes sizes{};
  ArenaPlan arena;
  std::vector<BoundOperation> operations;
};

}  // namespace samc
