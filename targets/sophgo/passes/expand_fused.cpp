// tpuc-opt knows neither attention nor windows. Attention is MatMul, Softmax and MatMul again; cutting a map into
// windows, and putting them together, is Reshape, Permute and Reshape.

#include "passes/toolkit/attention.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

bool fill(const Shape& windows, const Shape& map) { return map[1] % windows[1] == 0 && map[2] % windows[2] == 0; }

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
  // Keys that no permute makes are turned by the product.
  const bool as_is = !op.getK().getDefiningOp<top::PermuteOp>();
  const mlir::Value keys = as_is ? op.getK() : turn_keys(builder, name + ".keys", op.getK());
  Shape square = shape_of(q);
  square.back() = shape_of(op.getK())[2];
  const mlir::Value scores = make_matmul(builder, name + ".scores", q, keys, {}, square);
  if (as_is) scores.getDefiningOp()->setAttr("right_transpose", builder.getBoolAttr(true));
  const mlir::Value softmax = make_softmax(builder, name + ".softmax", scores);
  op.getResult().replaceAllUsesWith(make_matmul(builder, name, softmax, op.getV(), {}, shape_of(op.getResult())));
  op->erase();
}

}  // namespace

mlir::LogicalResult expand_fused(mlir::ModuleOp module, WeightStore& weights) {
  for (auto op : operations_of<vision::AttentionOp>(module)) expand(op);
  for (auto op : operations_of<vision::WindowPartitionOp>(module)) {
    const Shape map = shape_of(op.getInput()), windows = shape_of(op.getResult());
    SAMC_CHECK(fill(windows, map) && is_none(op.getPad()), "windows of {} that pad it", name_of(op.getInput()));
    expand(op, {1, map[1] / windows[1], windows[1], map[2] / windows[2], windows[2], map[3]});
  }
  for (auto op : operations_of<vision::WindowUnpartitionOp>(module)) {
    const Shape map = shape_of(op.getResult()), windows = shape_of(op.getInput());
    SAMC_CHECK(fill(windows, map), "windows that crop {}", name_of(op.getResult()));
    expand(op, {1, map[1] / windows[1], map[2] / windows[2], windows[1], windows[2], map[3]});
  }
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
