// top.MatMul becomes the kernel matmul (right operand a weight, packed when the plan is written) or batch_matmul.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

struct BindMatMul : mlir::OpRewritePattern<top::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::MatMulOp op, mlir::PatternRewriter& rewriter) const override {
    const mlir::Value left = op.getInput(), right = op.getRight(), bias = op.getBias();
    const Shape left_shape = shape_of(left), right_shape = shape_of(right), result = shape_of(op.getOutput());
    const std::optional<const char*> activation = result_activation(op);
    if (op.getLeftTranspose() || !activation) return mlir::failure();
    const bool transposed = op.getRightTranspose();
    const int64_t k = left_shape.back(), n = result.back();
    Config config(getContext());
    const bool bias_is_row = is_none(bias) || (is_weight(bias) && element_count(shape_of(bias)) == n);
    if (is_weight(right) && right_shape.size() == 2 && bias_is_row) {
      config.set("k", k).set("n", n).set("norm", 0).set("eps", 0.0);
      config.set("activation", *activation).set("weight_layout", transposed ? "nk" : "kn");
      rewriter.replaceOp(op, make_run(rewriter, op->getLoc(), "matmul", {left, right, bias}, result, config));
      return mlir::success();
    }
    int64_t m = left_shape[left_shape.size() - 2], batch = element_count(left_shape) / (m * k);
    if (element_count(right_shape) == k * n) {
      // One matrix for the whole batch, whose rows then are rows of one product.
      m *= batch;
      batch = 1;
    } else if (!std::equal(left_shape.begin(), left_shape.end() - 2, right_shape.begin(), right_shape.end() - 2)) {
      return mlir::failure();
    }
    // A permute of the right operand's last two axes is what the kernel does anyway.
    mlir::Value source = right;
    bool transpose = transposed;
    if (auto permute = right.getDefiningOp<top::PermuteOp>()) {
      std::vector<int64_t> exchange(right_shape.size());
      for (size_t i = 0; i < exchange.size(); ++i) exchange[i] = static_cast<int64_t>(i);
      std::swap(exchange[exchange.size() - 1], exchange[exchange.size() - 2]);
      if (to_shape(permute.getOrder()) == exchange) {
        source = permute.getInput();
        transpose = !transpose;
      }
    }
    config.set("batch", batch).set("m", m).set("k", k).set("n", n);
    config.set("transpose_b", transpose ? 1 : 0).set("scale", 1.0);
    mlir::Value product = make_run(rewriter, op->getLoc(), "batch_matmul", {left, source}, result, config).getResult();
    if (!is_none(bias)) product = add_after<top::AddOp>({product, bias}, rewriter);
    if (*activation != std::string_view("none")) product = add_after<top::ReluOp>({product}, rewriter);
    rewriter.replaceOp(op, product);
    return mlir::success();
  }

 private:
  // An elementwise op that batch_matmul does not do itself, over its result.
  template <class Op>
  static mlir::Value add_after(llvm::ArrayRef<mlir::Value> operands, mlir::PatternRewriter& rewriter) {
    mlir::OperationState state(operands[0].getLoc(), Op::getOperationName());
    state.addOperands(operands);
    state.addTypes(operands[0].getType());
    return rewriter.create(state)->getResult(0);
  }
};

}  // namespace

mlir::LogicalResult bind_matmul(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<BindMatMul>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
