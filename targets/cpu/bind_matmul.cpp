// top.MatMul becomes the kernel matmul (right operand a weight, packed when the plan is written) or batch_matmul.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

struct BindMatMul : mlir::RewritePattern {
  explicit BindMatMul(mlir::MLIRContext* context) : RewritePattern("top.MatMul", 1, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    const mlir::Value left = op->getOperand(0), right = op->getOperand(1), bias = op->getOperand(2);
    const Shape left_shape = shape_of(left), right_shape = shape_of(right), result = shape_of(op->getResult(0));
    if (bool_attribute(op, "left_transpose", false)) return mlir::failure();
    const bool transposed = bool_attribute(op, "right_transpose", false);
    const int64_t k = left_shape.back(), n = result.back();
    Config config(getContext());
    if (is_weight(right) && right_shape.size() == 2) {
      config.set("k", k).set("n", n).set("norm", 0).set("eps", 0.0);
      config.set("activation", bool_attribute(op, "do_relu", false) ? "relu" : "none");
      config.set("weight_layout", transposed ? "nk" : "kn");
      rewriter.replaceOp(op, make_run(rewriter, op->getLoc(), "matmul", {left, right, bias}, result, config));
      return mlir::success();
    }
    if (!is_none(bias) || bool_attribute(op, "do_relu", false) || left_shape.size() != right_shape.size())
      return mlir::failure();
    int64_t batch = 1;
    for (size_t i = 0; i + 2 < left_shape.size(); ++i) {
      if (left_shape[i] != right_shape[i]) return mlir::failure();
      batch *= left_shape[i];
    }
    // A permute of the right operand's last two axes is what the kernel does anyway.
    mlir::Value source = right;
    bool transpose = transposed;
    if (mlir::Operation* permute = producer(right, "top.Permute")) {
      std::vector<int64_t> exchange(right_shape.size());
      for (size_t i = 0; i < exchange.size(); ++i) exchange[i] = static_cast<int64_t>(i);
      std::swap(exchange[exchange.size() - 1], exchange[exchange.size() - 2]);
      if (integers_attribute(permute, "order") == exchange) {
        source = permute->getOperand(0);
        transpose = !transpose;
      }
    }
    config.set("batch", batch).set("m", left_shape[left_shape.size() - 2]).set("k", k).set("n", n);
    config.set("transpose_b", transpose ? 1 : 0).set("scale", 1.0);
    rewriter.replaceOp(op, make_run(rewriter, op->getLoc(), "batch_matmul", {left, source}, result, config));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult bind_matmul(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<BindMatMul>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
