#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor) {
  const std::string name = weights.unique_name(wanted);
  const Shape shape = tensor.shape();
  const Status status = weights.add(name, std::move(tensor));
  SAMC_CHECK(status.is_ok(), "{}", status.to_string());
  return create_weight(builder, name, shape);
}

std::optional<ConstantMatMul> constant_matmul(mlir::Value value) {
  auto op = value ? value.getDefiningOp<top::MatMulOp>() : top::MatMulOp();
  if (!op || !is_weight(op.getRight()) || op.getLeftTranspose() || op.getDoRelu()) return std::nullopt;
  if (!is_none(op.getBias()) && !is_weight(op.getBias())) return std::nullopt;
  const Shape shape = shape_of(op.getRight());
  if (shape.size() != 2) return std::nullopt;
  ConstantMatMul matmul{op, shape[0], shape[1], op.getRightTranspose()};
  if (matmul.columns_first) std::swap(matmul.rows, matmul.columns);
  if (!is_none(op.getBias()) && element_count(shape_of(op.getBias())) != matmul.columns) return std::nullopt;
  return matmul;
}

std::vector<float> bias_of(const ConstantMatMul& matmul, const WeightStore& weights) {
  top::MatMulOp op = matmul.op;
  if (is_none(op.getBias())) return std::vector<float>(static_cast<size_t>(matmul.columns), 0.0f);
  const TensorView view = weight_view(op.getBias(), weights);
  return {view.f32().begin(), view.f32().end()};
}

Tensor weight_columns(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count,
                      double factor) {
  top::MatMulOp op = matmul.op;
  const TensorView view = weight_view(op.getRight(), weights);
  const float* source = view.f32().data();
  Tensor part(matmul.columns_first ? Shape{count, matmul.rows} : Shape{matmul.rows, count});
  float* target = part.f32().data();
  const int64_t lines = matmul.columns_first ? 1 : matmul.rows;
  const int64_t length = matmul.columns_first ? count * matmul.rows : count;
  const int64_t stride = matmul.columns_first ? 0 : matmul.columns;
  const int64_t offset = matmul.columns_first ? first * matmul.rows : first;
  for (int64_t line = 0; line < lines; ++line)
    for (int64_t i = 0; i < length; ++i)
      target[line * length + i] = static_cast<float>(static_cast<double>(source[line * stride + offset + i]) * factor);
  return part;
}

mlir::Value make_none(mlir::OpBuilder& builder) {
  return builder.create<top::NoneOp>(builder.getUnknownLoc(), builder.getNoneType());
}

top::MatMulOp make_matmul(mlir::OpBuilder& builder, const std::string& name, const top::MatMulOp& like,
                          mlir::Value right, mlir::Value bias, const Shape& shape) {
  mlir::MLIRContext* context = builder.getContext();
  if (!bias) bias = make_none(builder);
  top::MatMulOp source = like;
  mlir::OperationState state(name_location(context, name), top::MatMulOp::getOperationName());
  state.addOperands({source.getInput(), right, bias});
  state.addTypes(tensor_type(context, shape));
  state.addAttributes(source->getAttrs());
  return mlir::cast<top::MatMulOp>(builder.create(state));
}

mlir::Value make_reshape(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& shape) {
  mlir::MLIRContext* context = builder.getContext();
  mlir::OperationState state(name_location(context, name), top::ReshapeOp::getOperationName());
  state.addOperands(input);
  state.addTypes(tensor_type(context, shape));
  state.addAttribute("shape", to_array(context, shape));
  return builder.create(state)->getResult(0);
}

bool is_movement(mlir::Operation* op) {
  return op != nullptr && mlir::isa<top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp, top::PermuteOp>(op);
}

}  // namespace samc::sophgo
