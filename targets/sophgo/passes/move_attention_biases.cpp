// softmax(q k^T) v W + b. A bias in k adds the same to all scores of a row, which softmax does not see: it goes. A bias
// in v comes through as it is, since a row of probabilities sums to 1: it goes into b as bias W.

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

bool is_last_axis(top::SoftmaxOp op) {
  const int64_t rank = static_cast<int64_t>(shape_of(op.getInput()).size());
  const int64_t axis = op->getAttrOfType<mlir::IntegerAttr>("axis").getValue().getSExtValue();
  return axis == -1 || axis == rank - 1;
}

void drop_bias(top::MatMulOp op) {
  mlir::OpBuilder builder(op);
  op.setOperand(2, make_none(builder));
}

// The product x W + b of shape (..., heads dim) behind the value: split into (batch, rows, heads, dim) by Reshapes,
// then permuted by `order`. Nothing if anybody else reads what is in between.
std::optional<ConstantMatMul> product_of_heads(mlir::Value value, const Shape& order) {
  auto permute = value.getDefiningOp<top::PermuteOp>();
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != order) return std::nullopt;
  value = permute.getInput();
  const Shape heads = shape_of(value);
  while (value.hasOneUse() && mlir::isa_and_nonnull<top::ReshapeOp, top::SqueezeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  const auto matmul = constant_matmul(value);
  if (!matmul || !value.hasOneUse() || heads[2] * heads[3] != matmul->columns) return std::nullopt;
  return matmul;
}

// The projection that follows the mixed values, through Permute [0, 2, 1, 3] and Reshapes that keep (heads dim) last.
std::optional<ConstantMatMul> projection_of(mlir::Value mixed, int64_t columns) {
  if (!mixed.hasOneUse()) return std::nullopt;
  auto permute = mlir::dyn_cast<top::PermuteOp>(*mixed.getUsers().begin());
  if (!permute || to_shape(permute.getOrder()) != Shape{0, 2, 1, 3}) return std::nullopt;
  mlir::Value value = permute.getOutput();
  while (value.hasOneUse()) {
    mlir::Operation* user = *value.getUsers().begin();
    if (auto reshape = mlir::dyn_cast<top::ReshapeOp>(user)) {
      value = reshape.getOutput();
      continue;
    }
    if (shape_of(value).back() != columns || user->getOperand(0) != value || user->getNumResults() != 1)
      return std::nullopt;
    const auto matmul = constant_matmul(user->getResult(0));
    return matmul && matmul->rows == columns ? matmul : std::nullopt;
  }
  return std::nullopt;
}

void add_to_bias(const ConstantMatMul& projection, const std::vector<float>& added, WeightStore& weights) {
  top::MatMulOp op = projection.op;
  std::vector<float> bias = bias_of(projection, weights);
  const TensorView view = weight_view(op.getRight(), weights);
  const std::span<const float> w = view.f32();
  Tensor moved({projection.columns});
  for (int64_t n = 0; n < projection.columns; ++n) {
    double sum = static_cast<double>(bias[static_cast<size_t>(n)]);
    for (int64_t k = 0; k < projection.rows; ++k) {
      const int64_t place = projection.columns_first ? n * projection.rows + k : k * projection.columns + n;
      sum += static_cast<double>(added[static_cast<size_t>(k)]) * static_cast<double>(w[static_cast<size_t>(place)]);
    }
    moved.f32()[static_cast<size_t>(n)] = static_cast<float>(sum);
  }
  mlir::OpBuilder builder(op);
  op.setOperand(2, make_weight(builder, weights, name_of(op.getOutput()) + ".moved_bias", std::move(moved)));
}

}  // namespace

mlir::LogicalResult move_attention_biases(mlir::ModuleOp module, WeightStore& weights) {
  std::vector<top::SoftmaxOp> softmaxes;
  module.walk([&](top::SoftmaxOp op) { softmaxes.push_back(op); });
  for (top::SoftmaxOp softmax : softmaxes) {
    if (!is_last_axis(softmax)) continue;
    auto scores = softmax.getInput().getDefiningOp<top::MatMulOp>();
    if (scores && scores.getOutput().hasOneUse() && !scores.getDoRelu()) {
      const Shape order = scores.getRightTranspose() ? Shape{0, 2, 1, 3} : Shape{0, 2, 3, 1};
      if (const auto keys = product_of_heads(scores.getRight(), order)) {
        top::MatMulOp op = keys->op;
        if (!is_none(op.getBias())) drop_bias(op);
      }
    }
    if (!softmax.getOutput().hasOneUse()) continue;
    auto mixed = mlir::dyn_cast<top::MatMulOp>(*softmax.getOutput().getUsers().begin());
    if (!mixed || mixed.getInput() != softmax.getOutput() || mixed.getRightTranspose() || mixed.getDoRelu()) continue;
    if (!is_none(mixed.getBias())) continue;
    const auto values = product_of_heads(mixed.getRight(), {0, 2, 1, 3});
    if (!values) continue;
    top::MatMulOp op = values->op;
    const auto projection = projection_of(mixed.getOutput(), values->columns);
    if (is_none(op.getBias()) || !projection) continue;
    add_to_bias(*projection, bias_of(*values, weights), weights);
    drop_bias(op);
  }
  return mlir::success();
}

}  // namespace samc::sophgo
