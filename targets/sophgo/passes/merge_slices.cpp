// A slice of a slice is one slice: rows and columns that were added to fill windows go in one step.

#include <algorithm>

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// Where the slice begins along every axis, if it takes each element from there on.
std::optional<Shape> begin_of(top::SliceOp slice) {
  const SliceRange range = range_of_slice(slice);
  if (std::ranges::any_of(range.steps, [](int64_t step) { return step != 1; })) return std::nullopt;
  return range.starts;
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
