// Keys and values of attention with few input channels c: with y the tokens, k = y K and v = y V,
//
//   q k^T = (q K^T) y^T        softmax(..) v W = (softmax(..) y) (V W)
//
// so that neither k nor v is computed: their products are over all tokens, those with K^T and V W over the queries
// alone, which pooling makes few. Each head becomes an attention of its own over y. Done where it takes fewer
// multiplications.

#include "targets/sophgo/passes/attention.h"
#include "targets/sophgo/passes/passes.h"

namespace samc::sophgo {
namespace {

struct Attention {
  top::MatMulOp scores, mixed;
  top::SoftmaxOp softmax;
  ConstantMatMul query, key, value, projection;
  std::optional<Pool> pool;  // of the queries
  top::PermuteOp pool_end;
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
  if (!permute || !value.hasOneUse() || to_shape(permute.getOrder()) != Shape{0, 2, 1, 3}) return false;
  value = behind_reshapes(permute.getInput());
  if (!value.hasOneUse()) return false;
  if (auto end = value.getDefiningOp<top::PermuteOp>()) {
    attention.pool = match_pool(end);
    if (!attention.pool) return false;
    attention.pool_end = end;
    value = behind_reshapes(attention.pool->source);
    if (!value.hasOneUse()) return false;
  }
  const auto product = constant_matmul(value);
  if (!product) return false;
  attention.query = *product;
  return product->columns == attention.heads * attention.dim;
}

std::optional<Attention> match(top::SoftmaxOp softmax) {
  if (!is_last_axis(softmax) || !softmax.getOutput().hasOneUse()) return std::nullopt;
  Attention attention;
  attention.softmax = softmax;
  attention.scores = softmax.getInput().getDefiningOp<top::MatMulOp>();
  attention.mixed = mlir::dyn_cast<top::MatMulOp>(*softmax.getOutput().getUsers().begin());
  if (!attention.scores || !attention.scores.getOutput().hasOneUse() || !attention.mixed) return std::nullopt;
  for (top::MatMulOp op : {attention.scores, attention.mixed})
    if (op.getDoRelu() || !is_none(op.getBias()) || op.getLeftTranspose()) return std::nullopt;
  if (attention.mixed.getInput() != softmax.getOutput() || attention.mixed.getRightTranspose()) return std::nullopt;
  const Shape order = attention.scores.getRightTranspose() ? Shape{0, 2, 1, 3} : Shape{0, 2, 3, 1};
  const auto key = product_of_heads(attention.scores.getRight(), order);
  const auto value = product_of_heads(attention.mixed.getRight(), {0, 2, 1, 3});
  if (!key || !value) return std::nullopt;
  attention.key = *key;
  attention.value = *value;
  const auto projection = projection_of(attention.mixed.getOutput(), value->columns);
  if (!projection) return std::nullopt;
  attention.projection = *projection;
  top::MatMulOp k = key->op, v = value->op;
  if (k.getInput() != v.getInput() || !is_none(k.getBias()) || !is_none(v.getBias())) return std::nullopt;
  const Shape q = shape_of(attention.scores.getInput()), mixed = shape_of(attention.mixed.getRight());
  if (q.size() != 4 || mixed.size() != 4) return std::nullopt;
  attention.batch = q[0];
  attention.heads = q[1];
  attention.queries = q[2];
  attention.dim = q[3];
  attention.tokens = mixed[2];
  attention.channels = key->rows;
  if (mixed[3] != attention.dim || !match_queries(attention.scores.getInput(), attention)) return std::nullopt;
  return attention;
}

// Element (k, n) of the weight whatever its layout.
double element(const ConstantMatMul& matmul, const TensorView& view, int64_t k, int64_t n) {
  return static_cast<double>(view.f32()[matmul.place(k, n)]);
}

class Absorber {
 public:
  Absorber(const Attention& attention, WeightStore& weights)
      : a_(attention),
        weights_(weights),
        builder_(attention.projection.op),
        name_(name_of(attention.projection.op->getResult(0))),
        q_(weight_view(attention.query.right(), weights)),
        k_(weight_view(attention.key.right(), weights)),
        v_(weight_view(attention.value.right(), weights)),
        w_(weight_view(attention.projection.right(), weights)) {}

  void run() {
    top::MatMulOp projection = a_.projection.op;
    const Shape result = shape_of(projection.getOutput());
    mlir::Value sum;
    for (int64_t head = 0; head < a_.heads; ++head) {
      const std::string own = fmt::format("{}.head_{}", name_, head);
      // A permute for each reader: tpuc-opt takes one into a product only where nobody else reads it.
      const mlir::Value y =
          make_reshape(builder_, own + ".tokens", a_.key.input(), {a_.batch, a_.tokens, 1, a_.channels});
      const mlir::Value keys = make_permute(builder_, own + ".keys", y, {0, 2, 3, 1});
      const mlir::Value values = make_permute(builder_, own + ".values", y, {0, 2, 1, 3});
      const mlir::Value queries = make_permute(
          builder_, own + ".queries",
          make_reshape(builder_, own + ".query_tokens", query_of(head, own), {a_.batch, a_.queries, 1, a_.channels}),
          {0, 2, 1, 3});
      const Shape square = {a_.batch, 1, a_.queries, a_.tokens};
      const mlir::Value scores = plain(own + ".scores", queries, keys, {}, square);
      const mlir::Value softmax = clone_on(builder_, own + ".softmax", a_.softmax, scores, square);
      mlir::Value mixed = plain(own + ".mixed", softmax, values, {}, {a_.batch, 1, a_.queries, a_.channels});
      mixed = make_permute(builder_, own + ".mixed_tokens", mixed, {0, 2, 1, 3});
      Shape shape = result;
      shape.back() = a_.channels;
      mixed = make_reshape(builder_, own + ".mixed_map", mixed, shape);
      const mlir::Value out = projected(mixed, head, own, result);
      sum = !sum ? out : make_add(builder_, own + ".sum", sum, out);
    }
    projection.getOutput().replaceAllUsesWith(sum);
  }

 private:
  // left (rows, k) right (k, columns), in double.
  template <class Left, class Right>
  static Tensor multiply(int64_t rows, int64_t k, int64_t columns, const Left& left, const Right& right) {
    Tensor result({rows, columns});
    std::vector<double> sums(static_cast<size_t>(columns));
    for (int64_t row = 0; row < rows; ++row) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t i = 0; i < k; ++i) {
        const double factor = left(row, i);
        for (int64_t column = 0; column < columns; ++column)
          sums[static_cast<size_t>(column)] += factor * right(i, column);
      }
      for (int64_t column = 0; column < columns; ++column)
        result.f32()[static_cast<size_t>(row * columns + column)] =
            static_cast<float>(sums[static_cast<size_t>(column)]);
    }
    return result;
  }

  // q K^T of the head: (..., channels)
  mlir::Value query_of(int64_t head, const std::string& own) {
    top::MatMulOp query = a_.query.op;
    const int64_t first = head * a_.dim;
    const auto q = [&](int64_t k, int64_t n) { return element(a_.query, q_, k, first + n); };
    const auto key = [&](int64_t d, int64_t c) { return element(a_.key, k_, c, first + d); };
    const std::vector<float> bias = bias_of(a_.query, weights_);
    Shape shape = shape_of(query.getOutput());
    mlir::Value added;
    if (a_.folds_query()) {
      shape.back() = a_.channels;
      if (!is_none(query.getBias())) {
        Tensor moved = multiply(
            1, a_.dim, a_.channels,
            [&](int64_t, int64_t i) { return static_cast<double>(bias[static_cast<size_t>(i)]); }, key);
        added = make_weight(builder_, weights_, own + ".query_bias",
                            Tensor::copy_of(TensorView{DType::kF32, {a_.channels}, moved.f32().data()}));
      }
      Tensor weight = multiply(a_.query.rows, a_.dim, a_.channels, q, key);
      const mlir::Value right = make_weight(builder_, weights_, own + ".query_weight", std::move(weight));
      return plain(own + ".query", query.getInput(), right, added, shape);
    }
    shape.back() = a_.dim;
    added = make_bias_columns(builder_, weights_, own + ".query_bias", a_.query, first, a_.dim);
    Tensor columns({a_.query.rows, a_.dim});
    for (int64_t k = 0; k < a_.query.rows; ++k)
      for (int64_t n = 0; n < a_.dim; ++n)
        columns.f32()[static_cast<size_t>(k * a_.dim + n)] = static_cast<float>(q(k, n));
    const mlir::Value right = make_weight(builder_, weights_, own + ".query_weight", std::move(columns));
    mlir::Value queries = plain(own + ".query", query.getInput(), right, added, shape);
    if (a_.pool) {
      Shape map = shape_of(a_.pool->source);
      map.back() = a_.dim;
      queries =
          make_pool(builder_, own + ".query", make_reshape(builder_, own + ".query_map", queries, map), a_.pool->op);
    }
    Tensor turned({a_.dim, a_.channels});
    for (int64_t d = 0; d < a_.dim; ++d)
      for (int64_t c = 0; c < a_.channels; ++c)
        turned.f32()[static_cast<size_t>(d * a_.channels + c)] = static_cast<float>(key(d, c));
    shape = shape_of(queries);
    shape.back() = a_.channels;
    const mlir::Value keys = make_weight(builder_, weights_, own + ".key_weight", std::move(turned));
    return plain(own + ".query_keys", queries, keys, {}, shape);
  }

  // x V W of the head; the projection's bias with the first.
  mlir::Value projected(mlir::Value x, int64_t head, const std::string& own, const Shape& result) {
    top::MatMulOp projection = a_.projection.op;
    const int64_t first = head * a_.dim;
    const auto value = [&](int64_t c, int64_t d) { return element(a_.value, v_, c, first + d); };
    const auto out = [&](int64_t d, int64_t n) { return element(a_.projection, w_, first + d, n); };
    const mlir::Value bias = head == 0 ? projection.getBias() : mlir::Value();
    const int64_t columns = a_.projection.columns;
    if (a_.folds_value()) {
      Tensor weight = multiply(a_.channels, a_.dim, columns, value, out);
      const mlir::Value right = make_weight(builder_, weights_, own + ".out_weight", std::move(weight));
      return plain(own + ".out", x, right, bias, result);
    }
    Tensor values({a_.channels, a_.dim});
    for (int64_t c = 0; c < a_.channels; ++c)
      for (int64_t d = 0; d < a_.dim; ++d)
        values.f32()[static_cast<size_t>(c * a_.dim + d)] = static_cast<float>(value(c, d));
    Tensor outs({a_.dim, columns});
    for (int64_t d = 0; d < a_.dim; ++d)
      for (int64_t n = 0; n < columns; ++n)
        outs.f32()[static_cast<size_t>(d * columns + n)] = static_cast<float>(out(d, n));
    Shape shape = result;
    shape.back() = a_.dim;
    const mlir::Value mixed =
        plain(own + ".value", x, make_weight(builder_, weights_, own + ".value_weight", std::move(values)), {}, shape);
    return plain(own + ".out", mixed, make_weight(builder_, weights_, own + ".out_weight", std::move(outs)), bias,
                 result);
  }

  mlir::Value plain(const std::string& name, mlir::Value x, mlir::Value right, mlir::Value bias, const Shape& shape) {
    return make_matmul_like(builder_, name, a_.mixed, x, right, bias, shape);
  }

  Attention a_;
  WeightStore& weights_;
  mlir::OpBuilder builder_;
  std::string name_;
  TensorView q_, k_, v_, w_;
};

}  // namespace

mlir::LogicalResult absorb_for_few_channels(mlir::ModuleOp module, WeightStore& weights) {
  for (top::SoftmaxOp softmax : operations_of<top::SoftmaxOp>(module)) {
    const auto attention = match(softmax);
    if (attention && attention->absorbed_products() < attention->plain_products()) Absorber(*attention, weights).run();
  }
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
