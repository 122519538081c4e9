// Keys and values of attention with few input channels c: with y the tokens, k = y K and v = y V,
//
//   q k^T = (q K^T) y^T        softmax(..) v W = (softmax(..) y) (V W)
//
// so that neither k nor v is computed: their products are over all tokens, those with K^T and V W over the queries
// alone, which pooling makes few. Each head becomes an attention of its own over y. Done where it takes fewer
// multiplications.

#include "passes/toolkit/attention.h"
#include "passes/toolkit/pools.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

struct Attention {
  vision::AttentionOp op;
  ConstantMatMul query, key, value, projection;
  std::optional<Pool> pool;  // of the queries
  int64_t batch = 0, heads = 0, queries = 0, tokens = 0, dim = 0, channels = 0;

  // Per window, beyond what both forms do.
  int64_t plain_products() const { return 2 * tokens * channels * heads * dim + 2 * queries * tokens * heads * dim; }
  bool folds_query() const { return !pool && heads == 1; }
  bool folds_value() const { return channels * projection.columns <= dim * (channels + projection.columns); }
  int64_t absorbed_products() const {
    int64_t count = 2 * queries * tokens * channels * heads;
    if (!folds_query()) count += queries * dim * channels * heads;
    const int64_t out = folds_value() ? channels * projection.columns : dim * (channels + projection.columns);
    return count + queries * heads * (out - dim * projection.columns);
  }
};

// The queries (batch, heads, queries, dim), pooled or not, back to their product.
bool match_queries(mlir::Value value, Attention& attention) {
  auto permute = value.getDefiningOp<top::PermuteOp>();
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != kHeadsOrder) return false;
  value = behind_reshapes(permute.getInput());
  if (!value.hasOneUse()) return false;
  if (auto end = value.getDefiningOp<top::PermuteOp>()) {
    attention.pool = match_pool(end);
    if (!attention.pool) return false;
    value = behind_reshapes(attention.pool->source);
    if (!value.hasOneUse()) return false;
  }
  const auto product = constant_matmul(value);
  if (!product) return false;
  attention.query = *product;
  return product->columns == attention.heads * attention.dim;
}

std::optional<Attention> match(vision::AttentionOp op) {
  const auto key = product_of_heads(op.getK()), value = product_of_heads(op.getV()), projection = projection_of(op);
  if (!key || !value || !projection || key->input() != value->input()) return std::nullopt;
  if (!is_none(key->bias()) || !is_none(value->bias())) return std::nullopt;
  const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
  Attention attention{.op = op, .query = {}, .key = *key, .value = *value, .projection = *projection, .pool = {}};
  attention.batch = q[0];
  attention.heads = q[1];
  attention.queries = q[2];
  attention.dim = q[3];
  attention.tokens = v[2];
  attention.channels = key->rows;
  if (v[3] != attention.dim || !match_queries(op.getQ(), attention)) return std::nullopt;
  return attention;
}

class Absorber {
 public:
  Absorber(const Attention& attention, WeightStore& weights)
      : a_(attention),
        weights_(weights),
        builder_(attention.projection.op),
        name_(name_of(attention.projection.op->getResult(0))) {}

  void run() {
    top::MatMulOp projection = a_.projection.op;
    const Shape result = shape_of(projection.getOutput());
    mlir::Value sum;
    for (int64_t head = 0; head < a_.heads; ++head) {
      const std::string own = fmt::format("{}.head_{}", name_, head);
      // A permute for each reader: tpuc-opt takes one into a product only where nobody else reads it.
      const mlir::Value y =
          make_reshape(builder_, own + ".tokens", a_.key.input(), {a_.batch, a_.tokens, 1, a_.channels});
      const mlir::Value keys = make_permute(builder_, own + ".keys", y, kHeadsOrder);
      const mlir::Value values = make_permute(builder_, own + ".values", y, kHeadsOrder);
      const mlir::Value queries = make_permute(
          builder_, own + ".queries",
          make_reshape(builder_, own + ".query_tokens", query_of(head, own), {a_.batch, a_.queries, 1, a_.channels}),
          kHeadsOrder);
      mlir::Value mixed = builder_.create<vision::AttentionOp>(
          name_location(builder_.getContext(), own + ".mixed"),
          tensor_type(builder_.getContext(), {a_.batch, 1, a_.queries, a_.channels}), queries, keys, values,
          a_.op.getScaleAttr());
      mixed = make_permute(builder_, own + ".mixed_tokens", mixed, kHeadsOrder);
      Shape shape = result;
      shape.back() = a_.channels;
      mixed = make_reshape(builder_, own + ".mixed_map", mixed, shape);
      const mlir::Value out = projected(mixed, head, own, result);
      sum = !sum ? out : make_add(builder_, own + ".sum", sum, out);
    }
    projection.getOutput().replaceAllUsesWith(sum);
  }

 private:
  // q K^T of the head: (..., channels)
  mlir::Value query_of(int64_t head, const std::string& own) {
    top::MatMulOp query = a_.query.op;
    const int64_t first = head * a_.dim;
    Tensor columns = weight_block(a_.query, weights_, 0, a_.query.rows, first, a_.dim);
    Tensor turned_keys = weight_block(a_.key, weights_, 0, a_.channels, first, a_.dim, /*transposed=*/true);
    Shape shape = shape_of(query.getOutput());
    mlir::Value added;
    if (a_.folds_query()) {
      shape.back() = a_.channels;
      if (!is_none(query.getBias())) {
        Tensor row({1, a_.dim});
        std::ranges::copy(bias_of(a_.query, weights_), row.f32().begin());
        Tensor moved({a_.channels});
        std::ranges::copy(multiply(row, turned_keys).f32(), moved.f32().begin());
        added = make_weight(builder_, weights_, own + ".query_bias", std::move(moved));
      }
      const mlir::Value right = make_weight(builder_, weights_, own + ".query_weight", multiply(columns, turned_keys));
      return plain(own + ".query", query.getInput(), right, added, shape);
    }
    shape.back() = a_.dim;
    added = make_bias_columns(builder_, weights_, own + ".query_bias", a_.query, first, a_.dim);
    const mlir::Value right = make_weight(builder_, weights_, own + ".query_weight", std::move(columns));
    mlir::Value queries = plain(own + ".query", query.getInput(), right, added, shape);
    if (a_.pool) {
      Shape map = shape_of(a_.pool->source);
      map.back() = a_.dim;
      queries = make_pool(builder_, own + ".pooled_query", make_reshape(builder_, own + ".query_map", queries, map),
                          *a_.pool);
    }
    shape = shape_of(queries);
    shape.back() = a_.channels;
    const mlir::Value keys = make_weight(builder_, weights_, own + ".key_weight", std::move(turned_keys));
    return plain(own + ".query_keys", queries, keys, {}, shape);
  }

  // x V W of the head; the projection's bias with the first.
  mlir::Value projected(mlir::Value x, int64_t head, const std::string& own, const Shape& result) {
    top::MatMulOp projection = a_.projection.op;
    const int64_t first = head * a_.dim;
    const mlir::Value bias = head == 0 ? projection.getBias() : mlir::Value();
    Tensor values = weight_block(a_.value, weights_, 0, a_.channels, first, a_.dim);
    Tensor outs = weight_block(a_.projection, weights_, first, a_.dim, 0, a_.projection.columns);
    if (a_.folds_value())
      return plain(own + ".out", x, make_weight(builder_, weights_, own + ".out_weight", multiply(values, outs)), bias,
                   result);
    Shape shape = result;
    shape.back() = a_.dim;
    x = plain(own + ".value", x, make_weight(builder_, weights_, own + ".value_weight", std::move(values)), {}, shape);
    return plain(own + ".out", x, make_weight(builder_, weights_, own + ".out_weight", std::move(outs)), bias, result);
  }

  mlir::Value plain(const std::string& name, mlir::Value x, mlir::Value right, mlir::Value bias, const Shape& shape) {
    return make_matmul(builder_, name, x, right, bias, shape);
  }

  Attention a_;
  WeightStore& weights_;
  mlir::OpBuilder builder_;
  std::string name_;
};

}  // namespace

mlir::LogicalResult absorb_for_few_channels(mlir::ModuleOp module, WeightStore& weights) {
  for (auto op : operations_of<vision::AttentionOp>(module)) {
    const auto attention = match(op);
    if (attention && attention->absorbed_products() < attention->plain_products()) Absorber(*attention, weights).run();
  }
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
