// What stands around a kernel's main loop moves into it: the row normalisation before a matrix product, the activation
// and the residual addition after one.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

bool has_activation(RunOp run) { return config_string(run, "activation") != "none"; }
bool has_operand(RunOp run, unsigned index) {
  return run.getArguments().size() > index && !is_none(run.getArguments()[index]);
}
bool is_one_of(llvm::StringRef kernel, std::initializer_list<llvm::StringRef> kernels) {
  return llvm::is_contained(kernels, kernel);
}

RunOp replace_run(RunOp run, mlir::Operation* at, mlir::ValueRange arguments, mlir::DictionaryAttr config,
                  mlir::PatternRewriter& rewriter) {
  return rewriter.create<RunOp>(at->getLoc(), run.getResult().getType(), run.getKernelAttr(), arguments, config,
                                nullptr, nullptr);
}

// activation(run(x)), where nobody else wants run(x)
template <class Op>
struct FuseActivation : mlir::OpRewritePattern<Op> {
  FuseActivation(const char* activation, mlir::MLIRContext* context)
      : mlir::OpRewritePattern<Op>(context), activation_(activation) {}

  mlir::LogicalResult matchAndRewrite(Op op, mlir::PatternRewriter& rewriter) const override {
    auto run = mlir::dyn_cast_or_null<RunOp>(op->getOperand(0).getDefiningOp());
    if (!run || !run.getResult().hasOneUse() || !is_plain_activation(op)) return mlir::failure();
    const llvm::StringRef kernel = run.getKernel();
    if (!is_one_of(kernel, {"matmul", "conv", "depthwise_conv", "deconv2x2", "layer_norm"}) || has_activation(run))
      return mlir::failure();
    // matmul and conv add the residual after the activation, deconv2x2 before it.
    if (is_one_of(kernel, {"matmul", "conv"}) && has_operand(run, 3)) return mlir::failure();
    const mlir::DictionaryAttr config = with_attribute(run, "activation", rewriter.getStringAttr(activation_));
    rewriter.replaceOp(op, replace_run(run, op, run.getArguments(), config, rewriter));
    return mlir::success();
  }

 private:
  const char* activation_;
};

// run(x) + residual, where nobody else wants run(x)
struct FuseResidual : mlir::OpRewritePattern<top::AddOp> {
  FuseResidual(const char* kernel, unsigned position, bool before_activation, unsigned short priority,
               mlir::MLIRContext* context)
      : OpRewritePattern(context, priority),
        kernel_(kernel),
        position_(position),
        before_activation_(before_activation) {}

  mlir::LogicalResult matchAndRewrite(top::AddOp op, mlir::PatternRewriter& rewriter) const override {
    if (op->getNumOperands() != 2 || op.getDoRelu()) return mlir::failure();
    // The later producer takes the addition in, so that its other operand is there in time.
    for (const unsigned side : {1u, 0u}) {
      RunOp run = producer_run(op->getOperand(side), kernel_);
      const mlir::Value residual = op->getOperand(1 - side);
      if (!run || !run.getResult().hasOneUse() || has_operand(run, position_)) continue;
      if (residual.getType() != run.getResult().getType() || residual.getType() != op->getResult(0).getType()) continue;
      if (before_activation_ && has_activation(run)) continue;
      llvm::SmallVector<mlir::Value> arguments(run.getArguments());
      while (arguments.size() <= position_) arguments.push_back(make_none(rewriter));
      arguments[position_] = residual;
      rewriter.replaceOp(op, replace_run(run, op, arguments, run.getConfig(), rewriter));
      return mlir::success();
    }
    return mlir::failure();
  }

 private:
  const char* kernel_;
  unsigned position_;
  bool before_activation_;
};

// matmul(LayerNorm(x)), bare of weight and bias (fold-norms): the kernel normalises.
struct NormInMatMul : mlir::OpRewritePattern<RunOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(RunOp run, mlir::PatternRewriter& rewriter) const override {
    if (run.getKernel() != "matmul" || config_integer(run, "norm") != 0) return mlir::failure();
    auto norm = run.getArguments()[0].getDefiningOp<top::LayerNormOp>();
    if (!norm || !is_none(norm.getWeight()) || !is_none(norm.getBias()) || !is_last_axis(norm) ||
        !only_matmuls_read(norm))
      return mlir::failure();
    mlir::NamedAttrList config(run.getConfig());
    config.set("norm", rewriter.getI64IntegerAttr(1));
    config.set("eps", norm.getEpsAttr());
    llvm::SmallVector<mlir::Value> arguments(run.getArguments());
    arguments[0] = norm.getInput();
    rewriter.replaceOp(run, replace_run(run, run, arguments, config.getDictionary(getContext()), rewriter));
    return mlir::success();
  }

 private:
  static bool only_matmuls_read(top::LayerNormOp norm) {
    for (mlir::OpOperand& use : norm.getOutput().getUses()) {
      auto user = mlir::dyn_cast<RunOp>(use.getOwner());
      if (!user || user.getKernel() != "matmul" || use.getOperandNumber() != 0) return false;
    }
    return true;
  }
};

}  // namespace

mlir::LogicalResult fuse_matmul(mlir::ModuleOp module, WeightStore&) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  patterns.add<NormInMatMul>(context);
  patterns.add<FuseActivation<top::GELUOp>>("gelu", context);
  patterns.add<FuseActivation<top::ReluOp>>("relu", context);
  patterns.add<FuseActivation<top::SigmoidOp>>("sigmoid", context);
  patterns.add<FuseResidual>("upsample_nearest", 1u, false, 3, context);
  patterns.add<FuseResidual>("matmul", 3u, false, 2, context);
  patterns.add<FuseResidual>("deconv2x2", 3u, true, 2, context);
  patterns.add<FuseResidual>("token_attention", 5u, false, 2, context);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
