#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

std::optional<Pool> match_pool(top::PermuteOp last) {
  if (to_shape(last.getOrder()) != kToNhwc) return std::nullopt;
  auto pool = last.getInput().getDefiningOp<top::MaxPoolOp>();
  if (!pool || pool.getDoRelu() || to_shape(pool.getKernelShape()) != Shape{2, 2} ||
      to_shape(pool.getStrides()) != Shape{2, 2} || to_shape(pool.getPads()) != Shape{0, 0, 0, 0})
    return std::nullopt;
  auto first = pool.getInput().getDefiningOp<top::PermuteOp>();
  if (!first || to_shape(first.getOrder()) != kToNchw) return std::nullopt;
  const Shape shape = shape_of(first.getInput());
  if (shape[1] % 2 != 0 || shape[2] % 2 != 0) return std::nullopt;
  return Pool{first.getInput(), pool};
}

mlir::Value make_pool(mlir::OpBuilder& builder, const std::string& name, mlir::Value map, top::MaxPoolOp like) {
  const mlir::Value nchw = make_permute(builder, name + ".nchw", map, kToNchw);
  const Shape shape = shape_of(nchw);
  const mlir::Value pooled =
      clone_on(builder, name + ".pool", like, nchw, {shape[0], shape[1], shape[2] / 2, shape[3] / 2});
  return make_permute(builder, name, pooled, kToNhwc);
}

}  // namespace samc::sophgo
