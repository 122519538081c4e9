// A slice of a slice is one slice: rows and columns that were added to fill windows go in one step.

#include <algorithm>

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// Where the slice begins along every axis, if it takes each element from there on.
std::optional<Shape> begin_of(top::SliceOp slice) {
  const Shape from = shape_of(slice.getInput());
  if (from.size() != shape_of(slice.getOutput()).size()) return std::nullopt;
  Shape axes = to_shape(slice.getAxes());
  const Shape offsets = to_shape(slice.getOffset()), steps = to_shape(slice.getSteps());
  if (std::any_of(steps.begin(), steps.end(), [](int64_t step) { return step != 1; })) return std::nullopt;
  if (axes.empty())
    for (size_t axis = 0; axis < from.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  if (axes.size() != offsets.size()) return std::nullopt;
  Shape begin(from.size(), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(from.size()) : axes[i]);
    begin[axis] = std::clamp<int64_t>(offsets[i] < 0 ? offsets[i] + from[axis] : offsets[i], 0, from[axis]);
  }
  return begin;
}

struct MergeSlices : mlir::OpRewritePattern<top::SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(top::SliceOp outer, mlir::PatternRewriter& rewriter) const override {
    auto inner = outer.getInput().getDefiningOp<top::SliceOp>();
    if (!inner || !inner.getOutput().hasOneUse()) return mlir::failure();
    const auto first = begin_of(inner), second = begin_of(outer);
    if (!first || !second) return mlir::failure();
    Shape begin = *first, end = shape_of(outer.getOutput());
    for (size_t axis = 0; axis < begin.size(); ++axis) {
      begin[axis] += (*second)[axis];
      end[axis] += begin[axis];
    }
    rewriter.replaceOp(outer, make_slice(rewriter, name_of(outer.getOutput()), inner.getInput(), begin, end));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult merge_slices(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<MergeSlices>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::sophgo
