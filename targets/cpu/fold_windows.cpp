// Window partition (pad, reshape, permute, reshape) becomes one op and is moved past what works row by row, so that
// matrix products run over the unpadded picture in its own order; bind_attention.cpp then folds it into attention's
// addressing. Official code: sam2/modeling/backbones/utils.py, window_partition and window_unpartition.

#include "base/rounding.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"
#include "targets/cpu/shared_patterns.h"

namespace samc::cpu {
namespace {

const Shape kExchange = {0, 1, 3, 2, 4, 5};

// The first of Reshape(Permute(Reshape(..))) that exchange windows' rows and columns of windows; null if they are
// others.
top::ReshapeOp behind_exchange(top::ReshapeOp last) {
  auto permute = last.getInput().getDefiningOp<top::PermuteOp>();
  if (!permute || to_shape(permute.getOrder()) != kExchange) return {};
  return permute.getInput().getDefiningOp<top::ReshapeOp>();
}

// Reshape(Permute(Reshape([Pad](x)))) with x (1, height, width, c)
struct FormPartition : mlir::OpRewritePattern<top::ReshapeOp> {
  explicit FormPartition(mlir::MLIRContext* context) : OpRewritePattern(context, 2) {}

  mlir::LogicalResult matchAndRewrite(top::ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    top::ReshapeOp split = behind_exchange(op);
    if (!split) return mlir::failure();
    mlir::Value x = split.getInput();
    const Shape padded = shape_of(x), cut = shape_of(split.getOutput()), result = shape_of(op.getOutput());
    // cut is (1, windows_y, window_h, windows_x, window_w, c)
    if (padded.size() != 4 || padded[0] != 1 || cut.size() != 6 || cut[0] != 1 || cut[1] * cut[2] != padded[1] ||
        cut[3] * cut[4] != padded[2] || cut[5] != padded[3] || result != Shape{cut[1] * cut[3], cut[2], cut[4], cut[5]})
      return mlir::failure();
    if (auto pad = x.getDefiningOp<top::PadOp>()) {
      const Shape paddings = to_shape(pad.getPaddings()), inner = shape_of(pad.getInput());
      const bool lower_right = paddings.size() == 8 && paddings[0] == 0 && paddings[1] == 0 && paddings[2] == 0 &&
                               paddings[3] == 0 && paddings[4] == 0 && paddings[7] == 0;
      if (lower_right && pad.getVal().isZero() && string_attribute(pad, "mode", "constant") == "constant" &&
          round_up(inner[1], cut[2]) == padded[1] && round_up(inner[2], cut[4]) == padded[2])
        x = pad.getInput();
    }
    rewriter.replaceOpWithNewOp<WindowPartitionOp>(op, op.getOutput().getType(), x, make_none(rewriter),
                                                   rewriter.getI64IntegerAttr(cut[2]),
                                                   rewriter.getI64IntegerAttr(cut[4]), rewriter.getBoolAttr(false));
    return mlir::success();
  }
};

// Reshape(Permute(Reshape(y))) with y (windows, window_h, window_w, c)
struct FormUnpartition : mlir::OpRewritePattern<top::ReshapeOp> {
  explicit FormUnpartition(mlir::MLIRContext* context) : OpRewritePattern(context, 2) {}

  mlir::LogicalResult matchAndRewrite(top::ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    top::ReshapeOp split = behind_exchange(op);
    if (!split) return mlir::failure();
    const mlir::Value y = split.getInput();
    const Shape windows = shape_of(y), cut = shape_of(split.getOutput()), result = shape_of(op.getOutput());
    // cut is (1, windows_y, windows_x, window_h, window_w, c)
    if (windows.size() != 4 || cut.size() != 6 || cut[0] != 1 ||
        windows != Shape{cut[1] * cut[2], cut[3], cut[4], cut[5]} ||
        result != Shape{1, cut[1] * cut[3], cut[2] * cut[4], cut[5]})
      return mlir::failure();
    rewriter.replaceOpWithNewOp<WindowUnpartitionOp>(op, op.getOutput().getType(), y);
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
    rewriter.replaceOpWithNewOp<WindowUnpartitionOp>(op, op.getOutput().getType(), unpartition.getInput());
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
    rewriter.replaceOpWithNewOp<WindowPartitionOp>(op, op.getOutput().getType(), inner, pad, partition.getWindowHAttr(),
                                                   partition.getWindowWAttr(), partition.getPadUndefinedAttr());
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
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FormPartition, FormUnpartition>(module.getContext());
  add_window_patterns(patterns);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
