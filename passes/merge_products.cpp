// A product of a product that nothing else reads is one product, where that is less work:
//
//   (x V + c) W + b  =  x (V W) + (c W + b)
//
// The neck widens the trunk's two largest maps to 256 channels, of which the decoder's convolutions keep 32 and 64.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attributes.h"
#include "passes/toolkit/products.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

struct MergeProducts : mlir::OpRewritePattern<top::MatMulOp> {
  MergeProducts(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(top::MatMulOp op, mlir::PatternRewriter& rewriter) const override {
    const auto outer = constant_matmul(op.getOutput());
    if (!outer || !outer->input().hasOneUse()) return mlir::failure();
    const auto inner = constant_matmul(outer->input());
    if (!inner || inner->rows * outer->columns >= outer->rows * (inner->rows + outer->columns)) return mlir::failure();
    rewriter.replaceOp(op, make_composed(rewriter, weights_, *inner, *outer, inner->input()));
    return mlir::success();
  }

 private:
  WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult merge_products(mlir::ModuleOp module, WeightStore& weights) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<MergeProducts>(module.getContext(), weights);
  if (mlir::failed(mlir::applyPatternsAndFoldGreedily(module, std::move(patterns)))) return mlir::failure();
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc
