#include "passes/toolkit/pools.h"

namespace samc {

std::optional<Pool> match_pool(top::PermuteOp last) {
  if (to_shape(last.getOrder()) != kToNhwc) return std::nullopt;
  auto pool = last.getInput().getDefiningOp<top::MaxPoolOp>();
  if (!pool || pool.getDoRelu()) return std::nullopt;
  const Shape block = to_shape(pool.getKernelShape());
  if (block.size() != 2 || to_shape(pool.getStrides()) != block || to_shape(pool.getPads()) != Shape{0, 0, 0, 0})
    return std::nullopt;
  auto first = pool.getInput().getDefiningOp<top::PermuteOp>();
  if (!first || to_shape(first.getOrder()) != kToNchw) return std::nullopt;
  const Shape shape = shape_of(first.getInput());
  if (shape[1] % block[0] != 0 || shape[2] % block[1] != 0) return std::nullopt;
  return Pool{first.getInput(), pool, block[0], block[1]};
}

mlir::Value make_pool(mlir::OpBuilder& builder, const NewName& name, mlir::Value map, const Pool& like) {
  const mlir::Value nchw = make_permute(builder, derived_location(map, ".nchw"), map, kToNchw);
  const Shape shape = shape_of(nchw);
  const mlir::Value pooled = clone_on(builder, derived_location(map, ".pool"), like.op, nchw,
                                      {shape[0], shape[1], shape[2] / like.block_h, shape[3] / like.block_w});
  return make_permute(builder, name, pooled, kToNhwc);
}

}  // namespace samc
