#include "targets/sophgo/passes/passes.h"

#include <vector>

#include "ir/top_dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/top_passes.h"

namespace samc::sophgo {

const Pipeline& sophgo_pipeline() {
  static const PhaseEntry phase = {
      "sophgo", "top ops rewritten so that the chip computes them faster, products as tpuc-opt wants them"};
  static const std::vector<Pass> passes = {
      {"split-matmuls", phase.name, "a matrix product that is only read in equal parts becomes one for each part",
       split_matmuls},
      {"merge-slices", phase.name, "a slice of a slice is one slice", merge_slices},
      {"fold-scales", phase.name, "constant factors of attention go into the weights before them", fold_scales},
      {"move-attention-biases", phase.name, "key biases, without effect, go; value biases go into the projection",
       move_attention_biases},
      merge_products_pass(phase.name),
      {"window-layout", phase.name, "what lies between two windowed attentions of one grid is done in windows",
       window_layout},
      {"pad-products", phase.name, "products before windows are padded and after they are cropped", pad_products},
      fold_norms_pass(phase.name),
      {"move-attention-biases-again", phase.name, "what the norms left in keys and values", move_attention_biases},
      {"absorb-for-few-channels", phase.name, "attention over few channels computes neither keys nor values",
       absorb_for_few_channels},
      pool_before_windows_pass(phase.name),
      {"pool-before-padding", phase.name, "a max pool of a padded map is the pooled map, padded", pool_before_padding},
      {"pool-by-members", phase.name, "a 2 x 2 max pool of a map is the largest of its members' products",
       pool_by_members},
      {"join-windows", phase.name, "attention in windows of few tokens takes 64 tokens at once, masked", join_windows},
      {"expand-fused", phase.name, "attention and windows are top ops again", expand_fused, true},
      {"batch-tokens", phase.name, "ops on single tokens of small windows work on 64 tokens at once", batch_tokens},
      {"split-perceptrons", phase.name, "a perceptron with large weights is a sum over parts of its hidden units",
       split_perceptrons},
      {"transpose-weights", phase.name, "constant right sides of products stand as (k, n), as tpuc-opt wants them",
       transpose_weights},
      {"repeat-choices", phase.name, "what a Where chooses from, and by, has its result's shape", repeat_choices},
      {"remove-dead", phase.name, "ops and weights that nothing reads go", remove_dead},
  };
  static const Pipeline pipeline = extend(fused_pipeline(), "sophgo", {&phase, 1}, passes);
  return pipeline;
}

mlir::LogicalResult remove_dead(mlir::ModuleOp module, WeightStore& weights) {
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    std::vector<mlir::Operation*> ops;
    for (mlir::Operation& op : function.getBody().front()) ops.push_back(&op);
    for (auto op = ops.rbegin(); op != ops.rend(); ++op)  // inputs are the function's promise
      if ((*op)->use_empty() && !mlir::isa<top::InputOp, mlir::func::ReturnOp>(*op)) (*op)->erase();
  }
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc::sophgo
