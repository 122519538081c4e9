#pragma once
// Writes a plan as a .samc file (docs/samc_format.md).

#include <string>

#include "base/status.h"
#include "package/plan.h"

namespace samc {

// Nothing torn is ever seen at `path`: it is written beside it and renamed. The plan is checked first (check.h).
Status write_module(const PlanModule& module, const std::string& path);

}  // namespace samc
