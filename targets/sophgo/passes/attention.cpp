#include "targets/sophgo/passes/attention.h"

namespace samc::sophgo {

std::optional<ConstantMatMul> product_of_heads(mlir::Value value, const Shape& order) {
  auto permute = value.getDefiningOp<top::PermuteOp>();
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != order) return std::nullopt;
  value = permute.getInput();
  const Shape heads = shape_of(value);
  value = behind_reshapes(value);
  const auto matmul = constant_matmul(value);
  if (!matmul || !value.hasOneUse() || heads[2] * heads[3] != matmul->columns) return std::nullopt;
  return matmul;
}

std::optional<ConstantMatMul> projection_of(mlir::Value mixed, int64_t columns) {
  if (!mixed.hasOneUse()) return std::nullopt;
  auto permute = mlir::dyn_cast<top::PermuteOp>(*mixed.getUsers().begin());
  if (!permute || to_shape(permute.getOrder()) != Shape{0, 2, 1, 3}) return std::nullopt;
  mlir::Value value = permute.getOutput();
  while (value.hasOneUse()) {
    mlir::Operation* user = *value.getUsers().begin();
    if (auto reshape = mlir::dyn_cast<top::ReshapeOp>(user)) {
      value = reshape.getOutput();
      continue;
    }
    if (shape_of(value).back() != columns || user->getOperand(0) != value || user->getNumResults() != 1)
      return std::nullopt;
    const auto matmul = constant_matmul(user->getResult(0));
    return matmul && matmul->rows == columns ? matmul : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace samc::sophgo
