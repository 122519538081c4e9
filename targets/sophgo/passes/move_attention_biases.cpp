// softmax(q k^T) v W + b. A bias in k adds the same to all scores of a row, which softmax does not see: it goes. A bias
// in v comes through as it is, since a row of probabilities sums to 1: it goes into b as bias W.

#include "passes/toolkit/attention.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

void drop_bias(top::MatMulOp op) {
  mlir::OpBuilder builder(op);
  op.setOperand(2, make_none(builder));
}

}  // namespace

mlir::LogicalResult move_attention_biases(mlir::ModuleOp module, WeightStore& weights) {
  for (auto attention : operations_of<vision::AttentionOp>(module)) {
    if (const auto keys = product_of_heads(attention.getK()); keys && !is_none(keys->bias())) drop_bias(keys->op);
    const auto values = product_of_heads(attention.getV()), projection = projection_of(attention);
    if (!values || !projection || is_none(values->bias())) continue;
    add_to_bias(*projection, bias_of(*values, weights), weights);
    drop_bias(values->op);
  }
  return mlir::success();
}

}  // namespace samc::sophgo
