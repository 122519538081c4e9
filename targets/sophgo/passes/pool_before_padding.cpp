// A max pool of a map with zeros behind it is the pooled map with fewer zeros behind it, when no block lies across the
// border. The map's members (pool-by-members) may then serve other pools of it.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/pools.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

struct PoolBeforePad : mlir::OpRewritePattern<top::PermuteOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::PermuteOp last, mlir::PatternRewriter& rewriter) const override {
    const auto pool = match_pool(last);
    if (!pool) return mlir::failure();
    const mlir::Value inner = before_padding(pool->source);
    if (!inner) return mlir::failure();
    const Shape map = shape_of(inner), padded = shape_of(pool->source);
    if (map[1] % pool->block_h != 0 || map[2] % pool->block_w != 0) return mlir::failure();
    const mlir::Value pooled = make_pool(rewriter, derived_location(last.getOutput(), ".inner"), inner, *pool);
    const mlir::Value result =
        clone_on(rewriter, last.getLoc(), pool->source.getDefiningOp(), pooled, shape_of(last.getOutput()));
    const Shape paddings = {0, 0, 0, 0, 0, (padded[1] - map[1]) / pool->block_h, (padded[2] - map[2]) / pool->block_w,
                            0};
    result.getDefiningOp()->setAttr("paddings", to_array(getContext(), paddings));
    rewriter.replaceOp(last, result);
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult pool_before_padding(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<PoolBeforePad>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::sophgo
