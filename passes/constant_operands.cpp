// An operand that is one known number, once constants have been evaluated, becomes an attribute: Add -> AddConst,
// Mul -> MulConst, Sub -> SubConst, Div -> MulConst or Reciprocal.

#include <optional>

#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

struct ConstantOperand : mlir::RewritePattern {
  ConstantOperand(llvm::StringRef name, mlir::MLIRContext* context, const WeightStore& weights)
      : RewritePattern(name, 1, context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    if (op->getNumOperands() != 2 || is_reversed(op)) return mlir::failure();
    for (const unsigned side : {1u, 0u}) {
      const mlir::Value x = op->getOperand(1 - side);
      const std::optional<double> number = number_in(op->getOperand(side));
      // The other operand must have the result's shape: the number may not be what broadcasts it.
      if (!number || x.getType() != op->getResult(0).getType()) continue;
      if (mlir::isa<top::DivOp>(op) && side == 1 && *number == 0.0) continue;
      mlir::OperationState state(op->getLoc(), name_for(op, side));
      state.addOperands(x);
      const double value = mlir::isa<top::DivOp>(op) && side == 1 ? 1.0 / *number : *number;
      state.addAttribute("const_val", rewriter.getF64FloatAttr(value));
      if (mlir::isa<top::SubOp>(op)) state.addAttribute("is_reverse", rewriter.getBoolAttr(side == 0));
      for (const char* attribute : {"do_relu", "relu_limit"})
        if (const mlir::Attribute kept = op->getAttr(attribute)) state.addAttribute(attribute, kept);
      state.addTypes(op->getResultTypes());
      rewriter.replaceOp(op, rewriter.create(state));
      return mlir::success();
    }
    return mlir::failure();
  }

 private:
  static bool is_reversed(mlir::Operation* op) {
    const auto reverse = op->getAttrOfType<mlir::BoolAttr>("is_reverse");
    return reverse && reverse.getValue();
  }

  static llvm::StringRef name_for(mlir::Operation* op, unsigned side) {
    if (mlir::isa<top::AddOp>(op)) return top::AddConstOp::getOperationName();
    if (mlir::isa<top::SubOp>(op)) return top::SubConstOp::getOperationName();
    if (mlir::isa<top::MulOp>(op) || side == 1) return top::MulConstOp::getOperationName();
    return top::ReciprocalOp::getOperationName();
  }

  std::optional<double> number_in(mlir::Value value) const {
    if (!is_weight(value) || element_count(shape_of(value)) != 1) return std::nullopt;
    return static_cast<double>(weight_view(value, weights_).f32()[0]);
  }

  const WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult constant_operands(mlir::ModuleOp module, WeightStore& weights) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  for (const llvm::StringRef name : {top::AddOp::getOperationName(), top::SubOp::getOperationName(),
                                     top::MulOp::getOperationName(), top::DivOp::getOperationName()})
    patterns.add<ConstantOperand>(name, context, weights);
  if (mlir::failed(mlir::applyPatternsAndFoldGreedily(module, std::move(patterns)))) return mlir::failure();
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc
