#include "targets/sophgo/passes/passes.h"

#include <vector>

#include "ir/top_dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace samc::sophgo {

std::span<const Pass> sophgo_passes() {
  static const std::vector<Pass> passes = {
      {"split-matmuls", Phase::kTop, "a matrix product that is only read in equal parts becomes one for each part",
       split_matmuls},
      {"merge-slices", Phase::kTop, "a slice of a slice is one slice", merge_slices},
      {"fold-scales", Phase::kTop, "constant factors of attention go into the weights before them", fold_scales},
      {"move-attention-biases", Phase::kTop, "key biases, without effect, go; value biases go into the projection",
       move_attention_biases},
      {"conv-products", Phase::kTop, "1 x 1 convolutions behind a permute to NCHW are products before it",
       conv_products},
      {"window-layout", Phase::kTop, "what lies between two windowed attentions of one grid is done in windows",
       window_layout},
      {"pad-products", Phase::kTop, "products before windows are padded and after they are cropped", pad_products},
      {"fold-norms", Phase::kTop, "weight and bias of a LayerNorm go into the products that read it", fold_norms},
      {"move-attention-biases-again", Phase::kTop, "what the norms left in keys and values", move_attention_biases},
      {"absorb-projections", Phase::kTop, "attention over few channels computes neither keys nor values",
       absorb_projections},
      {"pool-before-windows", Phase::kTop, "a 2 x 2 max pool of windows is windows of a pooled map",
       pool_before_windows},
      {"pool-by-members", Phase::kTop, "a 2 x 2 max pool of a map is the largest of its members' products",
       pool_by_members},
      {"join-windows", Phase::kTop, "attention in windows of few tokens takes 64 tokens at once, masked", join_windows},
      {"batch-tokens", Phase::kTop, "ops on single tokens of small windows work on 64 tokens at once", batch_tokens},
      {"split-perceptrons", Phase::kTop, "a perceptron with large weights is a sum over parts of its hidden units",
       split_perceptrons},
      {"transpose-weights", Phase::kTop, "constant right sides of products stand as (k, n), as tpuc-opt wants them",
       transpose_weights},
      {"remove-dead", Phase::kTop, "ops and weights that nothing reads go", remove_dead},
  };
  return passes;
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
