#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

// Square windows that fill the map.
std::optional<Windows> exact_windows(mlir::Value source, const Shape& map, const Shape& windows) {
  if (windows[1] != windows[2] || map[1] % windows[1] != 0 || map[2] % windows[1] != 0) return std::nullopt;
  return Windows{source, map, windows[1]};
}

}  // namespace

std::optional<Windows> match_window(mlir::Value value) {
  auto op = value.getDefiningOp<vision::WindowPartitionOp>();
  if (!op) return std::nullopt;
  return exact_windows(op.getInput(), shape_of(op.getInput()), shape_of(value));
}

std::optional<Windows> match_unwindow(mlir::Value value) {
  auto op = value.getDefiningOp<vision::WindowUnpartitionOp>();
  if (!op) return std::nullopt;
  return exact_windows(op.getInput(), shape_of(value), shape_of(op.getInput()));
}

mlir::Value before_padding(mlir::Value map) {
  auto pad = map.getDefiningOp<top::PadOp>();
  return pad && map.hasOneUse() && shape_of(map).size() == 4 && pads_map_behind(pad) ? pad.getInput() : mlir::Value();
}

}  // namespace samc::sophgo
