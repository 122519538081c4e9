// Where values have more channels than what they are projected from, one head's are projected after the attention. The
// weights of a query sum to one, so the bias comes out as it is:
//
//   softmax(s q k^T) (Y V + c)  =  (softmax(s q k^T) Y) V + c
//
// A memory has 64 channels and its values 256: a quarter of the work.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attention.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

struct ProjectValuesLate : mlir::OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t queries = q[2], keys = v[2];
    if (q[0] != 1 || q[1] != 1) return mlir::failure();
    const std::optional<ConstantMatMul> value = product_of_heads(op.getV());
    if (!value || value->rows >= value->columns || queries > keys) return mlir::failure();
    const auto derived = [&](const char* suffix) { return derived_location(op.getResult(), suffix); };
    const mlir::Value rows = make_reshape(rewriter, derived(".v"), value->input(), {1, 1, keys, value->rows});
    const mlir::Value mixed =
        rewriter.create<AttentionOp>(derived(".rows"), tensor_type(getContext(), {1, 1, queries, value->rows}),
                                     op.getQ(), op.getK(), rows, op.getScaleAttr());
    rewriter.replaceOp(op, make_matmul_like(rewriter, op.getLoc(), value->op, mixed, value->right(), value->bias(),
                                            shape_of(op.getResult())));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult project_values_late(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<ProjectValuesLate>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
