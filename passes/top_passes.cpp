#include "passes/top_passes.h"

namespace samc {

std::span<const Pass> top_passes() {
  static const std::vector<Pass> passes = {
      {"canonicalize", Phase::kTop, "the ops' own folders and patterns", canonicalize},
      {"fold-constants", Phase::kTop, "ops over weights alone are evaluated by the reference interpreter",
       fold_constants, true},
  };
  return passes;
}

}  // namespace samc
