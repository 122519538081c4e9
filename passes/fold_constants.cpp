// Ops whose operands are all weights are computed now, by the reference interpreter; their results are weights. Their
// names stay, with a number behind them where the store has a weight of that name.

#include "base/thread_pool.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/toolkit/make.h"
#include "passes/top_passes.h"

namespace samc {

namespace {

bool is_constant(mlir::Operation& op) {
  if (op.getNumOperands() == 0 || !mlir::isa<top::TopDialect>(op.getDialect())) return false;
  bool any_weight = false;
  for (const mlir::Value operand : op.getOperands()) {
    if (!is_weight(operand) && !is_none(operand)) return false;
    any_weight |= is_weight(operand);
  }
  return any_weight;
}

mlir::LogicalResult replace_by_weights(mlir::Operation& op, WeightStore& weights, ThreadPool& pool) {
  std::vector<TensorView> operands;
  for (const mlir::Value operand : op.getOperands()) {
    operands.push_back(is_none(operand) ? TensorView{DType::kF32, {}, nullptr} : weight_view(operand, weights));
  }
  Result<std::vector<Tensor>> results = evaluate(&op, operands, &pool);
  if (!results.is_ok()) return op.emitError(results.status().to_string());
  mlir::OpBuilder builder(&op);
  for (unsigned i = 0; i < op.getNumResults(); ++i) {
    const mlir::Value result = op.getResult(i);
    if (result.use_empty()) continue;
    op.getResult(i).replaceAllUsesWith(make_weight(builder, weights, name_of(result), std::move(results.value()[i])));
  }
  op.erase();
  return mlir::success();
}

}  // namespace

mlir::LogicalResult fold_constants(mlir::ModuleOp module, WeightStore& weights) {
  ThreadPool pool;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    // In order, so that a result that has become a weight makes its users constant before they are looked at.
    for (mlir::Operation& op : llvm::make_early_inc_range(function.getBody().front())) {
      if (is_constant(op) && mlir::failed(replace_by_weights(op, weights, pool))) return mlir::failure();
    }
    for (mlir::Operation& op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front()))) {
      if (mlir::isOpTriviallyDead(&op)) op.erase();
    }
  }
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc
