// softmax(q k^T) v W + b. A bias in k adds the same to all scores of a row, which softmax does not see: it goes. A bias
// in v comes through as it is, since a row of probabilities sums to 1: it goes into b as bias W.

#include "targets/sophgo/passes/attention.h"
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
  for (top::SoftmaxOp softmax : operations_of<top::SoftmaxOp>(module)) {
    if (!is_last_axis(softmax)) continue;
    auto scores = softmax.getInput().getDefiningOp<top::MatMulOp>();
    if (scores && scores.getOutput().hasOneUse() && !scores.getDoRelu()) {
      const Shape order = scores.getRightTranspose() ? Shape{0, 2, 1, 3} : Shape{0, 2, 3, 1};
      if (const auto keys = product_of_heads(scores.getRight(), order)) {
        top::MatMulOp op = keys->op;
        if (!is_none(op.getBias())) drop_bias(op);
      }
    }
    if (!softmax.getOutput().hasOneUse()) continue;
    auto mixed = mlir::dyn_cast<top::MatMulOp>(*softmax.getOutput().getUsers().begin());
    if (!mixed || mixed.getInput() != softmax.getOutput() || mixed.getRightTranspose() || mixed.getDoRelu()) continue;
    if (!is_none(mixed.getBias())) continue;
    const auto values = product_of_heads(mixed.getRight(), {0, 2, 1, 3});
    if (!values) continue;
    top::MatMulOp op = values->op;
    const auto projection = projection_of(mixed.getOutput(), values->columns);
    if (is_none(op.getBias()) || !projection) continue;
    add_to_bias(*projection, bias_of(*values, weights), weights);
    drop_bias(op);
  }
  return mlir::success();
}

}  // namespace samc::sophgo
