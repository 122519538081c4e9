// Attention in small windows of T tokens leaves lanes empty, and its batches are others than those of the ops around
// it, so that queries, keys and values go through the chip's memory. It becomes attention of 64 tokens, 64 / T windows
// side by side, where scores between different windows get -30000 before the softmax: their probabilities are 0.

#include "passes/toolkit/attention.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// Scores are that much more work.
constexpr int64_t kMostWindows = 4;

struct WindowAttention {
  top::PermuteOp query, key, value, result;
  Shape shape;  // (windows, tokens, heads, dim), of all of them
};

// The permute that makes heads of tokens and gives the value, read by nobody else.
top::PermuteOp heads_permute(mlir::Value value) {
  auto permute = value.getDefiningOp<top::PermuteOp>();
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != kHeadsOrder) return {};
  return permute;
}

std::optional<WindowAttention> match(vision::AttentionOp op) {
  WindowAttention a;
  a.query = heads_permute(op.getQ());
  a.key = heads_permute(op.getK());
  a.value = heads_permute(op.getV());
  a.result = mlir::dyn_cast_or_null<top::PermuteOp>(only_user(op.getResult()));
  if (!a.query || !a.key || !a.value || !a.result || to_shape(a.result.getOrder()) != kHeadsOrder) return std::nullopt;
  // A scale would stand between the product and the mask (fold-scales takes it away).
  if (!op.getScale().isExactlyValue(1.0)) return std::nullopt;
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
  const auto heads_of = [&](const char* which, top::PermuteOp permute, const Shape& order) {
    const mlir::Value x = make_reshape(builder, name + which + "_tokens", permute.getInput(), joined);
    return make_permute(builder, name + which, x, order);
  };
  const mlir::Value query = heads_of(".query", a.query, kHeadsOrder), key = heads_of(".key", a.key, {0, 2, 3, 1});
  const Shape square = {joined[0], heads, kBatchTokens, kBatchTokens};
  const mlir::Value scores = make_matmul(builder, name + ".scores", query, key, {}, square);
  const mlir::Value mask = make_weight(builder, weights, name + ".windows", mask_of(a.shape[1]));
  const mlir::Value masked = make_add(builder, name + ".masked", scores, mask);
  const mlir::Value softmax = make_softmax(builder, name + ".softmax", masked);
  const mlir::Value value = heads_of(".value", a.value, kHeadsOrder);
  const mlir::Value mixed =
      make_matmul(builder, name + ".mixed", softmax, value, {}, {joined[0], heads, kBatchTokens, dim});
  const mlir::Value tokens = make_permute(builder, name + ".joined", mixed, kHeadsOrder);
  result.getOutput().replaceAllUsesWith(make_reshape(builder, name, tokens, a.shape));
  result->erase();
}

}  // namespace

mlir::LogicalResult join_windows(mlir::ModuleOp module, WeightStore& weights) {
  for (auto op : operations_of<vision::AttentionOp>(module)) {
    const auto attention = match(op);
    if (!attention) continue;
    const int64_t windows = attention->shape[0], tokens = attention->shape[1];
    if (tokens < kBatchTokens && tokens * kMostWindows >= kBatchTokens && kBatchTokens % tokens == 0 &&
        windows % (kBatchTokens / tokens) == 0)
      join(*attention, weights);
  }
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
