// One head's values are projected after the attention, where that is less work. The weights of a query sum to one, so
// the bias comes out as it is:
//
//   softmax(s q k^T) (Y V + c)  =  (softmax(s q k^T) Y) V + c
//
// A memory has 64 channels and its values 256: a quarter of the work. Where a projection O follows, V O is one product.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attention.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

struct ProjectValuesLate : mlir::OpRewritePattern<AttentionOp> {
  ProjectValuesLate(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t queries = q[2], keys = v[2];
    if (q[0] != 1 || q[1] != 1) return mlir::failure();
    const std::optional<ConstantMatMul> value = product_of_heads(op.getV()), join = projection_of(op);
    if (!value || value->rows > value->columns) return mlir::failure();
    if (!join && (value->rows == value->columns || queries > keys)) return mlir::failure();
    const auto derived = [&](const char* suffix) { return derived_location(op.getResult(), suffix); };
    const mlir::Value rows = make_reshape(rewriter, derived(".v"), value->input(), {1, 1, keys, value->rows});
    const mlir::Value mixed =
        rewriter.create<AttentionOp>(derived(".rows"), tensor_type(getContext(), {1, 1, queries, value->rows}),
                                     op.getQ(), op.getK(), rows, op.getScaleAttr());
    if (!join) {
      rewriter.replaceOp(op, make_matmul_like(rewriter, op.getLoc(), value->op, mixed, value->right(), value->bias(),
                                              shape_of(op.getResult())));
      return mlir::success();
    }
    rewriter.setInsertionPoint(join->op);
    const std::string name = name_of(join->right());
    const auto whole = [&](const ConstantMatMul& product) {
      return weight_block(product, weights_, 0, product.rows, 0, product.columns);
    };
    Tensor bias({join->columns});
    std::ranges::copy(bias_with(*join, bias_of(*value, weights_), weights_).f32(), bias.f32().begin());
    const mlir::Value result = join->op->getResult(0);
    Shape rows_shape = shape_of(join->input());
    rows_shape.back() = value->rows;
    rewriter.replaceOp(
        join->op,
        make_matmul(rewriter, join->op->getLoc(), make_reshape(rewriter, derived(".joined"), mixed, rows_shape),
                    make_weight(rewriter, weights_, name + ".of_values", multiply(whole(*value), whole(*join))),
                    make_weight(rewriter, weights_, name + ".bias", std::move(bias)), shape_of(result)));
    return mlir::success();
  }

 private:
  WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult project_values_late(mlir::ModuleOp module, WeightStore& weights) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<ProjectValuesLate>(module.getContext(), weights);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
