// A 2 x 2 max pool of windows of even width is windows, half as wide, of a pooled map: no block lies across a border of
// windows, and none across that of an even map and the zeros behind it. Pooled first, there is less to put in windows,
// and the map's members may serve other pools of it.

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

mlir::Value make_pool(mlir::OpBuilder& builder, const std::string& name, mlir::Value map, top::MaxPoolOp like) {
  const mlir::Value nchw = make_permute(builder, name + ".nchw", map, {0, 3, 1, 2});
  mlir::Operation* pool = builder.clone(*like.getOperation());
  pool->setOperand(0, nchw);
  const Shape shape = shape_of(nchw);
  pool->getResult(0).setType(tensor_type(builder.getContext(), {shape[0], shape[1], shape[2] / 2, shape[3] / 2}));
  pool->setLoc(name_location(builder.getContext(), name + ".pool"));
  return make_permute(builder, name, pool->getResult(0), {0, 2, 3, 1});
}

void rewrite(top::PermuteOp last) {
  const auto pool = match_pool(last);
  if (!pool || !pool->source.hasOneUse()) return;
  const mlir::Value windowed = windows_behind(pool->source);
  if (!windowed) return;
  const Windows windows = *match_window(windowed);
  if (windows.window % 2 != 0 || shape_of(pool->source) != windows.windows() || !windows.source.hasOneUse()) return;
  const mlir::Value inner = before_padding(windows.source);
  mlir::Value map = inner ? inner : windows.source;
  const Shape shape = shape_of(map);
  if (shape[1] % 2 != 0 || shape[2] % 2 != 0 || windows.map[1] % 2 != 0 || windows.map[2] % 2 != 0) return;
  mlir::OpBuilder builder(last);
  const std::string name = name_of(last.getOutput());
  map = make_pool(builder, name + ".map", map, pool->op);
  if (inner) {
    mlir::Operation* pad = builder.clone(*windows.source.getDefiningOp());
    pad->setOperand(0, map);
    pad->setAttr("paddings", to_array(builder.getContext(), {0, 0, 0, 0, 0, (windows.map[1] - shape[1]) / 2,
                                                             (windows.map[2] - shape[2]) / 2, 0}));
    pad->getResult(0).setType(
        tensor_type(builder.getContext(), {shape[0], windows.map[1] / 2, windows.map[2] / 2, shape[3]}));
    pad->setLoc(name_location(builder.getContext(), name + ".padded"));
    map = pad->getResult(0);
  }
  last.getOutput().replaceAllUsesWith(make_window(builder, name, map, windows.window / 2));
}

}  // namespace

mlir::LogicalResult pool_before_windows(mlir::ModuleOp module, WeightStore& weights) {
  for (top::PermuteOp permute : operations_of<top::PermuteOp>(module)) rewrite(permute);
  return remove_dead(module, weights);  // the pools of windows, which read the products still
}

}  // namespace samc::sophgo
