#include "passes/top_passes.h"

namespace samc {

std::span<const Pass> top_passes() {
  static const std::vector<Pass> passes = {
      {"canonicalize", Phase::kTop, "the ops' own folders and patterns", canonicalize},
      {"fold-constants", Phase::kTop, "ops over weights alone are evaluated by the reference interpreter",
       fold_constants, true},
      {"constant-operands", Phase::kTop, "an operand that is one known number becomes an attribute", constant_operands},
      {"fuse-bias", Phase::kTop, "a row of weights added to a matrix product or convolution becomes its bias",
       fuse_bias},
  };
  return passes;
}

}  // namespace samc
