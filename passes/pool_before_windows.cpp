// A max pool of windows is smaller windows of a pooled map, when no block lies across a border of windows, and none
// across that of the map and the padding behind it. It may be a pool of some of the windows' channels: queries, among
// queries, keys and values. Pooled first, there is less to put in windows.

#include <algorithm>

#include "ir/vision_dialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attributes.h"
#include "passes/toolkit/pools.h"
#include "passes/toolkit/view.h"
#include "passes/toolkit/windows.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

struct PoolBeforePartition : mlir::OpRewritePattern<top::PermuteOp> {
  PoolBeforePartition(mlir::MLIRContext* context, WeightStore& weights)
      : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(top::PermuteOp last, mlir::PatternRewriter& rewriter) const override {
    const auto pool = match_pool(last);
    if (!pool) return mlir::failure();
    const View view = trace_view(pool->source);
    auto partition = view.base.getDefiningOp<vision::WindowPartitionOp>();
    if (!partition) return mlir::failure();
    const Shape source = shape_of(pool->source), windows = shape_of(partition.getResult());
    const Shape map = shape_of(partition.getInput());
    const auto is_whole = [&](const Shape& shape) {
      return shape[1] % pool->block_h == 0 && shape[2] % pool->block_w == 0;
    };
    if (!is_columns(view, source) || !std::equal(windows.begin(), windows.begin() + 3, source.begin()) ||
        !is_whole(windows) || !is_whole(map))
      return mlir::failure();
    const int64_t c = source[3], end = view.offset + c;
    mlir::Value columns = partition.getInput();
    // A block lies inside the map or outside, so outside it is the largest of equal rows: that row.
    mlir::Value pad = partition.getPad();
    if (c != map[3]) {
      columns = make_slice(rewriter, derived_location(last.getOutput(), ".columns"), columns, {0, 0, 0, view.offset},
                           {1, map[1], map[2], end});
      if (!is_none(pad)) {
        const std::span<const float> row = weight_view(pad, weights_).f32();
        pad = make_weight(rewriter, weights_, name_of(last.getOutput()) + ".pad",
                          Tensor::copy_of({DType::kF32, {c}, row.data() + view.offset}));
      }
    }
    const mlir::Value pooled = make_pool(rewriter, derived_location(last.getOutput(), ".map"), columns, *pool);
    rewriter.replaceOp(last, make_partition(rewriter, last.getLoc(), pooled, windows[1] / pool->block_h,
                                            windows[2] / pool->block_w, pad, partition.getPadUndefined()));
    return mlir::success();
  }

 private:
  WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult pool_before_windows(mlir::ModuleOp module, WeightStore& weights) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<PoolBeforePartition>(module.getContext(), weights);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc
