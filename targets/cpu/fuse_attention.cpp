// softmax(scale Q K^T) V over four-dimensional operands becomes one cpu.attention.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

// Multiplications by a constant between value and what it comes from, collected into scale.
mlir::Value peel_scale(mlir::Value value, double& scale) {
  for (mlir::Operation* op = producer(value, "top.MulConst"); op != nullptr && !bool_attribute(op, "do_relu", false);
       op = producer(value, "top.MulConst")) {
    scale *= float_attribute(op, "const_val", 1.0);
    value = op->getOperand(0);
  }
  return value;
}

bool is_plain_matmul(mlir::Operation* op) {
  return is_op(op, "top.MatMul") && is_none(op->getOperand(2)) && !bool_attribute(op, "do_relu", false) &&
         !bool_attribute(op, "left_transpose", false) && !bool_attribute(op, "output_transpose", false) &&
         !bool_attribute(op, "hdim_is_batch", false);
}

struct FuseAttention : mlir::RewritePattern {
  explicit FuseAttention(mlir::MLIRContext* context) : RewritePattern("top.MatMul", 1, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    if (!is_plain_matmul(op) || bool_attribute(op, "right_transpose", false)) return mlir::failure();
    mlir::Operation* softmax = producer(op->getOperand(0), "top.Softmax");
    const mlir::Value v = op->getOperand(1);
    if (softmax == nullptr || is_weight(v)) return mlir::failure();
    const mlir::Value scores = softmax->getOperand(0);
    if (shape_of(scores).size() != 4 || shape_of(v).size() != 4) return mlir::failure();
    if (!is_last_axis(softmax) || bool_attribute(softmax, "log", false)) return mlir::failure();

    double scale = float_attribute(softmax, "beta", 1.0);
    mlir::Operation* product = peel_scale(scores, scale).getDefiningOp();
    if (!is_plain_matmul(product)) return mlir::failure();
    const mlir::Value q = peel_scale(product->getOperand(0), scale);
    mlir::Value k = peel_scale(product->getOperand(1), scale);
    if (is_weight(k)) return mlir::failure();
    const Shape q_shape = shape_of(q), k_shape = shape_of(k), v_shape = shape_of(v);
    if (q_shape.size() != 4 || k_shape.size() != 4) return mlir::failure();
    // One batch and head layout for all three: broadcasting among them is not attention as we know it.
    if (q_shape[0] != k_shape[0] || q_shape[1] != k_shape[1] || v_shape[0] != k_shape[0] || v_shape[1] != k_shape[1])
      return mlir::failure();
    if (!bool_attribute(product, "right_transpose", false)) k = make_permute(rewriter, op->getLoc(), k, {0, 1, 3, 2});
    rewriter.replaceOpWithNewOp<AttentionOp>(op, op->getResult(0).getType(), q, k, v, rewriter.getF64FloatAttr(scale));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult fuse_attention(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FuseAttention>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
