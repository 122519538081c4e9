// Windows take padding and cropping in and move past what works row by row, so that matrix products run over the
// unpadded picture in its own order; bind_attention.cpp then folds them into attention's addressing.

#include "base/rounding.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"
#include "targets/cpu/shared_patterns.h"

namespace samc::cpu {
namespace {

// partition(pad(x)) -> partition(x), which pads itself
struct PadInPartition : mlir::OpRewritePattern<WindowPartitionOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(WindowPartitionOp op, mlir::PatternRewriter& rewriter) const override {
    auto pad = op.getInput().getDefiningOp<top::PadOp>();
    if (!pad || !pads_map_behind(pad) || !is_none(op.getPad())) return mlir::failure();
    const Shape windows = shape_of(op.getResult()), inner = shape_of(pad.getInput()), whole = shape_of(op.getInput());
    if (round_up(inner[1], windows[1]) != whole[1] || round_up(inner[2], windows[2]) != whole[2])
      return mlir::failure();
    rewriter.replaceOp(op, make_partition(rewriter, op.getLoc(), pad.getInput(), windows[1], windows[2]));
    return mlir::success();
  }
};

// Cropping at the lower and right edge becomes part of the unpartition.
struct CropUnpartition : mlir::OpRewritePattern<top::SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::SliceOp op, mlir::PatternRewriter& rewriter) const override {
    auto unpartition = op.getInput().getDefiningOp<WindowUnpartitionOp>();
    if (!unpartition) return mlir::failure();
    const View view = trace_view(op.getOutput());
    const Shape result = shape_of(op.getOutput()), windows = shape_of(unpartition.getInput());
    if (view.base != unpartition.getResult() || view.offset != 0) return mlir::failure();
    // The rows of windows must stay as many as they are, or the window's number could no longer be told.
    const Shape whole = shape_of(unpartition.getResult());
    if (result[3] != whole[3] || round_up(result[1], windows[1]) != round_up(whole[1], windows[1]) ||
        round_up(result[2], windows[2]) != round_up(whole[2], windows[2]))
      return mlir::failure();
    rewriter.replaceOp(op, make_unpartition(rewriter, op.getLoc(), unpartition.getInput(), result));
    return mlir::success();
  }
};

// A matrix product works row by row: MatMul(partition(x)) = partition(MatMul(x)), where padding rows become the bias.
struct MatMulBeforePartition : mlir::OpRewritePattern<top::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::MatMulOp op, mlir::PatternRewriter& rewriter) const override {
    auto partition = op.getInput().getDefiningOp<WindowPartitionOp>();
    if (!partition || !is_none(partition.getPad()) || op.getDoRelu()) return mlir::failure();
    // A weight of higher rank would be another matrix for each window.
    if (!is_weight(op.getRight()) || shape_of(op.getRight()).size() != 2) return mlir::failure();
    const Shape x = shape_of(partition.getInput()), windows = shape_of(partition.getResult());
    const bool padded = round_up(x[1], windows[1]) != x[1] || round_up(x[2], windows[2]) != x[2];
    const mlir::Value bias = op.getBias();
    if (padded && !is_none(bias) && (!is_weight(bias) || element_count(shape_of(bias)) != shape_of(op.getOutput())[3]))
      return mlir::failure();
    Shape product = x;
    product[3] = shape_of(op.getOutput())[3];
    const mlir::Value inner = clone_on(rewriter, op.getLoc(), op, partition.getInput(), product);
    const bool undefined = partition.getPadUndefined();
    const mlir::Value pad = padded && !undefined ? bias : make_none(rewriter);
    rewriter.replaceOp(op, make_partition(rewriter, op.getLoc(), inner, windows[1], windows[2], pad, undefined));
    return mlir::success();
  }
};

struct UnpartitionOfPartition : mlir::OpRewritePattern<WindowUnpartitionOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(WindowUnpartitionOp op, mlir::PatternRewriter& rewriter) const override {
    auto partition = op.getInput().getDefiningOp<WindowPartitionOp>();
    if (!partition || shape_of(partition.getInput()) != shape_of(op.getResult())) return mlir::failure();
    rewriter.replaceOp(op, partition.getInput());
    return mlir::success();
  }
};

}  // namespace

void add_window_patterns(mlir::RewritePatternSet& patterns) {
  patterns.add<CropUnpartition, MatMulBeforePartition, UnpartitionOfPartition>(patterns.getContext());
}

mlir::LogicalResult fold_windows(mlir::ModuleOp module, WeightStore&) {
  // Padding first: a product that has gone before the windows would keep it.
  mlir::RewritePatternSet pads(module.getContext());
  pads.add<PadInPartition>(module.getContext());
  if (mlir::failed(mlir::applyPatternsAndFoldGreedily(module, std::move(pads)))) return mlir::failure();
  mlir::RewritePatternSet patterns(module.getContext());
  add_window_patterns(patterns);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
