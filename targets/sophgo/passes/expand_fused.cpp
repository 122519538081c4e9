// tpuc-opt knows neither attention nor windows. Attention is MatMul, Softmax and MatMul again; cutting a map into
// windows, and putting them together, is Reshape, Permute and Reshape.

#include "passes/toolkit/attention.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

// `from` is the shape before the rows of windows and the columns of windows are exchanged.
void expand(mlir::Operation* op, const Shape& from) {
  mlir::OpBuilder builder(op);
  const std::string name = name_of(op);
  const mlir::Value grid = make_reshape(builder, name + ".grid", op->getOperand(0), from);
  const mlir::Value ordered = make_permute(builder, name + ".order", grid, {0, 1, 3, 2, 4, 5});
  op->getResult(0).replaceAllUsesWith(make_reshape(builder, name, ordered, shape_of(op->getResult(0))));
  op->erase();
}

void expand(vision::AttentionOp op) {
  mlir::OpBuilder builder(op);
  const std::string name = name_of(op.getResult());
  mlir::Value q = op.getQ();
  if (!op.getScale().isExactlyValue(1.0)) {
    mlir::OperationState state(name_location(op.getContext(), name + ".scaled"), top::MulConstOp::getOperationName());
    state.addOperands(q);
    state.addTypes(q.getType());
    state.addAttribute("const_val", op.getScaleAttr());
    q = builder.create(state)->getResult(0);
  }
  const mlir::Value keys = turn_keys(builder, name + ".keys", op.getK());
  Shape square = shape_of(q);
  square.back() = shape_of(keys).back();
  const mlir::Value scores = make_matmul(builder, name + ".scores", q, keys, {}, square);
  const mlir::Value softmax = make_softmax(builder, name + ".softmax", scores);
  op.getResult().replaceAllUsesWith(make_matmul(builder, name, softmax, op.getV(), {}, shape_of(op.getResult())));
  op->erase();
}

}  // namespace

mlir::LogicalResult expand_fused(mlir::ModuleOp module, WeightStore& weights) {
  for (auto op : operations_of<vision::AttentionOp>(module)) expand(op);
  for (auto op : operations_of<vision::WindowPartitionOp>(module)) {
    const auto windows = match_window(op.getResult());
    if (!windows) return op.emitError("windows that do not fill their map");
    const Shape& map = windows->map;
    const int64_t w = windows->window;
    expand(op, {map[0], map[1] / w, w, map[2] / w, w, map[3]});
  }
  for (auto op : operations_of<vision::WindowUnpartitionOp>(module)) {
    const auto windows = match_unwindow(op.getResult());
    if (!windows) return op.emitError("windows that do not fill their map");
    const Shape& map = windows->map;
    const int64_t w = windows->window;
    expand(op, {map[0], map[1] / w, map[2] / w, w, w, map[3]});
  }
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
