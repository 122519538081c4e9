#include "passes/toolkit/attention.h"

#include "passes/toolkit/attributes.h"

namespace samc {

mlir::Value turn_keys(mlir::OpBuilder& builder, const NewName& name, mlir::Value keys) {
  const Shape exchange = {0, 1, 3, 2};
  auto permute = keys.getDefiningOp<top::PermuteOp>();
  if (!permute) return make_permute(builder, name, keys, exchange);
  return make_permute(builder, name, permute.getInput(), permuted(to_shape(permute.getOrder()), exchange));
}

std::optional<ConstantMatMul> product_of_heads(mlir::Value value) {
  auto permute = value.getDefiningOp<top::PermuteOp>();
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != kHeadsOrder) return std::nullopt;
  const Shape heads = shape_of(permute.getInput());
  value = behind_reshapes(permute.getInput());
  const auto matmul = constant_matmul(value);
  if (!matmul || !value.hasOneUse() || heads[2] * heads[3] != matmul->columns) return std::nullopt;
  return matmul;
}

std::optional<ConstantMatMul> projection_of(vision::AttentionOp attention) {
  const Shape mixed = shape_of(attention.getResult());  // (batch, heads, tokens, dim)
  auto permute = mlir::dyn_cast_or_null<top::PermuteOp>(only_user(attention.getResult()));
  if (!permute || to_shape(permute.getOrder()) != kHeadsOrder) return std::nullopt;
  mlir::Value value = permute.getOutput();
  mlir::Operation* user = only_user(value);
  for (; mlir::isa_and_nonnull<top::ReshapeOp>(user); user = only_user(value)) value = user->getResult(0);
  if (!mlir::isa_and_nonnull<top::MatMulOp>(user) || user->getOperand(0) != value) return std::nullopt;
  const auto matmul = constant_matmul(user->getResult(0));
  const int64_t columns = mixed[1] * mixed[3];
  return matmul && shape_of(value).back() == columns && matmul->rows == columns ? matmul : std::nullopt;
}

}  // namespace samc
