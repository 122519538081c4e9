// Moves permutes towards the outputs until they meet their inverse and both vanish. Together with channels_last.cpp
// this keeps pictures as NHWC from the first convolution to the function's outputs.

#include <algorithm>

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"
#include "targets/cpu/shared_patterns.h"

namespace samc::cpu {
namespace {

struct MergePermutes : mlir::OpRewritePattern<top::PermuteOp> {
  explicit MergePermutes(mlir::MLIRContext* context) : OpRewritePattern(context, 2) {}

  mlir::LogicalResult matchAndRewrite(top::PermuteOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape order = to_shape(op.getOrder());
    if (is_identity(order)) {
      rewriter.replaceOp(op, op.getInput());
      return mlir::success();
    }
    auto first = op.getInput().getDefiningOp<top::PermuteOp>();
    if (!first) return mlir::failure();
    rewriter.replaceOp(
        op, make_permute(rewriter, op.getLoc(), first.getInput(), permuted(to_shape(first.getOrder()), order)));
    return mlir::success();
  }
};

// A permute that only moves extents of 1 is a reshape, which costs nothing.
struct PermuteOfOnes : mlir::OpRewritePattern<top::PermuteOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::PermuteOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape in = shape_of(op->getOperand(0));
    int64_t last = -1;
    for (const int64_t axis : to_shape(op.getOrder())) {
      if (in[static_cast<size_t>(axis)] == 1) continue;
      if (axis < last) return mlir::failure();
      last = axis;
    }
    rewriter.replaceOp(op, make_reshape(rewriter, op->getLoc(), op->getOperand(0), shape_of(op->getResult(0))));
    return mlir::success();
  }
};

// Splits shapes `from` and `to` of equal count into the smallest groups of neighbouring extents with equal products.
struct Group {
  std::vector<size_t> from, to;
};
std::vector<Group> matching_groups(const Shape& from, const Shape& to) {
  std::vector<Group> groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    Group group;
    int64_t product_from = from[i], product_to = to[j];
    group.from.push_back(i++);
    group.to.push_back(j++);
    while (product_from != product_to) {
      if (product_from < product_to) {
        product_from *= from[i];
        group.from.push_back(i++);
      } else {
        product_to *= to[j];
        group.to.push_back(j++);
      }
    }
    groups.push_back(std::move(group));
  }
  // Extents of 1 at the end belong to the last group.
  while (!groups.empty() && i < from.size()) groups.back().from.push_back(i++);
  while (!groups.empty() && j < to.size()) groups.back().to.push_back(j++);
  return groups;
}

// Reshape(Permute(x)) -> Permute(Reshape(x)), where the reshape only splits extents or joins such that are neighbours
// in x.
struct ReshapeBeforePermute : mlir::OpRewritePattern<top::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    auto permute = op.getInput().getDefiningOp<top::PermuteOp>();
    if (!permute) return mlir::failure();
    const mlir::Value x = permute.getInput();
    const Shape order = to_shape(permute.getOrder());
    const Shape middle = shape_of(op->getOperand(0)), result = shape_of(op->getResult(0));
    // pieces[source axis]: the result axes that come from it, outermost first.
    std::vector<std::vector<size_t>> pieces(order.size());
    for (const Group& group : matching_groups(middle, result)) {
      if (group.from.size() > 1 && group.to.size() > 1) return mlir::failure();
      for (size_t i = 1; i < group.from.size(); ++i)
        if (order[group.from[i]] != order[group.from[i - 1]] + 1) return mlir::failure();
      std::vector<size_t>& piece = pieces[static_cast<size_t>(order[group.from[0]])];
      piece.insert(piece.end(), group.to.begin(), group.to.end());
    }
    Shape reshaped;
    Shape new_order(result.size());
    for (const std::vector<size_t>& piece : pieces) {
      for (const size_t axis : piece) {
        new_order[axis] = static_cast<int64_t>(reshaped.size());
        reshaped.push_back(result[axis]);
      }
    }
    if (is_identity(new_order) && reshaped == result) {
      rewriter.replaceOp(op, make_reshape(rewriter, op->getLoc(), x, result));
      return mlir::success();
    }
    const mlir::Value inner = make_reshape(rewriter, derived_location(op->getResult(0), ".reshaped"), x, reshaped);
    rewriter.replaceOp(op, make_permute(rewriter, op->getLoc(), inner, new_order));
    return mlir::success();
  }
};

struct MergeReshapes : mlir::OpRewritePattern<top::ReshapeOp> {
  explicit MergeReshapes(mlir::MLIRContext* context) : OpRewritePattern(context, 2) {}

  mlir::LogicalResult matchAndRewrite(top::ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape result = shape_of(op->getResult(0));
    if (shape_of(op->getOperand(0)) == result) {
      rewriter.replaceOp(op, op->getOperand(0));
      return mlir::success();
    }
    auto first = op.getInput().getDefiningOp<top::ReshapeOp>();
    if (!first) return mlir::failure();
    rewriter.replaceOp(op, make_reshape(rewriter, op.getLoc(), first.getInput(), result));
    return mlir::success();
  }
};

struct PermuteAfterUnary : mlir::RewritePattern {
  PermuteAfterUnary(llvm::StringRef name, mlir::MLIRContext* context) : RewritePattern(name, 1, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    auto permute = op->getOperand(0).getDefiningOp<top::PermuteOp>();
    if (!permute) return mlir::failure();
    const mlir::Value x = permute.getInput();
    const mlir::Value inner = clone_on(rewriter, op->getLoc(), op, x, shape_of(x));
    rewriter.replaceOp(op, make_permute(rewriter, op->getLoc(), inner, to_shape(permute.getOrder())));
    return mlir::success();
  }
};

struct PermuteAfterBinary : mlir::RewritePattern {
  PermuteAfterBinary(llvm::StringRef name, mlir::MLIRContext* context, WeightStore& weights)
      : RewritePattern(name, 1, context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    if (op->getNumOperands() != 2) return mlir::failure();
    const Shape result = shape_of(op->getResult(0));
    for (unsigned side = 0; side < 2; ++side) {
      auto permute = op->getOperand(side).getDefiningOp<top::PermuteOp>();
      if (!permute || shape_of(op->getOperand(side)) != result) continue;
      const mlir::Value other = op->getOperand(1 - side);
      const Shape order = to_shape(permute.getOrder()), inverse = inverse_order(order);
      // A permute that goes to the other operand would come back by this same pattern, unless only one direction moves:
      // from NHWC, which kernels make, towards NCHW, which only inputs and outputs have.
      auto other_permute = other.getDefiningOp<top::PermuteOp>();
      const bool same = other_permute && to_shape(other_permute.getOrder()) == order;
      if (!same && !is_weight(other) && order != kToNchw) continue;
      // Others read the permuted value, so the permute would stay and a second one would follow this op.
      if (is_weight(other) && !permute.getOutput().hasOneUse() && order != kToNchw) continue;
      Shape other_shape = shape_of(other);
      other_shape.insert(other_shape.begin(), result.size() - other_shape.size(), 1);
      mlir::Value moved;
      if (is_weight(other)) {
        moved = permuted_weight(other, other_shape, inverse, rewriter);
      } else {
        moved = make_permute(rewriter, derived_location(other, ".moved"),
                             make_reshape(rewriter, other.getLoc(), other, other_shape), inverse);
      }
      mlir::Value operands[2];
      operands[side] = permute.getInput();
      operands[1 - side] = moved;
      const mlir::Value inner = clone_on(rewriter, op->getLoc(), op, operands[0], shape_of(permute.getInput()));
      inner.getDefiningOp()->setOperand(1, operands[1]);
      rewriter.replaceOp(op, make_permute(rewriter, op->getLoc(), inner, order));
      return mlir::success();
    }
    return mlir::failure();
  }

 private:
  mlir::Value permuted_weight(mlir::Value weight, const Shape& shape, const Shape& order,
                              mlir::PatternRewriter& rewriter) const {
    const std::span<const float> source = weight_view(weight, weights_).f32();
    Tensor moved(permuted(shape, order));
    const Shape strides = dense_strides(shape);
    std::vector<int64_t> index(shape.size(), 0);
    for (float& element : moved.f32()) {
      int64_t from = 0;
      for (size_t i = 0; i < index.size(); ++i) from += index[i] * strides[static_cast<size_t>(order[i])];
      element = source[static_cast<size_t>(from)];
      for (size_t i = index.size(); i-- > 0;) {
        if (++index[i] < moved.shape()[i]) break;
        index[i] = 0;
      }
    }
    return make_weight(rewriter, weights_, name_of(weight) + ".moved", std::move(moved));
  }

  WeightStore& weights_;
};

template <class Pattern, class... Ops, class... Arguments>
void add_for_each(mlir::RewritePatternSet& patterns, Arguments&... arguments) {
  (patterns.add<Pattern>(Ops::getOperationName(), patterns.getContext(), arguments...), ...);
}

}  // namespace

void add_merge_patterns(mlir::RewritePatternSet& patterns) {
  patterns.add<MergePermutes, PermuteOfOnes, MergeReshapes>(patterns.getContext());
}

mlir::LogicalResult move_permutes(mlir::ModuleOp module, WeightStore& weights) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  add_merge_patterns(patterns);
  patterns.add<ReshapeBeforePermute>(context);
  add_for_each<PermuteAfterUnary, top::GELUOp, top::ReluOp, top::SigmoidOp, top::MulConstOp, top::AddConstOp,
               top::AbsOp, top::ExpOp, top::SqrtOp, top::TanhOp, top::ClipOp, top::SiLUOp>(patterns);
  add_for_each<PermuteAfterBinary, top::AddOp, top::SubOp, top::MulOp, top::DivOp, top::MaxOp, top::MinOp>(patterns,
                                                                                                           weights);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
