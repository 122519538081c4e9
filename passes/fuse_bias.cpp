// A row of weights added to a matrix product, or to each channel of a convolution, becomes its bias.

#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/make.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

// One number for each extent of result's axis, the same along all others.
bool is_row_along(mlir::Value weight, const Shape& result, size_t axis) {
  if (!is_weight(weight)) return false;
  const Shape shape = shape_of(weight);
  if (shape.size() > result.size() || element_count(shape) != result[axis]) return false;
  // Aligned at the end, as broadcasting does: the extent must stand at that axis.
  const size_t behind = result.size() - 1 - axis;
  return shape.size() > behind && shape[shape.size() - 1 - behind] == result[axis];
}

struct FuseBias : mlir::OpRewritePattern<top::AddOp> {
  FuseBias(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(top::AddOp add, mlir::PatternRewriter& rewriter) const override {
    if (add.getInputs().size() != 2) return mlir::failure();
    for (const unsigned side : {0u, 1u}) {
      const mlir::Value sum = add.getInputs()[side], row = add.getInputs()[1 - side];
      mlir::Operation* producer = sum.getDefiningOp();
      const bool is_product = mlir::isa_and_nonnull<top::MatMulOp>(producer);
      if (!is_product && !mlir::isa_and_nonnull<top::ConvOp, top::DeconvOp>(producer)) continue;
      if (!sum.hasOneUse() || sum.getType() != add.getOutput().getType() || !takes_bias(producer)) continue;
      const Shape result = shape_of(sum);
      if (!is_row_along(row, result, is_product ? result.size() - 1 : 1)) continue;
      const mlir::Value old = producer->getOperand(2);
      if (!is_none(old) && !is_weight(old)) continue;
      fuse(add, producer, row, rewriter);
      return mlir::success();
    }
    return mlir::failure();
  }

 private:
  // A relu stands between the product and the addition.
  static bool takes_bias(mlir::Operation* op) {
    const auto relu = op->getAttrOfType<mlir::BoolAttr>("do_relu");
    return !relu || !relu.getValue();
  }

  void fuse(top::AddOp add, mlir::Operation* producer, mlir::Value row, mlir::PatternRewriter& rewriter) const {
    const TensorView added = weight_view(row, weights_);
    Tensor bias({added.count()});
    std::copy(added.f32().begin(), added.f32().end(), bias.f32().begin());
    if (const mlir::Value old = producer->getOperand(2); !is_none(old)) {
      const std::span<const float> before = weight_view(old, weights_).f32();
      for (size_t i = 0; i < before.size(); ++i) bias.f32()[i] += before[i];
    }
    const mlir::Value fused = make_weight(rewriter, weights_, name_of(producer) + ".bias", std::move(bias));
    mlir::OperationState state(add.getLoc(), producer->getName());
    state.addOperands({producer->getOperand(0), producer->getOperand(1), fused});
    state.addAttributes(producer->getAttrs());
    for (const char* attribute : {"do_relu", "relu_limit"})
      if (const mlir::Attribute value = add->getAttr(attribute)) state.attributes.set(attribute, value);
    state.addTypes(add.getOutput().getType());
    rewriter.replaceOp(add, rewriter.create(state));
  }

  WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult fuse_bias(mlir::ModuleOp module, WeightStore& weights) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FuseBias>(module.getContext(), weights);
  if (mlir::failed(mlir::applyPatternsAndFoldGreedily(module, std::move(patterns)))) return mlir::failure();
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc
