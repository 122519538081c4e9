// softmax(scale Q K^T) V over four-dimensional operands becomes one vision.attention.

#include "ir/vision_dialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attention.h"
#include "passes/toolkit/attributes.h"
#include "passes/toolkit/make.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

// Multiplications by a constant between value and what it comes from, collected into scale.
mlir::Value peel_scale(mlir::Value value, double& scale) {
  for (auto op = value.getDefiningOp<top::MulConstOp>(); op && !op.getDoRelu();
       op = value.getDefiningOp<top::MulConstOp>()) {
    scale *= op.getConstVal().convertToDouble();
    value = op.getInput();
  }
  return value;
}

bool is_plain_matmul(top::MatMulOp op) {
  return op && is_none(op.getBias()) && !op.getDoRelu() && !op.getLeftTranspose() && !op.getOutputTranspose() &&
         !op.getHdimIsBatch();
}

struct FuseAttention : mlir::OpRewritePattern<top::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::MatMulOp op, mlir::PatternRewriter& rewriter) const override {
    if (!is_plain_matmul(op) || op.getRightTranspose()) return mlir::failure();
    auto softmax = op.getInput().getDefiningOp<top::SoftmaxOp>();
    const mlir::Value v = op.getRight();
    if (!softmax || is_weight(v)) return mlir::failure();
    const mlir::Value scores = softmax.getInput();
    if (shape_of(scores).size() != 4 || shape_of(v).size() != 4) return mlir::failure();
    if (!is_last_axis(softmax) || softmax.getLog()) return mlir::failure();

    double scale = softmax.getBeta().convertToDouble();
    auto product = peel_scale(scores, scale).getDefiningOp<top::MatMulOp>();
    if (!is_plain_matmul(product)) return mlir::failure();
    const mlir::Value q = peel_scale(product.getInput(), scale);
    mlir::Value k = peel_scale(product.getRight(), scale);
    if (is_weight(k)) return mlir::failure();
    const Shape q_shape = shape_of(q), k_shape = shape_of(k), v_shape = shape_of(v);
    if (q_shape.size() != 4 || k_shape.size() != 4) return mlir::failure();
    // One batch and head layout for all three: broadcasting among them is not attention as we know it.
    if (q_shape[0] != k_shape[0] || q_shape[1] != k_shape[1] || v_shape[0] != k_shape[0] || v_shape[1] != k_shape[1])
      return mlir::failure();
    if (!product.getRightTranspose()) k = turn_keys(rewriter, op.getLoc(), k);
    rewriter.replaceOpWithNewOp<vision::AttentionOp>(op, op.getOutput().getType(), q, k, v,
                                                     rewriter.getF64FloatAttr(scale));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult fuse_attention(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FuseAttention>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc
