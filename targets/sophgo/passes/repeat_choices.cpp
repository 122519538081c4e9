// What a Where chooses from, and by, gets its result's shape. tpuc-opt 1.30.2 repeats them itself otherwise; in INT8 it
// then aborts, for the calibration table has no line for what it made.

#include "ir/shapes.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

Tensor repeated(const TensorView& weight, const Shape& shape) {
  Tensor result(shape);
  const Shape from = broadcast_strides(weight.shape, shape), to = dense_strides(shape);
  const float* source = weight.f32().data();
  for (int64_t i = 0; i < result.count(); ++i) {
    int64_t at = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis) at += i / to[axis] % shape[axis] * from[axis];
    result.f32()[static_cast<size_t>(i)] = source[at];
  }
  return result;
}

}  // namespace

mlir::LogicalResult repeat_choices(mlir::ModuleOp module, WeightStore& weights) {
  module.walk([&](top::WhereOp op) {
    const Shape wanted = shape_of(op.getOutput());
    for (mlir::OpOperand& operand : op->getOpOperands()) {
      const mlir::Value value = operand.get();
      if (is_none(value)) continue;
      const Shape shape = shape_of(value);
      if (shape == wanted || shape.size() != wanted.size()) continue;
      mlir::OpBuilder builder(op);
      const std::string name = fmt::format("{}.repeated_{}", name_of(op.getOutput()), operand.getOperandNumber());
      if (is_weight(value)) {
        operand.set(make_weight(builder, weights, name, repeated(weight_view(value, weights), wanted)));
        continue;
      }
      Shape times;
      for (size_t axis = 0; axis < shape.size(); ++axis) times.push_back(wanted[axis] / shape[axis]);
      mlir::MLIRContext* context = builder.getContext();
      operand.set(builder.create<top::TileOp>(name_location(context, name), tensor_type(context, wanted), value,
                                              to_array(context, times)));
    }
  });
  return mlir::success();
}

}  // namespace samc::sophgo
