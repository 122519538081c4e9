// MatMul -> Reshape (..., parts, h, d) -> one Slice or Split result for each part: the form of qkv in attention. Slices
// cost the chip a pass through its memory each; a product for each part costs nothing more.

#include <algorithm>

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// What is read of part `index`.
struct Part {
  mlir::Value value;
  int64_t index = 0;
};

// The one axis along which the op cuts a single index out of the value, and that index.
std::optional<std::pair<size_t, int64_t>> single_index(top::SliceOp op) {
  const Shape from = shape_of(op.getInput()), to = shape_of(op.getOutput());
  const SliceRange range = range_of_slice(op);
  std::optional<std::pair<size_t, int64_t>> found;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] == to[axis]) continue;
    if (to[axis] != 1 || found) return std::nullopt;
    found = {axis, range.starts[axis]};
  }
  return found;
}

// All readers of the value as parts of one axis; empty when any of them is something else.
std::pair<size_t, std::vector<Part>> parts_of(mlir::Value value) {
  const Shape shape = shape_of(value);
  std::vector<Part> parts;
  std::optional<size_t> common;
  const auto add = [&](size_t axis, mlir::Value part, int64_t index) {
    if (common && *common != axis) return false;
    common = axis;
    parts.push_back({part, index});
    return true;
  };
  for (mlir::Operation* user : value.getUsers()) {
    if (auto slice = mlir::dyn_cast<top::SliceOp>(user)) {
      const auto found = single_index(slice);
      if (!found || !add(found->first, slice.getOutput(), found->second)) return {};
    } else if (auto split = mlir::dyn_cast<top::SplitOp>(user)) {
      const auto axis = static_cast<size_t>(normal_axis_checked(integer_attribute(split, "axis", 0), shape.size()));
      if (split.getNumResults() != static_cast<unsigned>(shape[axis])) return {};
      for (unsigned i = 0; i < split.getNumResults(); ++i)
        if (!add(axis, split.getResult(i), i)) return {};
    } else {
      return {};
    }
  }
  if (!common) return {};
  return {*common, parts};
}

// Whether the axis is the outermost of those that the product's columns were split into.
bool splits_columns(const Shape& shape, size_t axis, int64_t columns) {
  int64_t inner = 1;
  for (size_t i = axis; i < shape.size(); ++i) inner *= shape[i];
  return inner == columns && shape[axis] > 1;
}

void split(const ConstantMatMul& matmul, const Shape& shape, size_t axis, const std::vector<Part>& parts,
           WeightStore& weights) {
  top::MatMulOp op = matmul.op;
  mlir::OpBuilder builder(op);
  const int64_t width = matmul.columns / shape[axis];
  for (Part part : parts) {
    const std::string name = name_of(part.value);
    Tensor columns = weight_columns(matmul, weights, part.index * width, width);
    const mlir::Value right = make_weight(builder, weights, name + ".weight", std::move(columns));
    const mlir::Value added = make_bias_columns(builder, weights, name + ".bias", matmul, part.index * width, width);
    Shape result = shape_of(op.getOutput());
    result.back() = width;
    const mlir::Value product = make_matmul_like(builder, name + ".matmul", op, op.getInput(), right, added, result);
    for (mlir::Operation* user : llvm::make_early_inc_range(part.value.getUsers())) {
      if (!mlir::isa<top::SqueezeOp, top::ReshapeOp>(user)) continue;
      mlir::Value moved = user->getResult(0);
      moved.replaceAllUsesWith(make_reshape(builder, name_of(moved), product, shape_of(moved)));
      user->erase();
    }
    if (!part.value.use_empty())
      part.value.replaceAllUsesWith(make_reshape(builder, name, product, shape_of(part.value)));
  }
}

}  // namespace

mlir::LogicalResult split_matmuls(mlir::ModuleOp module, WeightStore& weights) {
  std::vector<top::ReshapeOp> reshapes;
  // Only those behind a product: the ones behind a part may go on the way.
  module.walk([&](top::ReshapeOp op) {
    if (constant_matmul(op.getInput())) reshapes.push_back(op);
  });
  for (top::ReshapeOp reshape : reshapes) {
    const auto matmul = constant_matmul(reshape.getInput());
    if (!matmul || !reshape.getInput().hasOneUse()) continue;
    const Shape shape = shape_of(reshape.getOutput());
    const auto [axis, parts] = parts_of(reshape.getOutput());
    if (parts.size() < 2 || !splits_columns(shape, axis, matmul->columns)) continue;
    split(*matmul, shape, axis, parts, weights);
    for (mlir::Operation* user : llvm::make_early_inc_range(reshape->getUsers())) user->erase();
    reshape->erase();
    top::MatMulOp op = matmul->op;
    op->erase();
  }
  return mlir::success();
}

}  // namespace samc::sophgo
