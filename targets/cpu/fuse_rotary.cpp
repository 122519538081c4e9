// The rotary encoding in real numbers, as model/memory_attention.cpp writes it, becomes one kernel:
//
//   concat(first cos - second sin, first sin + second cos),  first and second being the halves of the last axis

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

// a * table, with the table as a weight on either side.
struct Product {
  mlir::Value half;
  mlir::Value table;
};
std::optional<Product> product_with_table(mlir::Value value) {
  auto op = value.getDefiningOp<top::MulOp>();
  if (!op || op->getNumOperands() != 2 || result_activation(op) != std::optional("none")) return std::nullopt;
  if (is_weight(op->getOperand(1))) return Product{op->getOperand(0), op->getOperand(1)};
  if (is_weight(op->getOperand(0))) return Product{op->getOperand(1), op->getOperand(0)};
  return std::nullopt;
}

// Which half of the last axis of `source` the value is: 0, 1, or nothing.
std::optional<int> half_of(mlir::Value value, mlir::Value& source) {
  auto slice = value.getDefiningOp<top::SliceOp>();
  if (!slice) return std::nullopt;
  const SliceRange range = range_of_slice(slice);
  const mlir::Value from = slice->getOperand(0);
  const Shape shape = shape_of(from), half = shape_of(value);
  for (size_t axis = 0; axis + 1 < shape.size(); ++axis)
    if (half[axis] != shape[axis]) return std::nullopt;
  const int64_t start = range.starts.back();
  if (range.steps.back() != 1 || 2 * half.back() != shape.back() || (start != 0 && start != half.back()))
    return std::nullopt;
  if (source && source != from) return std::nullopt;
  source = from;
  return start == 0 ? 0 : 1;
}

struct FuseRotary : mlir::OpRewritePattern<top::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(top::ConcatOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape shape = shape_of(op.getOutput());  // (repeats, positions, heads, dim)
    if (op->getNumOperands() != 2 || shape.size() != 4 || integer_attribute(op, "axis", 0) != 3 ||
        result_activation(op) != std::optional("none"))
      return mlir::failure();
    auto minus = op->getOperand(0).getDefiningOp<top::SubOp>();
    auto plus = op->getOperand(1).getDefiningOp<top::AddOp>();
    if (!minus || !plus || minus.getIsReverse() || plus->getNumOperands() != 2 ||
        result_activation(minus) != std::optional("none") || result_activation(plus) != std::optional("none"))
      return mlir::failure();
    const auto first_cos = product_with_table(minus->getOperand(0)),
               second_sin = product_with_table(minus->getOperand(1));
    auto first_sin = product_with_table(plus->getOperand(0)), second_cos = product_with_table(plus->getOperand(1));
    if (!first_cos || !second_sin || !first_sin || !second_cos) return mlir::failure();
    if (first_sin->half != first_cos->half) std::swap(first_sin, second_cos);
    mlir::Value source;
    const mlir::Value cosines = first_cos->table, sines = second_sin->table;
    const bool fits = first_sin->half == first_cos->half && second_cos->half == second_sin->half &&
                      first_sin->table == sines && second_cos->table == cosines &&
                      half_of(first_cos->half, source) == std::optional(0) &&
                      half_of(second_sin->half, source) == std::optional(1);
    const Shape table{shape[1], 1, shape[3] / 2};
    if (!fits || shape_of(source) != shape || shape_of(cosines) != table || shape_of(sines) != table)
      return mlir::failure();
    Config config(getContext());
    config.set("positions", shape[1]).set("heads", shape[2]).set("dim", shape[3]);
    rewriter.replaceOp(op, make_run(rewriter, op.getLoc(), "rotary", {source, cosines, sines}, shape, config));
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult fuse_rotary(mlir::ModuleOp module, WeightStore&) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FuseRotary>(module.getContext());
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
