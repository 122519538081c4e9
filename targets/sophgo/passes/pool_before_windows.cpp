// A 2 x 2 max pool of windows of even width is windows, half as wide, of a pooled map: no block lies across a border of
// windows, and none across that of an even map and the zeros behind it. Pooled first, there is less to put in windows,
// and the map's members may serve other pools of it.

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

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
    map = clone_on(builder, name + ".padded", windows.source.getDefiningOp(), map,
                   {shape[0], windows.map[1] / 2, windows.map[2] / 2, shape[3]});
    const Shape paddings = {0, 0, 0, 0, 0, (windows.map[1] - shape[1]) / 2, (windows.map[2] - shape[2]) / 2, 0};
    map.getDefiningOp()->setAttr("paddings", to_array(builder.getContext(), paddings));
  }
  last.getOutput().replaceAllUsesWith(make_partition(builder, name, map, windows.window / 2, windows.window / 2));
}

}  // namespace

mlir::LogicalResult pool_before_windows(mlir::ModuleOp module, WeightStore& weights) {
  for (top::PermuteOp permute : operations_of<top::PermuteOp>(module)) rewrite(permute);
  return remove_dead(module, weights);  // the pools of windows, which read the products still
}

}  // namespace samc::sophgo
