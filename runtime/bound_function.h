#pragma once
// A function of a module at one number of points, ready to run.

#include <cstdint>
#include <vector>

#include "package/arena.h"
#include "package/plan.h"
#include "runtime/operation_binder.h"

namespace samc {

struct BoundFunction {
  const PlanFunction* function = nullptr;  // of the module that made this
  int64_t points = 0;
  ArenaPlan arena;
  std::vector<BoundOperation> operations;
};

}  // namespace samc
