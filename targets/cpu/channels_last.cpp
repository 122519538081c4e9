// Ops over pictures (NCHW in top) become kernels over NHWC, where a pixel's channels lie together, between permutes
// that move_permutes.cpp then cancels.

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

// The run's NHWC result seen as NCHW again, in place of op.
void replace(mlir::Operation* op, mlir::Value nhwc, mlir::PatternRewriter& rewriter) {
  rewriter.replaceOp(op, make_permute(rewriter, op->getLoc(), nhwc, kToNchw));
}
mlir::Value to_nhwc(mlir::Value nchw, mlir::PatternRewriter& rewriter) {
  return make_permute(rewriter, derived_location(nchw, ".nhwc"), nchw, kToNhwc);
}
Shape nhwc_shape(mlir::Operation* op) { return permuted(shape_of(op->getResult(0)), kToNhwc); }

struct ConvToNhwc : mlir::OpRewritePattern<top::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::ConvOp op, mlir::PatternRewriter& rewriter) const override {
    const mlir::Value x = op.getInput(), filter = op.getFilter();
    if (!is_weight(filter) || shape_of(x).size() != 4) return mlir::failure();
    for (const int64_t dilation : to_shape(op.getDilationsAttr()))
      if (dilation != 1) return mlir::failure();
    const Shape in = shape_of(x), out = shape_of(op.getOutput()), weight = shape_of(filter);  // weight is OIHW
    const std::optional<const char*> activation = result_activation(op);
    if (in[0] != 1 || !activation) return mlir::failure();
    const int64_t group = static_cast<int64_t>(op.getGroup());
    const Shape strides = to_shape(op.getStrides()), pads = to_shape(op.getPads());
    Config config(getContext());
    if (is_pointwise(op)) {
      config.set("k", in[1]).set("n", out[1]).set("norm", 0).set("eps", 0.0).set("activation", *activation);
      config.set("weight_layout", "nk");
      replace(op,
              make_run(rewriter, op.getLoc(), "matmul", {to_nhwc(x, rewriter), filter, op->getOperand(2)},
                       nhwc_shape(op), config)
                  .getResult(),
              rewriter);
      return mlir::success();
    }
    config.set("in_h", in[2]).set("in_w", in[3]).set("in_c", in[1]).set("out_h", out[2]).set("out_w", out[3]);
    config.set("kernel_h", weight[2])
        .set("kernel_w", weight[3])
        .set("stride_h", strides[0])
        .set("stride_w", strides[1]);
    config.set("pad_top", pads[0]).set("pad_left", pads[1]).set("activation", *activation);
    const char* kernel = "conv";
    mlir::Value source;
    if (group == 1) {
      // Pictures come as NCHW and have few channels: the kernel reads them as they are.
      const bool as_is = !x.getDefiningOp<top::PermuteOp>() && in[1] <= 4;
      source = as_is ? x : to_nhwc(x, rewriter);
      config.set("out_c", out[1]).set("src_nchw", as_is ? 1 : 0).set("weight_layout", as_is ? "o_ihw" : "o_hwi");
    } else if (group == in[1] && group == out[1]) {
      kernel = "depthwise_conv";
      source = to_nhwc(x, rewriter);
      config.set("weight_layout", "chw_to_hwc");
    } else {
      return mlir::failure();
    }
    replace(op,
            make_run(rewriter, op.getLoc(), kernel, {source, filter, op->getOperand(2)}, nhwc_shape(op), config)
                .getResult(),
            rewriter);
    return mlir::success();
  }
};

struct DeconvToNhwc : mlir::OpRewritePattern<top::DeconvOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::DeconvOp op, mlir::PatternRewriter& rewriter) const override {
    const mlir::Value x = op.getInput(), filter = op.getFilter();
    if (!is_weight(filter) || shape_of(x).size() != 4) return mlir::failure();
    const Shape in = shape_of(x), out = shape_of(op.getOutput()), weight = shape_of(filter);  // weight is OIHW
    const std::optional<const char*> activation = result_activation(op);
    if (in[0] != 1 || !activation || static_cast<int64_t>(op.getGroup()) != 1 || weight[2] != 2 || weight[3] != 2 ||
        to_shape(op.getStrides()) != Shape{2, 2} || out[2] != 2 * in[2] || out[3] != 2 * in[3])
      return mlir::failure();
    for (const int64_t pad : to_shape(op.getPads()))
      if (pad != 0) return mlir::failure();
    Config config(getContext());
    config.set("h", in[2]).set("w", in[3]).set("in_c", in[1]).set("out_c", out[1]);
    config.set("activation", *activation).set("weight_layout", "oihw_to_i_hwo");
    replace(op,
            make_run(rewriter, op.getLoc(), "deconv2x2", {to_nhwc(x, rewriter), filter, op->getOperand(2)},
                     nhwc_shape(op), config)
                .getResult(),
            rewriter);
    return mlir::success();
  }
};

// SAM's LayerNorm2d: over the channels of each pixel, which are one row of NHWC.
struct PixelNormToRows : mlir::OpRewritePattern<top::PixelNormOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::PixelNormOp op, mlir::PatternRewriter& rewriter) const override {
    if (shape_of(op.getInput()).size() != 4) return mlir::failure();
    Config config(getContext());
    config.set("eps", op.getEps().convertToDouble()).set("activation", "none");
    replace(op,
            make_run(rewriter, op.getLoc(), "layer_norm",
                     {to_nhwc(op.getInput(), rewriter), op->getOperand(1), op->getOperand(2)}, nhwc_shape(op), config)
                .getResult(),
            rewriter);
    return mlir::success();
  }
};

struct MaxPoolToNhwc : mlir::OpRewritePattern<top::MaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::MaxPoolOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape in = shape_of(op.getInput());
    const Shape kernel = to_shape(op.getKernelShape());
    if (op.getDoRelu() || in.size() != 4 || kernel.size() != 2 || to_shape(op.getStrides()) != kernel)
      return mlir::failure();
    for (const int64_t pad : to_shape(op.getPads()))
      if (pad != 0) return mlir::failure();
    // Pictures of a batch lie below each other, which only works when no pooling cell reaches from one into the next.
    if (in[2] % kernel[0] != 0 || in[3] % kernel[1] != 0) return mlir::failure();
    Config config(getContext());
    config.set("in_h", in[0] * in[2]).set("in_w", in[3]).set("c", in[1]).set("offset", 0);
    config.set("kernel_h", kernel[0]).set("kernel_w", kernel[1]).set("stride_h", kernel[0]).set("stride_w", kernel[1]);
    replace(op,
            make_run(rewriter, op.getLoc(), "max_pool", {to_nhwc(op.getInput(), rewriter)}, nhwc_shape(op), config)
                .getResult(),
            rewriter);
    return mlir::success();
  }
};

struct InterpToNhwc : mlir::OpRewritePattern<top::InterpOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::InterpOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape in = shape_of(op.getInput()), out = shape_of(op.getOutput());
    if (in.size() != 4 || in[0] != 1) return mlir::failure();
    const llvm::StringRef mode = op.getMode(), coordinates = op.getCoordMode();
    Config config(getContext());
    if (mode == "nearest") {
      const int64_t scale = out[2] / in[2];
      // At whole factors every rounding rule of the nearest mode picks the same pixel, unless the corners are aligned.
      if (coordinates == "align_corners" || scale < 1 || out[2] != scale * in[2] || out[3] != scale * in[3])
        return mlir::failure();
      config.set("h", in[2]).set("w", in[3]).set("c", in[1]).set("scale", scale);
      replace(op,
              make_run(rewriter, op.getLoc(), "upsample_nearest", {to_nhwc(op.getInput(), rewriter)}, nhwc_shape(op),
                       config)
                  .getResult(),
              rewriter);
      return mlir::success();
    }
    if (mode != "linear" || (coordinates != "half_pixel" && coordinates != "pytorch_half_pixel"))
      return mlir::failure();
    config.set("planes", in[0] * in[1]).set("in_h", in[2]).set("in_w", in[3]).set("out_h", out[2]).set("out_w", out[3]);
    rewriter.replaceOp(op, make_run(rewriter, op.getLoc(), "interp_linear", {op.getInput()}, out, config));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult channels_last(mlir::ModuleOp module, WeightStore&) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  patterns.add<ConvToNhwc, DeconvToNhwc, PixelNormToRows, MaxPoolToNhwc, InterpToNhwc>(context);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
