// Windowed attention takes windows out of a map and puts them back. What lies between putting back and taking out again
// works on single tokens or on blocks inside a window, so it is done in windows: unwindow moves down past such ops,
// window moves up, and where they meet in the same grid both go. A pass over the map through the chip's memory each.

#include <algorithm>

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/pools.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"
#include "targets/sophgo/passes/windows.h"

namespace samc::sophgo {
namespace {

// The op on another operand of the same row length.
mlir::Value row_wise_on(mlir::PatternRewriter& rewriter, mlir::Operation* op, mlir::Value input) {
  Shape shape = shape_of(input);
  shape.back() = shape_of(op->getResult(0)).back();
  const mlir::Value clone = clone_on(rewriter, name_of(op) + ".windowed", op, input, shape);
  if (mlir::isa<top::LayerNormOp>(op))
    clone.getDefiningOp()->setAttr("axis", si32(rewriter.getContext(), static_cast<int64_t>(shape.size()) - 1));
  return clone;
}

// op(unwindow(x)) -> unwindow(op(x))
struct UnwindowDown : mlir::RewritePattern {
  explicit UnwindowDown(mlir::MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    if (!is_row_wise(op)) return mlir::failure();
    const auto windows = match_unwindow(op->getOperand(0));
    if (!windows) return mlir::failure();
    const mlir::Value inside = row_wise_on(rewriter, op, windows->source);
    Shape map = windows->map;
    map.back() = shape_of(inside).back();
    rewriter.replaceOp(op, make_unpartition(rewriter, name_of(op), inside, map));
    return mlir::success();
  }
};

// window(op(x)) -> op(window(x)), when nobody else reads op(x)
struct WindowUp : mlir::OpRewritePattern<vision::WindowPartitionOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(vision::WindowPartitionOp last, mlir::PatternRewriter& rewriter) const override {
    const auto windows = match_window(last.getResult());
    if (!windows || !windows->source.hasOneUse()) return mlir::failure();
    mlir::Operation* op = windows->source.getDefiningOp();
    if (!is_row_wise(op)) return mlir::failure();
    const std::string name = name_of(last.getResult());
    const mlir::Value input = make_partition(rewriter, name_of(op->getOperand(0)) + ".windows", op->getOperand(0),
                                             windows->window, windows->window);
    rewriter.replaceOp(last, row_wise_on(rewriter, op, input));
    return mlir::success();
  }
};

// window(unwindow(x)) -> x
struct Cancel : mlir::OpRewritePattern<vision::WindowPartitionOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(vision::WindowPartitionOp last, mlir::PatternRewriter& rewriter) const override {
    const auto windows = match_window(last.getResult());
    if (!windows) return mlir::failure();
    const auto put_back = match_unwindow(windows->source);
    if (!put_back || !put_back->same_grid(*windows)) return mlir::failure();
    rewriter.replaceOp(last, put_back->source);
    return mlir::success();
  }
};

// The windows of this grid that somebody already takes out of the map.
mlir::Value existing_windows(mlir::Value map, const Windows& wanted) {
  for (mlir::Operation* user : map.getUsers()) {
    if (!mlir::isa<vision::WindowPartitionOp>(user)) continue;
    const auto windows = match_window(user->getResult(0));
    if (windows && windows->same_grid(wanted)) return user->getResult(0);
  }
  return {};
}

// a + unwindow(y) -> unwindow(window(a) + y), when a is in windows of the same grid anyway
struct AddInWindows : mlir::OpRewritePattern<top::AddOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(top::AddOp add, mlir::PatternRewriter& rewriter) const override {
    if (add->getNumOperands() != 2 || add.getDoRelu()) return mlir::failure();
    for (const unsigned side : {1u, 0u}) {
      const auto windows = match_unwindow(add->getOperand(side));
      const mlir::Value other = add->getOperand(1 - side);
      if (!windows || other.getType() != add.getOutput().getType()) continue;
      mlir::Value inside;
      if (const auto also = match_unwindow(other); also && also->same_grid(*windows))
        inside = also->source;
      else if (const mlir::Value existing = existing_windows(other, *windows);
               existing && existing.getDefiningOp()->getBlock() == add->getBlock() &&
               existing.getDefiningOp()->isBeforeInBlock(add))
        inside = existing;
      if (!inside) continue;
      const std::string name = name_of(add.getOutput());
      mlir::Operation* sum = rewriter.clone(*add.getOperation());
      sum->setOperands({inside, windows->source});
      sum->getResult(0).setType(inside.getType());
      sum->setLoc(name_location(rewriter.getContext(), name + ".windowed"));
      rewriter.replaceOp(add, make_unpartition(rewriter, name, sum->getResult(0), windows->map));
      return mlir::success();
    }
    return mlir::failure();
  }
};

// pool(unwindow(x)) -> unwindow(pool(x)) of smaller windows
struct PoolInWindows : mlir::OpRewritePattern<top::PermuteOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(top::PermuteOp last, mlir::PatternRewriter& rewriter) const override {
    const auto pool = match_pool(last);
    if (!pool) return mlir::failure();
    const auto windows = match_unwindow(pool->source);
    if (!windows || windows->window % pool->block_h != 0 || windows->window % pool->block_w != 0)
      return mlir::failure();
    const std::string name = name_of(last.getOutput());
    const mlir::Value x = make_pool(rewriter, name + ".window", windows->source, *pool);
    rewriter.replaceOp(last, make_unpartition(rewriter, name, x, shape_of(last.getOutput())));
    return mlir::success();
  }
};

// window(x + weight) -> window(x) + window(weight), the latter computed here
struct WindowUpConstantSum : mlir::OpRewritePattern<vision::WindowPartitionOp> {
  WindowUpConstantSum(mlir::MLIRContext* context, WeightStore& weights)
      : OpRewritePattern(context), weights_(weights) {}
  mlir::LogicalResult matchAndRewrite(vision::WindowPartitionOp last, mlir::PatternRewriter& rewriter) const override {
    const auto windows = match_window(last.getResult());
    if (!windows || !windows->source.hasOneUse() || windows->map[0] != 1) return mlir::failure();
    auto add = windows->source.getDefiningOp<top::AddOp>();
    if (!add || add->getNumOperands() != 2 || add.getDoRelu() || !is_weight(add->getOperand(1)) ||
        add->getOperand(0).getType() != add.getOutput().getType() ||
        add->getOperand(1).getType() != add.getOutput().getType())
      return mlir::failure();
    const TensorView view = weight_view(add->getOperand(1), weights_);
    Tensor ordered(windows->windows());
    const int64_t w = windows->window, width = windows->map[2], channels = windows->map[3];
    const float* from = view.f32().data();
    float* to = ordered.f32().data();
    for (int64_t row = 0; row < windows->map[1]; row += w)
      for (int64_t column = 0; column < width; column += w)
        for (int64_t y = row; y < row + w; ++y, to += w * channels)
          std::copy_n(from + (y * width + column) * channels, w * channels, to);
    const std::string name = name_of(add.getOutput());
    const mlir::Value constant =
        make_weight(rewriter, weights_, name_of(add->getOperand(1)) + ".windows", std::move(ordered));
    const mlir::Value x = make_partition(rewriter, name_of(add->getOperand(0)) + ".windows", add->getOperand(0), w, w);
    mlir::Operation* sum = rewriter.clone(*add.getOperation());
    sum->setOperands({x, constant});
    sum->getResult(0).setType(x.getType());
    sum->setLoc(name_location(rewriter.getContext(), name + ".windowed"));
    rewriter.replaceOp(last, sum->getResult(0));
    return mlir::success();
  }

 private:
  WeightStore& weights_;
};

// The map that the windows are put back to anyway.
vision::WindowUnpartitionOp existing_map(mlir::Value inside, const Windows& wanted) {
  for (mlir::Operation* user : inside.getUsers()) {
    auto op = mlir::dyn_cast<vision::WindowUnpartitionOp>(user);
    const auto windows = op ? match_unwindow(op.getResult()) : std::nullopt;
    if (windows && windows->same_grid(wanted)) return op;
  }
  return {};
}

// unwindow(op(x)) -> op(unwindow(x)), when x is put back anyway and nobody else reads op(x): op was moved in vain.
struct OneUnwindow : mlir::OpRewritePattern<vision::WindowUnpartitionOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(vision::WindowUnpartitionOp last,
                                      mlir::PatternRewriter& rewriter) const override {
    const auto windows = match_unwindow(last.getResult());
    if (!windows || !windows->source.hasOneUse()) return mlir::failure();
    mlir::Operation* op = windows->source.getDefiningOp();
    if (!is_row_wise(op)) return mlir::failure();
    vision::WindowUnpartitionOp map = existing_map(op->getOperand(0), *windows);
    if (!map || map->getBlock() != last->getBlock()) return mlir::failure();
    if (!map->isBeforeInBlock(last)) map->moveBefore(last);
    const std::string name = name_of(last.getResult());
    const mlir::Value result = row_wise_on(rewriter, op, map.getResult());
    result.getDefiningOp()->setLoc(name_location(rewriter.getContext(), name));
    rewriter.replaceOp(last, result);
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult window_layout(mlir::ModuleOp module, WeightStore& weights) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<UnwindowDown, WindowUp, Cancel, AddInWindows, PoolInWindows>(module.getContext());
  patterns.add<WindowUpConstantSum>(module.getContext(), weights);
  if (mlir::failed(mlir::applyPatternsAndFoldGreedily(module, std::move(patterns)))) return mlir::failure();
  mlir::RewritePatternSet last(module.getContext());
  last.add<OneUnwindow>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(last));
}

}  // namespace samc::sophgo
