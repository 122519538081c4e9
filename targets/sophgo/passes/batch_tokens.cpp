// Small windows leave the chip's 32 lanes empty: (1024, 4, 4, c) has four tokens side by side. Ops on single tokens do
// not care for windows, so they work on batches of 64 tokens: reshape (n, w, w, c) -> (n w w / 64, 64, c) and back, and
// reshapes that meet cancel.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// Whether the op's operands that are no weights have the result's tokens, row by row.
bool is_token_wise(mlir::Operation* op) {
  if (is_row_wise(op)) return true;
  if (!mlir::isa<top::AddOp, top::MaxOp>(op) || op->getNumOperands() != 2) return false;
  for (const mlir::Value operand : op->getOperands())
    if (is_none(operand) || operand.getType() != op->getResult(0).getType()) return false;
  return true;
}

Shape batched(const Shape& shape) {
  return {element_count(shape) / shape.back() / kBatchTokens, kBatchTokens, shape.back()};
}

// Several windows or blocks of at most 64 tokens.
bool is_wanted(const Shape& shape) {
  if (shape.size() < 3 || shape[0] == 1) return false;
  const int64_t tokens = element_count(shape) / shape.back();
  return tokens % kBatchTokens == 0 && tokens / shape[0] <= kBatchTokens && shape != batched(shape);
}

mlir::Value in_batches(mlir::OpBuilder& builder, mlir::Value value, WeightStore& weights) {
  const Shape shape = batched(shape_of(value));
  if (!is_weight(value)) return make_reshape(builder, name_of(value) + ".tokens", value, shape);
  Tensor tensor(shape);
  const TensorView view = weight_view(value, weights);
  std::copy(view.f32().begin(), view.f32().end(), tensor.f32().begin());
  return make_weight(builder, weights, name_of(value) + ".tokens", std::move(tensor));
}

void batch(mlir::Operation* op, WeightStore& weights) {
  mlir::OpBuilder builder(op);
  const std::string name = name_of(op);
  const Shape shape = shape_of(op->getResult(0));
  mlir::Operation* inside = builder.clone(*op);
  const unsigned operands = mlir::isa<top::AddOp, top::MaxOp>(op) ? 2 : 1;
  for (unsigned i = 0; i < operands; ++i) {
    builder.setInsertionPoint(inside);
    inside->setOperand(i, in_batches(builder, op->getOperand(i), weights));
  }
  inside->getResult(0).setType(tensor_type(op->getContext(), batched(shape)));
  if (mlir::isa<top::LayerNormOp>(op)) inside->setAttr("axis", si32(op->getContext(), 2));
  inside->setLoc(name_location(op->getContext(), name + ".batched"));
  builder.setInsertionPoint(op);
  op->getResult(0).replaceAllUsesWith(make_reshape(builder, name, inside->getResult(0), shape));
  op->erase();
}

}  // namespace

mlir::LogicalResult batch_tokens(mlir::ModuleOp module, WeightStore& weights) {
  std::vector<mlir::Operation*> ops;
  module.walk([&](mlir::Operation* op) {
    if (is_token_wise(op) && is_wanted(shape_of(op->getResult(0)))) ops.push_back(op);
  });
  for (mlir::Operation* op : ops) batch(op, weights);
  // Reshapes in a row become one, or none.
  mlir::RewritePatternSet patterns(module.getContext());
  top::ReshapeOp::getCanonicalizationPatterns(patterns, module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::sophgo
