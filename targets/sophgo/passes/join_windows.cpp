// Attention in small windows of T tokens leaves lanes empty, and its batches are others than those of the ops around
// it, so that queries, keys and values go through the chip's memory. It becomes attention of 64 tokens, 64 / T windows
// side by side, where scores between different windows get -30000 before the softmax: their probabilities are 0.

#include "targets/sophgo/passes/attention.h"
#include "targets/sophgo/passes/passes.h"

namespace samc::sophgo {
namespace {

// Scores are that much more work.
constexpr int64_t kMostWindows = 4;

struct WindowAttention {
  top::MatMulOp scores, mixed;
  top::SoftmaxOp softmax;
  top::PermuteOp query, key, value, result;
  Shape shape;  // (windows, tokens, heads, dim), of all of them
};

// The permute that gives the value, to this order and read by nobody else.
top::PermuteOp permute_of(mlir::Value value, const Shape& order) {
  auto permute = value.getDefiningOp<top::PermuteOp>();
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != order) return {};
  return permute;
}

bool is_plain(top::MatMulOp op) {
  return op && is_none(op.getBias()) && !op.getDoRelu() && !op.getLeftTranspose() && !op.getRightTranspose();
}

std::optional<WindowAttention> match(top::SoftmaxOp softmax) {
  if (!is_last_axis(softmax) || !softmax.getOutput().hasOneUse()) return std::nullopt;
  WindowAttention a;
  a.softmax = softmax;
  a.scores = softmax.getInput().getDefiningOp<top::MatMulOp>();
  a.mixed = mlir::dyn_cast<top::MatMulOp>(*softmax.getOutput().getUsers().begin());
  if (!is_plain(a.scores) || !is_plain(a.mixed) || !a.scores.getOutput().hasOneUse() ||
      !a.mixed.getOutput().hasOneUse() || a.mixed.getInput() != softmax.getOutput())
    return std::nullopt;
  a.query = permute_of(a.scores.getInput(), {0, 2, 1, 3});
  a.key = permute_of(a.scores.getRight(), {0, 2, 3, 1});
  a.value = permute_of(a.mixed.getRight(), {0, 2, 1, 3});
  a.result = mlir::dyn_cast<top::PermuteOp>(*a.mixed.getOutput().getUsers().begin());
  if (!a.query || !a.key || !a.value || !a.result || to_shape(a.result.getOrder()) != Shape{0, 2, 1, 3})
    return std::nullopt;
  a.shape = shape_of(a.query.getInput());
  for (const mlir::Value value : {a.key.getInput(), a.value.getInput(), a.result.getOutput()})
    if (shape_of(value) != a.shape) return std::nullopt;
  return a;
}

// (64, 64): nothing where row and column are of the same window.
Tensor mask_of(int64_t tokens) {
  Tensor mask({1, 1, kBatchTokens, kBatchTokens});
  for (int64_t i = 0; i < mask.count(); ++i)
    mask.f32()[static_cast<size_t>(i)] =
        i / kBatchTokens / tokens == i % kBatchTokens / tokens ? 0.0f : static_cast<float>(kExcluded);
  return mask;
}

void join(const WindowAttention& a, WeightStore& weights) {
  const int64_t windows = kBatchTokens / a.shape[1], heads = a.shape[2], dim = a.shape[3];
  const Shape joined = {a.shape[0] / windows, kBatchTokens, heads, dim};
  top::PermuteOp result = a.result;
  mlir::OpBuilder builder(result);
  const std::string name = name_of(result.getOutput());
  const auto joined_permute = [&](const char* which, top::PermuteOp permute) {
    const mlir::Value x = make_reshape(builder, name + which + "_tokens", permute.getInput(), joined);
    return make_permute(builder, name + which, x, to_shape(permute.getOrder()));
  };
  const mlir::Value query = joined_permute(".query", a.query), key = joined_permute(".key", a.key);
  const Shape square = {joined[0], heads, kBatchTokens, kBatchTokens};
  const mlir::Value scores = make_matmul_like(builder, name + ".scores", a.scores, query, key, {}, square);
  const mlir::Value mask = make_weight(builder, weights, name + ".windows", mask_of(a.shape[1]));
  const mlir::Value masked = make_add(builder, name + ".masked", scores, mask);
  const mlir::Value softmax = clone_on(builder, name + ".softmax", a.softmax, masked, square);
  const mlir::Value value = joined_permute(".value", a.value);
  const mlir::Value mixed =
      make_matmul_like(builder, name + ".mixed", a.mixed, softmax, value, {}, {joined[0], heads, kBatchTokens, dim});
  const mlir::Value tokens = make_permute(builder, name + ".joined", mixed, {0, 2, 1, 3});
  result.getOutput().replaceAllUsesWith(make_reshape(builder, name, tokens, a.shape));
  result->erase();
}

}  // namespace

mlir::LogicalResult join_windows(mlir::ModuleOp module, WeightStore& weights) {
  for (top::SoftmaxOp softmax : operations_of<top::SoftmaxOp>(module)) {
    const auto attention = match(softmax);
    if (!attention) continue;
    const int64_t windows = attention->shape[0], tokens = attention->shape[1];
    if (tokens < kBatchTokens && tokens * kMostWindows >= kBatchTokens && kBatchTokens % tokens == 0 &&
        windows % (kBatchTokens / tokens) == 0)
      join(*attention, weights);
  }
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
