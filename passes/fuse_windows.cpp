// Windows of a map, written as reshape, permute and reshape, become one op, and so does what puts them together again.
// Official code: sam2/modeling/backbones/utils.py, window_partition and window_unpartition. Padding before and cropping
// behind them stay ops of their own: what becomes of those is for each target to say.

#include "ir/vision_dialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/make.h"
#include "passes/toolkit/windows.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

const Shape kExchange = {0, 1, 3, 2, 4, 5};

// The first of Reshape(Permute(Reshape(x))) that exchange rows of windows and columns of windows; null for any other.
top::ReshapeOp behind_exchange(top::ReshapeOp last) {
  auto permute = last.getInput().getDefiningOp<top::PermuteOp>();
  if (!permute || to_shape(permute.getOrder()) != kExchange) return {};
  return permute.getInput().getDefiningOp<top::ReshapeOp>();
}

struct FormPartition : mlir::OpRewritePattern<top::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    top::ReshapeOp split = behind_exchange(op);
    if (!split) return mlir::failure();
    // (1, height, width, c) -> (1, rows, window_h, columns, window_w, c)
    const Shape map = shape_of(split.getInput()), cut = shape_of(split.getOutput());
    if (cut.size() != 6 || cut[0] != 1 || map != Shape{1, cut[1] * cut[2], cut[3] * cut[4], cut[5]} ||
        shape_of(op.getOutput()) != Shape{cut[1] * cut[3], cut[2], cut[4], cut[5]})
      return mlir::failure();
    rewriter.replaceOp(op, make_partition(rewriter, op.getLoc(), split.getInput(), cut[2], cut[4]));
    return mlir::success();
  }
};

struct FormUnpartition : mlir::OpRewritePattern<top::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    top::ReshapeOp split = behind_exchange(op);
    if (!split) return mlir::failure();
    // The windows, as (1, rows, columns, window_h, window_w, c)
    const Shape cut = shape_of(split.getOutput()), map = shape_of(op.getOutput());
    if (cut.size() != 6 || cut[0] != 1 || map != Shape{1, cut[1] * cut[3], cut[2] * cut[4], cut[5]})
      return mlir::failure();
    const mlir::Value windows = make_reshape(rewriter, derived_location(op.getOutput(), ".windows"), split.getInput(),
                                             {cut[1] * cut[2], cut[3], cut[4], cut[5]});
    rewriter.replaceOp(op, make_unpartition(rewriter, op.getLoc(), windows, map));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult fuse_windows(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FormPartition, FormUnpartition>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc
