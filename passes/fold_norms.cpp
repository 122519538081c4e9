// LayerNorm with weight g and bias b, read by products alone: (n g + b) W + c = n (g W) + (b W + c), n being the bare
// normalisation.

#include "passes/toolkit/attributes.h"
#include "passes/toolkit/products.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

// The products that read the norm, or nothing if anything else does.
std::vector<ConstantMatMul> readers_of(top::LayerNormOp norm) {
  std::vector<ConstantMatMul> products;
  for (mlir::Operation* user : norm.getOutput().getUsers()) {
    auto op = mlir::dyn_cast<top::MatMulOp>(user);
    const auto matmul = op ? constant_matmul(op.getOutput()) : std::nullopt;
    if (!matmul || op.getInput() != norm.getOutput() || op.getRight() == norm.getOutput()) return {};
    products.push_back(*matmul);
  }
  return products;
}

}  // namespace

mlir::LogicalResult fold_norms(mlir::ModuleOp module, WeightStore& weights) {
  module.walk([&](top::LayerNormOp norm) {
    const auto is_foldable = [](mlir::Value value) { return is_none(value) || is_weight(value); };
    if (is_none(norm.getWeight()) && is_none(norm.getBias())) return;
    if (!is_last_axis(norm) || !is_foldable(norm.getWeight()) || !is_foldable(norm.getBias())) return;
    const std::vector<ConstantMatMul> products = readers_of(norm);
    for (const ConstantMatMul& product : products) {
      top::MatMulOp op = product.op;
      mlir::OpBuilder builder(op);
      const std::string name = name_of(op.getRight());
      if (!is_none(norm.getBias()))
        op.setOperand(2, make_weight(builder, weights, name + ".bias_with_norm",
                                     bias_with(product, weight_view(norm.getBias(), weights).f32(), weights)));
      if (!is_none(norm.getWeight()))
        op.setOperand(1, make_weight(builder, weights, name + ".with_norm",
                                     scale_rows(product, weight_view(norm.getWeight(), weights).f32(), weights)));
    }
    if (products.empty()) return;
    mlir::OpBuilder builder(norm);
    norm->setOperand(1, make_none(builder));
    norm->setOperand(2, make_none(builder));
  });
  return mlir::success();
}

}  // namespace samc
