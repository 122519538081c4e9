// A 1 x 1 convolution of a map that was turned to NCHW is a product before it is turned:
//
//   conv(nchw(x), F) + b   -> nchw(x F^T + b)
//
// What is turned, and put back out of windows, is then as narrow as the result.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attributes.h"
#include "passes/toolkit/make.h"
#include "passes/toolkit/products.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

struct ConvToProduct : mlir::OpRewritePattern<top::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::ConvOp conv, mlir::PatternRewriter& rewriter) const override {
    auto permute = conv.getInput().getDefiningOp<top::PermuteOp>();
    if (!permute || to_shape(permute.getOrder()) != kToNchw || conv.getDoRelu() || !is_pointwise(conv))
      return mlir::failure();
    const Shape filter = shape_of(conv.getFilter());  // (n, k, 1, 1)
    Shape shape = shape_of(permute.getInput());
    shape.back() = filter[0];
    const mlir::Value right = create_weight(rewriter, name_of(conv.getFilter()), {filter[0], filter[1]});
    const mlir::Value product = make_matmul(rewriter, derived_location(conv.getOutput(), ".nhwc"), permute.getInput(),
                                            right, conv.getBias(), shape);
    product.getDefiningOp()->setAttr("right_transpose", rewriter.getBoolAttr(true));
    rewriter.replaceOp(conv, make_permute(rewriter, conv.getLoc(), product, kToNchw));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult conv_products(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<ConvToProduct>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc
