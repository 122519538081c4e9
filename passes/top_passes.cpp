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

Pass fold_norms_pass(const char* phase) {
  return {"fold-norms", phase, "weight and bias of a LayerNorm go into the products that read it", fold_norms};
}

Pass merge_products_pass(const char* phase) {
  return {"merge-products", phase, "a product of a product becomes one, where that is less work", merge_products};
}

Pass pool_before_windows_pass(const char* phase) {
  return {"pool-before-windows", phase, "a max pool of windows is windows of a pooled map", pool_before_windows};
}

const Pipeline& fused_pipeline() {
  static const PhaseEntry phase = {"fused",
                                   "attention and windows are ops of their own, from which targets lower them"};
  static const std::vector<Pass> passes = {
      {"fuse-attention", phase.name, "softmax(scale q k^T) v becomes one op", fuse_attention},
      {"fuse-windows", phase.name, "cutting a map into windows, and putting them together again, become one op each",
       fuse_windows},
      {"conv-products", phase.name, "1 x 1 convolutions behind a permute to NCHW are products before it",
       conv_products},
  };
  static const Pipeline pipeline = extend(top_pipeline(), "fused", {&phase, 1}, passes);
  return pipeline;
}

}  // namespace samc
