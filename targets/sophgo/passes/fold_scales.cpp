// x W + b, moved about (and pooled, for a positive factor), times a constant: the constant goes into W and b. So does
// the scale of an attention whose queries are made like this.

#include "ir/vision_dialect.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// The product that the value is made from by movements and max pools alone, each read once.
std::optional<ConstantMatMul> source_of(mlir::Value value, double factor) {
  while (value.hasOneUse()) {
    mlir::Operation* op = value.getDefiningOp();
    auto pool = mlir::dyn_cast_or_null<top::MaxPoolOp>(op);
    // A pool that pads sees its padding as smaller than everything, whatever the factor.
    if (!is_movement(op) && !(pool && factor > 0 && !pool.getDoRelu())) break;
    value = op->getOperand(0);
  }
  if (!value.hasOneUse()) return std::nullopt;
  return constant_matmul(value);
}

// Whether the factor has gone into the product that makes the value.
bool scale_source(mlir::Value value, double factor, WeightStore& weights) {
  const auto matmul = source_of(value, factor);
  if (!matmul) return false;
  top::MatMulOp op = matmul->op;
  mlir::OpBuilder builder(op);
  const std::string name = name_of(op.getOutput());
  op.setOperand(1, make_weight(builder, weights, name + ".scaled_weight",
                               weight_columns(*matmul, weights, 0, matmul->columns, factor)));
  if (is_none(op.getBias())) return true;
  const std::vector<float> bias = bias_of(*matmul, weights);
  Tensor scaled({matmul->columns});
  for (size_t i = 0; i < bias.size(); ++i) scaled.f32()[i] = static_cast<float>(static_cast<double>(bias[i]) * factor);
  op.setOperand(2, make_weight(builder, weights, name + ".scaled_bias", std::move(scaled)));
  return true;
}

}  // namespace

mlir::LogicalResult fold_scales(mlir::ModuleOp module, WeightStore& weights) {
  for (auto scale : operations_of<top::MulConstOp>(module)) {
    if (scale.getDoRelu() || !scale_source(scale.getInput(), scale.getConstVal().convertToDouble(), weights)) continue;
    scale.getOutput().replaceAllUsesWith(scale.getInput());
    scale->erase();
  }
  for (auto attention : operations_of<vision::AttentionOp>(module)) {
    const double scale = attention.getScale().convertToDouble();
    if (scale != 1.0 && scale_source(attention.getQ(), scale, weights)) attention.setScale(llvm::APFloat(1.0));
  }
  return mlir::success();
}

}  // namespace samc::sophgo
