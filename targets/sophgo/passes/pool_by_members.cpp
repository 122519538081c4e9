// A 2 x 2 max pool of a map in NHWC is the largest of the four members of each block, each a slice: no NCHW, no
// permutes. Where a product made the map, the members are taken before it: x is half as wide as x W there, the slices
// serve every product of the same x, and four products of a quarter of the rows each cost what one of all rows does.

#include <array>
#include <deque>

#include "passes/toolkit/pools.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

using Members = std::array<mlir::Value, 4>;

// The members of the 2 x 2 blocks of `map`, whose elements are those of (batch, h, w, c): each (batch h / 2, 1, w / 2,
// c).
Members slice_members(mlir::OpBuilder& builder, const std::string& name, mlir::Value map, const Shape& nhwc) {
  const int64_t rows = nhwc[0] * nhwc[1] / 2, columns = nhwc[2] / 2, c = nhwc[3];
  const mlir::Value blocks = make_reshape(builder, name + ".blocks", map, {rows, 2, columns, 2 * c});
  Members members;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t y = i / 2, x = i % 2;
    members[static_cast<size_t>(i)] = make_slice(builder, fmt::format("{}.member_{}{}", name, y, x), blocks,
                                                 {0, y, 0, x * c}, {rows, y + 1, columns, (x + 1) * c});
  }
  return members;
}

mlir::Value make_max(mlir::OpBuilder& builder, const std::string& name, mlir::Value a, mlir::Value b) {
  mlir::OperationState state(name_location(builder.getContext(), name), top::MaxOp::getOperationName());
  state.addOperands({a, b});
  state.addTypes(a.getType());
  return builder.create(state)->getResult(0);
}

// The product whose rows are the map's pixels, behind reshapes, when nobody else reads it.
std::optional<ConstantMatMul> product_of(mlir::Value map) {
  const mlir::Value value = behind_reshapes(map);
  if (!value.hasOneUse()) return std::nullopt;
  const auto matmul = constant_matmul(value);
  if (!matmul || matmul->columns != shape_of(map).back()) return std::nullopt;
  return matmul;
}

class Rewriter {
 public:
  void rewrite(top::PermuteOp last) {
    const auto pool = match_pool(last);
    if (!pool || pool->block_h != 2 || pool->block_w != 2) return;
    const Shape shape = shape_of(pool->source);
    const std::string name = name_of(last.getOutput());
    mlir::OpBuilder builder(last);
    Members members;
    if (const auto matmul = product_of(pool->source)) {
      top::MatMulOp op = matmul->op;
      const mlir::Value x = op.getInput();
      const Members& inputs = members_of(x, {shape[0], shape[1], shape[2], matmul->rows});
      for (size_t i = 0; i < 4; ++i) {
        Shape result = shape_of(inputs[i]);
        result.back() = matmul->columns;
        members[i] = make_matmul_like(builder, fmt::format("{}.product_{}", name, i), op, inputs[i], op.getRight(),
                                      op.getBias(), result);
      }
    } else {
      members = slice_members(builder, name, pool->source, shape);
    }
    const mlir::Value upper = make_max(builder, name + ".upper", members[0], members[1]);
    const mlir::Value lower = make_max(builder, name + ".lower", members[2], members[3]);
    const mlir::Value largest = make_max(builder, name + ".largest", upper, lower);
    last.getOutput().replaceAllUsesWith(make_reshape(builder, name, largest, shape_of(last.getOutput())));
    last->erase();
  }

 private:
  // Right behind x, so that they serve whatever reads it.
  const Members& members_of(mlir::Value x, const Shape& nhwc) {
    for (const auto& [value, shape, members] : known_)
      if (value == x && shape == nhwc) return members;
    mlir::OpBuilder builder(x.getContext());
    builder.setInsertionPointAfterValue(x);
    known_.push_back({x, nhwc, slice_members(builder, name_of(x), x, nhwc)});
    return known_.back().members;
  }

  struct Known {
    mlir::Value value;
    Shape nhwc;
    Members members;
  };
  std::deque<Known> known_;
};

}  // namespace

mlir::LogicalResult pool_by_members(mlir::ModuleOp module, WeightStore&) {
  Rewriter rewriter;
  for (top::PermuteOp permute : operations_of<top::PermuteOp>(module)) rewriter.rewrite(permute);
  return mlir::success();
}

}  // namespace samc::sophgo
