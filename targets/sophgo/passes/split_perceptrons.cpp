// gelu(x U + b) V + c as a sum over parts of the hidden units. The weights of a part fit beside the tokens, so that the
// chip keeps longer stretches of the graph in its local memory.

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// Found by trying: more parts cost more additions than they save traffic.
constexpr int64_t kMostWeights = 384 * 1536 / 2;  // of one product of a part
constexpr int64_t kMostParts = 4;

void split(const ConstantMatMul& first, top::GELUOp gelu, const ConstantMatMul& second, int64_t parts,
           WeightStore& weights) {
  top::MatMulOp up = first.op, down = second.op;
  mlir::OpBuilder builder(down);
  const std::string name = name_of(down.getOutput());
  const int64_t width = first.columns / parts;
  Shape hidden = shape_of(up.getOutput());
  hidden.back() = width;
  mlir::Value sum;
  for (int64_t part = 0; part < parts; ++part) {
    const std::string own = fmt::format("{}.part_{}", name, part);
    const mlir::Value u =
        make_weight(builder, weights, own + ".up_weight", weight_columns(first, weights, part * width, width));
    const mlir::Value b = make_bias_columns(builder, weights, own + ".up_bias", first, part * width, width);
    const mlir::Value h = make_matmul_like(builder, own + ".up", up, up.getInput(), u, b, hidden);
    const mlir::Value active = clone_on(builder, own + ".gelu", gelu, h, hidden);
    const mlir::Value v =
        make_weight(builder, weights, own + ".down_weight", weight_rows(second, weights, part * width, width));
    // The bias once.
    const mlir::Value product =
        make_matmul_like(builder, own + ".down", down, active, v, part == 0 ? down.getBias() : mlir::Value(),
                         shape_of(down.getOutput()));
    sum = sum ? make_add(builder, part + 1 == parts ? name : own + ".sum", sum, product) : product;
  }
  down.getOutput().replaceAllUsesWith(sum);
  down->erase();
  gelu->erase();
  up->erase();
}

}  // namespace

mlir::LogicalResult split_perceptrons(mlir::ModuleOp module, WeightStore& weights) {
  for (top::GELUOp gelu : operations_of<top::GELUOp>(module)) {
    const auto first = constant_matmul(gelu.getInput());
    if (!first || !gelu.getInput().hasOneUse() || !gelu.getOutput().hasOneUse()) continue;
    mlir::Operation* user = *gelu.getOutput().getUsers().begin();
    if (!mlir::isa<top::MatMulOp>(user) || user->getOperand(0) != gelu.getOutput()) continue;
    const auto second = constant_matmul(user->getResult(0));
    if (!second) continue;
    int64_t parts = 1;
    while (parts < kMostParts && first->columns % (2 * parts) == 0 &&
           first->rows * first->columns / parts > kMostWeights)
      parts *= 2;
    if (parts > 1) split(*first, gelu, *second, parts, weights);
  }
  return mlir::success();
}

}  // namespace samc::sophgo
