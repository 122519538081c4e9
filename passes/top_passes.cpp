#include "passes/top_passes.h"

namespace samc {

const Pipeline& top_pipeline() {
  static const Pipeline pipeline = {
      "top",
      {{kInputPhase, "top ops as the model builder or the ONNX reader wrote them"},
       {kTopPhase,
        "the top contract: static shapes, constants evaluated, no shape arithmetic, target-independent fusions done"}},
      {
          {"canonicalize", kTopPhase, "the ops' own folders and patterns", canonicalize},
          {"fold-constants", kTopPhase, "ops over weights alone are evaluated by the reference interpreter",
           fold_constants, true},
          {"constant-operands", kTopPhase, "an operand that is one known number becomes an attribute",
           constant_operands},
          {"fuse-bias", kTopPhase, "a row of weights added to a matrix product or convolution becomes its bias",
           fuse_bias},
      }};
  return pipeline;
}

}  // namespace samc
