// What stands around a kernel's main loop moves into it: the row normalisation before a matrix product, the activation
// and the residual addition after one; the mask decoder's positions, which are added to rows before they are compared,
// and its norms behind token_attention and deconvolutions; and the product of a deconvolution's channels with a few
// rows, so that its largest values are never stored.

#include "kernels/deconv2x2.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

bool has_activation(RunOp run) { return config_string(run, "activation") != "none"; }
constexpr unsigned kAttentionKeys = 1, kAttentionPads = 3, kAttentionPosition = 5;
constexpr unsigned kTokenRows = 0, kTokenPosition = 6, kTokenNormWeight = 7;
bool is_normed_tokens(RunOp run) {
  return run.getKernel() == "token_attention" && run.getConfig().get("norm") != nullptr;
}

// What the kernel has.
bool can_be_finished(RunOp run) { return config_integer(run, "out_c") % kDeconv2x2FinishChannels == 0; }

llvm::SmallVector<mlir::Value> padded_arguments(RunOp run, unsigned count, mlir::PatternRewriter& rewriter) {
  llvm::SmallVector<mlir::Value> arguments(run.getArguments());
  while (arguments.size() < count) arguments.push_back(make_none(rewriter));
  return arguments;
}

bool is_one_of(llvm::StringRef kernel, std::initializer_list<llvm::StringRef> kernels) {
  return llvm::is_contained(kernels, kernel);
}

RunOp replace_run(RunOp run, mlir::Operation* at, mlir::ValueRange arguments, mlir::DictionaryAttr config,
                  mlir::PatternRewriter& rewriter) {
  return rewriter.create<RunOp>(at->getLoc(), run.getResult().getType(), run.getKernelAttr(), arguments, config,
                                nullptr, nullptr);
}

// run with a norm behind it: weight and bias at position and position + 1, eps, and the activation where there is one.
RunOp with_norm(RunOp run, mlir::Operation* norm, unsigned position, mlir::Value weight, mlir::Value bias,
                mlir::Attribute eps, mlir::Attribute activation, mlir::PatternRewriter& rewriter) {
  llvm::SmallVector<mlir::Value> arguments = padded_arguments(run, position + 2, rewriter);
  arguments[position] = weight;
  arguments[position + 1] = bias;
  mlir::NamedAttrList config(run.getConfig());
  config.set("norm", rewriter.getI64IntegerAttr(1));
  config.set("eps", eps);
  if (activation) config.set("activation", activation);
  return replace_run(run, norm, arguments, config.getDictionary(run.getContext()), rewriter);
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
    if (kernel == "deconv2x2" && has_operand(run, kDeconvMix)) return mlir::failure();
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
      if (before_activation_ && (has_activation(run) || is_finished_deconv(run))) continue;
      if (is_normed_tokens(run)) continue;
      llvm::SmallVector<mlir::Value> arguments = padded_arguments(run, position_ + 1, rewriter);
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

// layer_norm(deconv2x2(x) + residual) of the channels, with its activation
struct NormAfterDeconv : mlir::OpRewritePattern<RunOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(RunOp norm, mlir::PatternRewriter& rewriter) const override {
    if (norm.getKernel() != "layer_norm") return mlir::failure();
    RunOp run = producer_run(norm.getArguments()[0], "deconv2x2");
    if (!run || !run.getResult().hasOneUse() || has_activation(run) || is_finished_deconv(run) || !can_be_finished(run))
      return mlir::failure();
    const mlir::DictionaryAttr config = norm.getConfig();
    rewriter.replaceOp(norm, with_norm(run, norm, kDeconvNormWeight, norm.getArguments()[1], norm.getArguments()[2],
                                       config.get("eps"), config.get("activation"), rewriter));
    return mlir::success();
  }
};

// LayerNorm(token_attention(x) + residual)
struct NormAfterTokens : mlir::OpRewritePattern<top::LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::LayerNormOp norm, mlir::PatternRewriter& rewriter) const override {
    RunOp run = producer_run(norm.getInput(), "token_attention");
    if (!run || !run.getResult().hasOneUse() || is_normed_tokens(run) || !is_last_axis(norm)) return mlir::failure();
    rewriter.replaceOp(norm, with_norm(run, norm, kTokenNormWeight, norm.getWeight(), norm.getBias(), norm.getEpsAttr(),
                                       {}, rewriter));
    return mlir::success();
  }
};

// rows + positions, which only kernels read that can add them by themselves
struct FusePosition : mlir::OpRewritePattern<top::AddOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::AddOp op, mlir::PatternRewriter& rewriter) const override {
    if (op->getNumOperands() != 2 || op.getDoRelu() || op->use_empty()) return mlir::failure();
    const bool is_first = is_weight(op->getOperand(0));
    const mlir::Value position = op->getOperand(is_first ? 0 : 1), rows = op->getOperand(is_first ? 1 : 0);
    if (position.getType() != rows.getType() || !llvm::all_of(op->getUses(), can_add)) return mlir::failure();
    for (mlir::OpOperand& use : llvm::make_early_inc_range(op->getUses())) {
      auto run = mlir::cast<RunOp>(use.getOwner());
      rewriter.setInsertionPoint(run);
      const unsigned place = run.getKernel() == "attention" ? kAttentionPosition : kTokenPosition;
      llvm::SmallVector<mlir::Value> arguments = padded_arguments(run, place + 1, rewriter);
      arguments[use.getOperandNumber()] = rows;
      arguments[place] = position;
      rewriter.replaceOp(run, replace_run(run, run, arguments, run.getConfig(), rewriter));
    }
    rewriter.eraseOp(op);
    return mlir::success();
  }

 private:
  static bool can_add(mlir::OpOperand& use) {
    auto run = mlir::dyn_cast<RunOp>(use.getOwner());
    if (!run) return false;
    if (run.getKernel() == "attention")
      return use.getOperandNumber() == kAttentionKeys && !has_operand(run, kAttentionPads) &&
             !has_operand(run, kAttentionPosition);
    return run.getKernel() == "token_attention" && use.getOperandNumber() == kTokenRows &&
           !has_operand(run, kTokenPosition);
  }
};

// rows times the channels of deconv2x2(x): the masks of the hypernetworks' rows
struct MixAfterDeconv : mlir::OpRewritePattern<RunOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(RunOp product, mlir::PatternRewriter& rewriter) const override {
    if (product.getKernel() != "batch_matmul" || config_integer(product, "batch") != 1 ||
        config_integer(product, "transpose_b") != 1 ||
        !mlir::cast<mlir::FloatAttr>(product.getConfig().get("scale")).getValue().isExactlyValue(1.0))
      return mlir::failure();
    mlir::Value channels = product.getArguments()[1];
    while (channels.hasOneUse() && channels.getDefiningOp<top::ReshapeOp>())
      channels = channels.getDefiningOp()->getOperand(0);
    RunOp run = producer_run(channels, "deconv2x2");
    if (!run || !run.getResult().hasOneUse() || has_operand(run, kDeconvMix) || !can_be_finished(run) ||
        config_integer(product, "k") != config_integer(run, "out_c"))
      return mlir::failure();
    llvm::SmallVector<mlir::Value> arguments = padded_arguments(run, kDeconvMix + 1, rewriter);
    arguments[kDeconvMix] = product.getArguments()[0];
    rewriter.replaceOpWithNewOp<RunOp>(product, product.getResult().getType(), run.getKernelAttr(), arguments,
                                       run.getConfig(), nullptr, nullptr);
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult fuse_matmul(mlir::ModuleOp module, WeightStore&) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  patterns.add<NormInMatMul>(context);
  patterns.add<NormAfterDeconv>(context);
  patterns.add<NormAfterTokens>(context);
  patterns.add<FusePosition>(context);
  patterns.add<MixAfterDeconv>(context);
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
