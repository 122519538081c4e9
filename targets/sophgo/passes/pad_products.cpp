// Windows that do not divide the map are made of a padded one, and products of the padding are work for nothing:
//
//   window(pad(x)) W          -> window(pad(x W))
//   crop(unwindow(x W + b))   -> crop(unwindow(x)) W + b
//
// A bias would be padded with 0 instead of itself. That is allowed where only cropped rows see it: for queries.

#include "passes/toolkit/pools.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

bool is_crop_to(mlir::Operation* op, const Shape& shape) {
  auto slice = mlir::dyn_cast<top::SliceOp>(op);
  if (!slice || shape_of(slice.getOutput()) != shape) return false;
  for (const int64_t offset : to_shape(slice.getOffset()))
    if (offset != 0) return false;
  for (const int64_t step : to_shape(slice.getSteps()))
    if (step != 1) return false;
  return true;
}

// The pool of the map in blocks of 2 x 2, if that is what reads it.
mlir::Value pool_of(mlir::Value map) {
  mlir::Value value = map;
  for (int step = 0; step < 3; ++step) {
    if (!value.hasOneUse() || (*value.getUsers().begin())->getNumResults() != 1) return {};
    value = (*value.getUsers().begin())->getResult(0);
  }
  auto last = value.getDefiningOp<top::PermuteOp>();
  const auto pool = last ? match_pool(last) : std::nullopt;
  return pool && pool->source == map && pool->block_h == 2 && pool->block_w == 2 ? value : mlir::Value();
}

// Whether rows of these windows are queries, perhaps pooled, whose results are put back in the same grid and cropped to
// the map of height and width.
bool is_cropped_later(mlir::Value value, Windows windows, int64_t height, int64_t width) {
  while (value.hasOneUse()) {
    mlir::Operation* user = *value.getUsers().begin();
    if (const auto back = match_unwindow(value); back && back->same_grid(windows)) {
      Shape shape = back->map;
      shape[1] = height;
      shape[2] = width;
      return is_crop_to(user, shape);
    }
    if (user->getNumResults() != 1 || user->getOperand(0) != value) return false;
    if (const mlir::Value pooled = pool_of(value)) {
      if (windows.window % 2 != 0 || height % 2 != 0 || width % 2 != 0) return false;
      windows.window /= 2;
      windows.map[1] /= 2;
      windows.map[2] /= 2;
      height /= 2;
      width /= 2;
      value = pooled;
      continue;
    }
    if (auto permute = mlir::dyn_cast<top::PermuteOp>(user)) {
      if (to_shape(permute.getOrder()) != Shape{0, 2, 1, 3}) return false;
    } else if (auto matmul = mlir::dyn_cast<top::MatMulOp>(user)) {
      if (matmul.getLeftTranspose()) return false;
    } else if (!mlir::isa<top::ReshapeOp, vision::AttentionOp, vision::WindowUnpartitionOp>(user)) {
      return false;
    }
    value = user->getResult(0);
  }
  return false;
}

void move_pad(vision::WindowPartitionOp last, const Windows& windows) {
  const mlir::Value x = before_padding(windows.source);
  if (!x) return;
  const Shape inner = shape_of(x);
  std::vector<ConstantMatMul> products;
  for (mlir::Operation* user : last.getResult().getUsers()) {
    const auto matmul = user->getNumResults() == 1 ? constant_matmul(user->getResult(0)) : std::nullopt;
    if (!matmul || user->getOperand(0) != last.getResult()) return;
    if (!is_none(user->getOperand(2)) && !is_cropped_later(user->getResult(0), windows, inner[1], inner[2])) return;
    products.push_back(*matmul);
  }
  for (const ConstantMatMul& product : products) {
    top::MatMulOp op = product.op;
    mlir::OpBuilder builder(op);
    const std::string name = name_of(op.getOutput());
    Shape shape = inner;
    shape.back() = product.columns;
    const mlir::Value before = make_matmul_like(builder, name + ".unpadded", op, x, op.getRight(), op.getBias(), shape);
    shape = windows.map;
    shape.back() = product.columns;
    const mlir::Value pad = clone_on(builder, name + ".padded", windows.source.getDefiningOp(), before, shape);
    op.getOutput().replaceAllUsesWith(make_partition(builder, name, pad, windows.window, windows.window));
    op->erase();
  }
}

void move_crop(top::SliceOp crop) {
  const auto windows = match_unwindow(crop.getInput());
  const Shape shape = shape_of(crop.getOutput());
  if (!windows || !crop.getInput().hasOneUse() || shape.size() != 4 || !is_crop_to(crop, shape) ||
      shape[3] != windows->map[3])
    return;
  const mlir::Value value = behind_reshapes(windows->source);
  const auto product = constant_matmul(value);
  // Not where it would make what is put back wider.
  if (!product || !value.hasOneUse() || product->columns != shape[3] || product->rows > product->columns) return;
  top::MatMulOp op = product->op;
  mlir::OpBuilder builder(crop);
  const std::string name = name_of(crop.getOutput());
  Windows source = *windows;
  source.map[3] = product->rows;
  const mlir::Value inside = make_reshape(builder, name + ".windows", op.getInput(), source.windows());
  const mlir::Value map = make_unpartition(builder, name + ".map", inside, source.map);
  Shape ends = shape;
  ends[3] = product->rows;
  const mlir::Value cropped = make_slice(builder, name + ".cropped", map, {0, 0, 0, 0}, ends);
  crop.getOutput().replaceAllUsesWith(make_matmul_like(builder, name, op, cropped, op.getRight(), op.getBias(), shape));
  crop->erase();
}

}  // namespace

mlir::LogicalResult pad_products(mlir::ModuleOp module, WeightStore& weights) {
  const std::vector<top::SliceOp> crops = operations_of<top::SliceOp>(module);
  for (auto op : operations_of<vision::WindowPartitionOp>(module))
    if (const auto windows = match_window(op.getResult())) move_pad(op, *windows);
  for (top::SliceOp crop : crops) move_crop(crop);
  return remove_dead(module, weights);  // the padded maps, whose readers later passes count
}

}  // namespace samc::sophgo
