#include "passes/toolkit/make.h"

namespace samc {
namespace {

mlir::Value make(mlir::OpBuilder& builder, const NewName& name, llvm::StringRef op, mlir::ValueRange operands,
                 const Shape& shape, std::initializer_list<std::pair<const char*, Shape>> attributes) {
  mlir::OperationState state(name.in(builder.getContext()), op);
  state.addOperands(operands);
  state.addTypes(tensor_type(builder.getContext(), shape));
  for (const auto& [key, values] : attributes) state.addAttribute(key, to_array(builder.getContext(), values));
  return builder.create(state)->getResult(0);
}

}  // namespace

mlir::Location derived_location(mlir::Value value, llvm::StringRef suffix) {
  return name_location(value.getContext(), name_of(value) + suffix.str());
}

mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor) {
  const std::string name = weights.unique_name(wanted);
  const Shape shape = tensor.shape();
  const Status added = weights.add(name, std::move(tensor));
  SAMC_CHECK(added.is_ok(), "{}", added.to_string());
  return create_weight(builder, name, shape);
}

mlir::Value make_none(mlir::OpBuilder& builder) {
  return builder.create<top::NoneOp>(builder.getUnknownLoc(), builder.getNoneType());
}

mlir::Value make_reshape(mlir::OpBuilder& builder, const NewName& name, mlir::Value input, const Shape& shape) {
  if (shape_of(input) == shape) return input;
  return make(builder, name, top::ReshapeOp::getOperationName(), input, shape, {{"shape", shape}});
}

mlir::Value make_permute(mlir::OpBuilder& builder, const NewName& name, mlir::Value input, const Shape& order) {
  if (is_identity(order)) return input;
  return make(builder, name, top::PermuteOp::getOperationName(), input, permuted(shape_of(input), order),
              {{"order", order}});
}

mlir::Value make_slice(mlir::OpBuilder& builder, const NewName& name, mlir::Value input, const Shape& offset,
                       const Shape& ends) {
  Shape shape;
  for (size_t i = 0; i < offset.size(); ++i) shape.push_back(ends[i] - offset[i]);
  const mlir::Value none = make_none(builder);
  return make(builder, name, top::SliceOp::getOperationName(), {input, none, none, none}, shape,
              {{"offset", offset}, {"steps", Shape(offset.size(), 1)}, {"ends", ends}, {"axes", {}}});
}

mlir::Value make_add(mlir::OpBuilder& builder, const NewName& name, mlir::Value a, mlir::Value b) {
  return builder.create<top::AddOp>(name.in(builder.getContext()), a.getType(), mlir::ValueRange{a, b},
                                    builder.getBoolAttr(false), builder.getF64FloatAttr(-1.0));
}

mlir::Value make_matmul(mlir::OpBuilder& builder, const NewName& name, mlir::Value left, mlir::Value right,
                        mlir::Value bias, const Shape& shape) {
  if (!bias) bias = make_none(builder);
  return make(builder, name, top::MatMulOp::getOperationName(), {left, right, bias}, shape, {});
}

mlir::Value make_softmax(mlir::OpBuilder& builder, const NewName& name, mlir::Value input) {
  mlir::OperationState state(name.in(builder.getContext()), top::SoftmaxOp::getOperationName());
  state.addOperands(input);
  state.addTypes(input.getType());
  state.addAttribute("axis", si32(builder.getContext(), static_cast<int64_t>(shape_of(input).size()) - 1));
  return builder.create(state)->getResult(0);
}

mlir::Value clone_on(mlir::OpBuilder& builder, const NewName& name, mlir::Operation* op, mlir::Value input,
                     const Shape& shape) {
  mlir::Operation* clone = builder.clone(*op);
  clone->setOperand(0, input);
  clone->getResult(0).setType(tensor_type(builder.getContext(), shape));
  clone->setLoc(name.in(builder.getContext()));
  return clone->getResult(0);
}

Shape inverse_order(const Shape& order) {
  Shape inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return inverse;
}

bool is_identity(const Shape& order) {
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<int64_t>(i)) return false;
  return true;
}

Shape permuted(const Shape& shape, const Shape& order) {
  Shape result;
  for (const int64_t axis : order) result.push_back(shape[static_cast<size_t>(axis)]);
  return result;
}

}  // namespace samc
