// Window partition (pad, reshape, permute, reshape) becomes one op and is moved past what works row by row, so that
// matrix products run over the unpadded picture in its own order; bind_attention.cpp then folds it into attention's
// addressing. Official code: sam2/modeling/backbones/utils.py, window_partition and window_unpartition.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"
#include "targets/cpu/shared_patterns.h"

namespace samc::cpu {
namespace {

const std::vector<int64_t> kExchange = {0, 1, 3, 2, 4, 5};

// Reshape(Permute(Reshape([Pad](x)))) with x (1, height, width, c)
struct FormPartition : mlir::RewritePattern {
  explicit FormPartition(mlir::MLIRContext* context) : RewritePattern("top.Reshape", 2, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    mlir::Operation* permute = producer(op->getOperand(0), "top.Permute");
    if (permute == nullptr || integers_attribute(permute, "order") != kExchange) return mlir::failure();
    mlir::Operation* split = producer(permute->getOperand(0), "top.Reshape");
    if (split == nullptr) return mlir::failure();
    mlir::Value x = split->getOperand(0);
    const Shape padded = shape_of(x), cut = shape_of(split->getResult(0)), result = shape_of(op->getResult(0));
    // cut is (1, windows_y, window_h, windows_x, window_w, c)
    if (padded.size() != 4 || padded[0] != 1 || cut.size() != 6 || cut[0] != 1 || cut[1] * cut[2] != padded[1] ||
        cut[3] * cut[4] != padded[2] || cut[5] != padded[3] || result != Shape{cut[1] * cut[3], cut[2], cut[4], cut[5]})
      return mlir::failure();
    if (mlir::Operation* pad = producer(x, "top.Pad")) {
      const std::vector<int64_t> paddings = integers_attribute(pad, "paddings");
      const Shape inner = shape_of(pad->getOperand(0));
      const bool lower_right = paddings.size() == 8 && paddings[0] == 0 && paddings[1] == 0 && paddings[2] == 0 &&
                               paddings[3] == 0 && paddings[4] == 0 && paddings[7] == 0;
      if (lower_right && float_attribute(pad, "val", 0.0) == 0.0 &&
          string_attribute(pad, "mode", "constant") == "constant" && round_up(inner[1], cut[2]) == padded[1] &&
          round_up(inner[2], cut[4]) == padded[2])
        x = pad->getOperand(0);
    }
    rewriter.replaceOpWithNewOp<WindowPartitionOp>(op, op->getResult(0).getType(), x, make_none(rewriter, op->getLoc()),
                                                   rewriter.getI64IntegerAttr(cut[2]),
                                                   rewriter.getI64IntegerAttr(cut[4]), rewriter.getBoolAttr(false));
    return mlir::success();
  }
};

// Reshape(Permute(Reshape(y))) with y (windows, window_h, window_w, c)
struct FormUnpartition : mlir::RewritePattern {
  explicit FormUnpartition(mlir::MLIRContext* context) : RewritePattern("top.Reshape", 2, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    mlir::Operation* permute = producer(op->getOperand(0), "top.Permute");
    if (permute == nullptr || integers_attribute(permute, "order") != kExchange) return mlir::failure();
    mlir::Operation* split = producer(permute->getOperand(0), "top.Reshape");
    if (split == nullptr) return mlir::failure();
    const mlir::Value y = split->getOperand(0);
    const Shape windows = shape_of(y), cut = shape_of(split->getResult(0)), result = shape_of(op->getResult(0));
    // cut is (1, windows_y, windows_x, window_h, window_w, c)
    if (windows.size() != 4 || cut.size() != 6 || cut[0] != 1 ||
        windows != Shape{cut[1] * cut[2], cut[3], cut[4], cut[5]} ||
        result != Shape{1, cut[1] * cut[3], cut[2] * cut[4], cut[5]})
      return mlir::failure();
    rewriter.replaceOpWithNewOp<WindowUnpartitionOp>(op, op->getResult(0).getType(), y);
    return mlir::success();
  }
};

// Cropping at the lower and right edge becomes part of the unpartition.
struct CropUnpartition : mlir::RewritePattern {
  explicit CropUnpartition(mlir::MLIRContext* context) : RewritePattern("top.Slice", 1, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    auto unpartition = op->getOperand(0).getDefiningOp<WindowUnpartitionOp>();
    if (!unpartition) return mlir::failure();
    const View view = trace_view(op->getResult(0));
    const Shape result = shape_of(op->getResult(0)), windows = shape_of(unpartition.getInput());
    if (view.base != unpartition.getResult() || view.offset != 0) return mlir::failure();
    // The rows of windows must stay as many as they are, or the window's number could no longer be told.
    const Shape whole = shape_of(unpartition.getResult());
    if (result[3] != whole[3] || round_up(result[1], windows[1]) != round_up(whole[1], windows[1]) ||
        round_up(result[2], windows[2]) != round_up(whole[2], windows[2]))
      return mlir::failure();
    rewriter.replaceOpWithNewOp<WindowUnpartitionOp>(op, op->getResult(0).getType(), unpartition.getInput());
    return mlir::success();
  }
};

// A matrix product works row by row: MatMul(partition(x)) = partition(MatMul(x)), where padding rows become the bias.
struct MatMulBeforePartition : mlir::RewritePattern {
  explicit MatMulBeforePartition(mlir::MLIRContext* context) : RewritePattern("top.MatMul", 1, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    auto partition = op->getOperand(0).getDefiningOp<WindowPartitionOp>();
    if (!partition || !is_none(partition.getPad()) || bool_attribute(op, "do_relu", false)) return mlir::failure();
    // A weight of higher rank would be another matrix for each window.
    if (!is_weight(op->getOperand(1)) || shape_of(op->getOperand(1)).size() != 2) return mlir::failure();
    const Shape x = shape_of(partition.getInput()), windows = shape_of(partition.getResult());
    const bool padded = round_up(x[1], windows[1]) != x[1] || round_up(x[2], windows[2]) != x[2];
    const mlir::Value bias = op->getOperand(2);
    if (padded && !is_none(bias) &&
        (!is_weight(bias) || element_count(shape_of(bias)) != shape_of(op->getResult(0))[3]))
      return mlir::failure();
    mlir::OperationState state(op->getLoc(), op->getName());
    state.addOperands({partition.getInput(), op->getOperand(1), bias});
    state.addAttributes(op->getAttrs());
    Shape product = x;
    product[3] = shape_of(op->getResult(0))[3];
    state.addTypes(tensor_type(getContext(), product));
    const mlir::Value inner = rewriter.create(state)->getResult(0);
    const bool undefined = partition.getPadUndefined();
    const mlir::Value pad = padded && !undefined ? bias : make_none(rewriter, op->getLoc());
    rewriter.replaceOpWithNewOp<WindowPartitionOp>(op, op->getResult(0).getType(), inner, pad,
                                                   partition.getWindowHAttr(), partition.getWindowWAttr(),
                                                   partition.getPadUndefinedAttr());
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
