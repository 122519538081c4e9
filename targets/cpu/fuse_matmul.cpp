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
  return rewriter.create<RunOp>(at->getLoc(), run.getResult().getType(), run.getKernelAttr(), arguments, config);
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

// matmul(LayerNorm(x)): gamma and beta go into the weight and bias, the normalisation into the kernel.
struct FoldLayerNorm : mlir::OpRewritePattern<RunOp> {
  FoldLayerNorm(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(RunOp run, mlir::PatternRewriter& rewriter) const override {
    if (run.getKernel() != "matmul" || config_integer(run, "norm") != 0) return mlir::failure();
    auto norm = run.getArguments()[0].getDefiningOp<top::LayerNormOp>();
    if (!norm || !only_matmuls_read(norm)) return mlir::failure();
    if (!is_last_axis(norm)) return mlir::failure();
    const mlir::Value gamma = norm.getWeight(), beta = norm.getBias();
    if ((!is_none(gamma) && !is_weight(gamma)) || (!is_none(beta) && !is_weight(beta))) return mlir::failure();

    const mlir::Value weight = run.getArguments()[1];
    const bool columns_first = config_string(run, "weight_layout") == "nk";
    const int64_t k_count = config_integer(run, "k"), n_count = config_integer(run, "n");
    const std::span<const float> w = weight_view(weight, weights_).f32();
    const std::span<const float> g = is_none(gamma) ? std::span<const float>() : weight_view(gamma, weights_).f32();
    const std::span<const float> b = is_none(beta) ? std::span<const float>() : weight_view(beta, weights_).f32();
    Tensor folded({columns_first ? n_count : k_count, columns_first ? k_count : n_count});
    std::vector<double> bias(static_cast<size_t>(n_count), 0.0);
    if (has_operand(run, 2)) {
      const std::span<const float> old = weight_view(run.getArguments()[2], weights_).f32();
      for (size_t n = 0; n < bias.size(); ++n) bias[n] = static_cast<double>(old[n]);
    }
    const auto fold = [&](int64_t n, int64_t k) {
      const size_t at = static_cast<size_t>(columns_first ? n * k_count + k : k * n_count + n);
      const size_t row = static_cast<size_t>(k);
      folded.f32()[at] = g.empty() ? w[at] : w[at] * g[row];
      if (!b.empty()) bias[static_cast<size_t>(n)] += static_cast<double>(w[at]) * static_cast<double>(b[row]);
    };
    if (columns_first) {
      for (int64_t n = 0; n < n_count; ++n)
        for (int64_t k = 0; k < k_count; ++k) fold(n, k);
    } else {
      for (int64_t k = 0; k < k_count; ++k)
        for (int64_t n = 0; n < n_count; ++n) fold(n, k);
    }
    Tensor new_bias({n_count});
    for (size_t n = 0; n < bias.size(); ++n) new_bias.f32()[n] = static_cast<float>(bias[n]);

    mlir::NamedAttrList config(run.getConfig());
    config.set("norm", rewriter.getI64IntegerAttr(1));
    config.set("eps", norm.getEpsAttr());
    llvm::SmallVector<mlir::Value> arguments(run.getArguments());
    while (arguments.size() < 3) arguments.push_back(make_none(rewriter));
    arguments[0] = norm.getInput();
    arguments[1] = make_weight(rewriter, weights_, name_of(weight) + ".with_norm", std::move(folded));
    arguments[2] = make_weight(rewriter, weights_, name_of(weight) + ".bias_with_norm", std::move(new_bias));
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
  WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult fuse_matmul(mlir::ModuleOp module, WeightStore& weights) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  patterns.add<FoldLayerNorm>(context, weights);
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
