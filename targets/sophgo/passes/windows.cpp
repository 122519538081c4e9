#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

const Shape kWindowOrder = {0, 1, 3, 2, 4, 5};

top::PermuteOp window_permute(mlir::Value value, top::ReshapeOp& first) {
  auto last = value.getDefiningOp<top::ReshapeOp>();
  auto permute = last ? last.getInput().getDefiningOp<top::PermuteOp>() : top::PermuteOp();
  first = permute ? permute.getInput().getDefiningOp<top::ReshapeOp>() : top::ReshapeOp();
  if (!first || to_shape(permute.getOrder()) != kWindowOrder) return {};
  return permute;
}

}  // namespace

std::optional<Windows> match_window(mlir::Value value) {
  top::ReshapeOp first;
  if (!window_permute(value, first)) return std::nullopt;
  const Shape grid = shape_of(first.getOutput());  // (b, rows, w, columns, w, c)
  if (grid.size() != 6 || grid[2] != grid[4]) return std::nullopt;
  const Windows windows{first.getInput(), {grid[0], grid[1] * grid[2], grid[3] * grid[4], grid[5]}, grid[2]};
  if (shape_of(first.getInput()) != windows.map || shape_of(value) != windows.windows()) return std::nullopt;
  return windows;
}

std::optional<Windows> match_unwindow(mlir::Value value) {
  top::ReshapeOp first;
  if (!window_permute(value, first)) return std::nullopt;
  const Shape grid = shape_of(first.getOutput());  // (b, rows, columns, w, w, c)
  if (grid.size() != 6 || grid[3] != grid[4]) return std::nullopt;
  const Windows windows{first.getInput(), {grid[0], grid[1] * grid[3], grid[2] * grid[4], grid[5]}, grid[3]};
  if (shape_of(value) != windows.map) return std::nullopt;
  return windows;
}

mlir::Value windows_behind(mlir::Value value) {
  while (value.hasOneUse() && mlir::isa_and_nonnull<top::ReshapeOp>(value.getDefiningOp())) {
    if (match_window(value)) return value;
    value = value.getDefiningOp()->getOperand(0);
  }
  return {};
}

mlir::Value before_padding(mlir::Value map) {
  auto pad = map.getDefiningOp<top::PadOp>();
  if (!pad || !map.hasOneUse()) return {};
  const Shape from = shape_of(pad.getInput()), to = shape_of(map);
  const Shape paddings = to_shape(pad.getPaddings());
  if (from.size() != 4 || from[0] != to[0] || from[3] != to[3] || paddings.size() != 8) return {};
  for (size_t axis = 0; axis < 4; ++axis)
    if (paddings[axis] != 0) return {};
  if (pad->getAttrOfType<mlir::StringAttr>("mode").getValue() != "constant" ||
      !pad->getAttrOfType<mlir::FloatAttr>("val").getValue().isZero())
    return {};
  return pad.getInput();
}

mlir::Value make_window(mlir::OpBuilder& builder, const std::string& name, mlir::Value map, int64_t window) {
  const Shape shape = shape_of(map);
  const Shape grid = {shape[0], shape[1] / window, window, shape[2] / window, window, shape[3]};
  const mlir::Value parts = make_reshape(builder, name + ".grid", map, grid);
  const mlir::Value ordered = make_permute(builder, name + ".order", parts, kWindowOrder);
  return make_reshape(builder, name, ordered, Windows{map, shape, window}.windows());
}

mlir::Value make_unwindow(mlir::OpBuilder& builder, const std::string& name, mlir::Value windows, const Shape& map,
                          int64_t window) {
  const Shape grid = {map[0], map[1] / window, map[2] / window, window, window, map[3]};
  const mlir::Value parts = make_reshape(builder, name + ".grid", windows, grid);
  const mlir::Value ordered = make_permute(builder, name + ".order", parts, kWindowOrder);
  return make_reshape(builder, name, ordered, map);
}

}  // namespace samc::sophgo
