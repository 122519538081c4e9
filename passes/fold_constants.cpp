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

// Multiplications and elements read, of all ops together. SAM 2 needs some millions.
constexpr double kMostConstantWork = 0x1p33;

bool is_constant(mlir::Operation& op) {
  if (op.getNumOperands() == 0 || !mlir::isa<top::TopDialect>(op.getDialect())) return false;
  bool any_weight = false;
  for (const mlir::Value operand : op.getOperands()) {
    if (!is_weight(operand) && !is_none(operand)) return false;
    any_weight |= is_weight(operand);
  }
  return any_weight;
}

int64_t count_of(mlir::Type type) {
  const auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type);
  return tensor ? tensor.getNumElements() : 0;
}

// Elements read, or multiplications, whichever are more.
double work_of(mlir::Operation& op) {
  double operands = 0, results = 0, window = 1;
  for (const mlir::Type type : op.getOperandTypes()) operands += static_cast<double>(count_of(type));
  for (const mlir::Type type : op.getResultTypes()) results += static_cast<double>(count_of(type));
  if (const auto kernel = op.getAttrOfType<mlir::ArrayAttr>("kernel_shape"))
    for (const mlir::Attribute extent : kernel)
      window *= static_cast<double>(mlir::cast<mlir::IntegerAttr>(extent).getInt());
  if (mlir::isa<top::MatMulOp>(op)) window = static_cast<double>(shape_of(op.getOperand(0)).back());
  if (mlir::isa<top::ConvOp, top::DeconvOp>(op))
    window *= static_cast<double>(shape_of(op.getOperand(0))[1]);  // an upper bound where there are groups
  return operands + results * window;
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
  double work = 0;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    // In order, so that a result that has become a weight makes its users constant before they are looked at.
    for (mlir::Operation& op : llvm::make_early_inc_range(function.getBody().front())) {
      if (!is_constant(op)) continue;
      work += work_of(op);
      if (work > kMostConstantWork)
        return op.emitError("the model's constants take more work to evaluate than any model needs");
      if (mlir::failed(replace_by_weights(op, weights, pool))) return mlir::failure();
    }
    for (mlir::Operation& op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front()))) {
      if (mlir::isOpTriviallyDead(&op)) op.erase();
    }
  }
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc
