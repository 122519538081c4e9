// Attention between a few tokens and many rows, as in the mask decoder: projecting all the rows into heads is most of
// its work. The projection goes to the other side of the product instead, where only the tokens pay for it. With Y the
// rows, and for each head:
//
//   few queries:   softmax(s q (Y K + b)^T) (Y V + c)  =  (softmax(s (q K^T) Y^T) Y) V + c
//   few keys:      softmax(s (Y Q + b) k^T) v O        =  softmax(s (Y (k Q^T)^T + b k^T)) (v O)
//
// In the first, b adds the same to all scores of a query, which softmax does not see, and all heads' queries become
// queries of one head, whose keys and values are rows of Y. The second is the kernel token_attention.
//
// Work goes with heads x tokens for each element of a row instead of heads x dim: this is for fewer tokens than dim.
// Where rows may be known before the tokens (the first layer's follow from the picture), K and V stay: they are then
// computed once for many prompts (split_function).

#include <algorithm>

#include "ir/top_dialect.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

constexpr int64_t kLeastRows = 256;  // with fewer, what the tokens pay is no longer little

// rows W + bias, cut into heads: (1, heads, rows, dim).
struct Projection {
  mlir::Value rows;  // (1, rows, k)
  mlir::Value weight;
  mlir::Value bias;  // or none
  bool columns_first;
  int64_t k;
};

bool is_row_product(mlir::Operation* op) {
  if (!is_op(op, "top.MatMul") || bool_attribute(op, "left_transpose", false) || bool_attribute(op, "do_relu", false))
    return false;
  return is_weight(op->getOperand(1)) && shape_of(op->getOperand(1)).size() == 2 &&
         (is_none(op->getOperand(2)) || is_weight(op->getOperand(2)));
}

std::optional<Projection> find_projection(mlir::Value value) {
  const Shape shape = shape_of(value);  // (1, heads, rows, dim)
  const View view = trace_view(value);
  mlir::Operation* product = view.base.getDefiningOp();
  const int64_t pitch = shape[1] * shape[3];
  if (!is_row_product(product) || !view.base.hasOneUse() || view.offset != 0 || shape_of(view.base).back() != pitch ||
      element_count(shape_of(view.base)) != shape[2] * pitch || view.dims[1] != factors(shape[1], shape[3]) ||
      view.dims[2] != factors(shape[2], pitch) || view.dims[3] != factors(shape[3], 1))
    return std::nullopt;
  return Projection{product->getOperand(0), product->getOperand(1), product->getOperand(2),
                    bool_attribute(product, "right_transpose", false), shape_of(product->getOperand(0)).back()};
}

// The function's arguments that a value is computed from.
llvm::SmallPtrSet<mlir::Value, 8> arguments_behind(mlir::Value value) {
  llvm::SmallPtrSet<mlir::Value, 8> arguments;
  llvm::SmallPtrSet<mlir::Operation*, 32> seen;
  llvm::SmallVector<mlir::Value> open{value};
  while (!open.empty()) {
    const mlir::Value at = open.pop_back_val();
    mlir::Operation* op = at.getDefiningOp();
    if (op == nullptr) {
      arguments.insert(at);
    } else if (seen.insert(op).second) {
      open.append(op->operand_begin(), op->operand_end());
    }
  }
  return arguments;
}

// Whether tokens follow from an argument that rows do not follow from.
bool may_be_known_earlier(mlir::Value rows, mlir::Value tokens) {
  const auto of_rows = arguments_behind(rows);
  return llvm::any_of(arguments_behind(tokens), [&](mlir::Value argument) { return !of_rows.contains(argument); });
}

class Rewrite {
 public:
  Rewrite(AttentionOp op, WeightStore& weights, mlir::PatternRewriter& rewriter)
      : op_(op), weights_(weights), rewriter_(rewriter) {}

  // Columns [head dim, (head + 1) dim) of the projection's weight for each head: (1, heads, k, dim), or with transposed
  // (1, heads, dim, k).
  mlir::Value weight_of_heads(const Projection& projection, int64_t heads, int64_t dim, bool transposed) {
    const std::span<const float> w = weight_view(projection.weight, weights_).f32();
    const int64_t k = projection.k, n = heads * dim;
    Tensor cut(transposed ? Shape{1, heads, dim, k} : Shape{1, heads, k, dim});
    size_t at = 0;
    for (int64_t head = 0; head < heads; ++head)
      for (int64_t i = 0; i < k * dim; ++i) {
        const int64_t row = transposed ? i % k : i / dim;
        const int64_t column = head * dim + (transposed ? i / k : i % dim);
        cut.f32()[at++] = w[static_cast<size_t>(projection.columns_first ? column * k + row : row * n + column)];
      }
    return weight(name_of(projection.weight), std::move(cut));
  }
  // Rows [head dim, (head + 1) dim) of a product's weight (heads dim, n) for each head: (1, heads, dim, n).
  mlir::Value weight_after_heads(mlir::Operation* product, int64_t heads, int64_t dim) {
    const std::span<const float> w = weight_view(product->getOperand(1), weights_).f32();
    const int64_t n = shape_of(product->getResult(0)).back(), k = heads * dim;
    const bool columns_first = bool_attribute(product, "right_transpose", false);
    Tensor cut({1, heads, dim, n});
    for (int64_t row = 0; row < k; ++row)
      for (int64_t column = 0; column < n; ++column)
        cut.f32()[static_cast<size_t>(row * n + column)] =
            w[static_cast<size_t>(columns_first ? column * k + row : row * n + column)];
    return weight(name_of(product->getOperand(1)), std::move(cut));
  }
  // The projection's bias, cut into heads, in this shape.
  mlir::Value bias_of_heads(const Projection& projection, const Shape& shape) {
    Tensor cut(shape);
    std::ranges::copy(weight_view(projection.bias, weights_).f32(), cut.f32().begin());
    return weight(name_of(projection.bias), std::move(cut));
  }
  mlir::Value matmul(const char* suffix, mlir::Value left, mlir::Value right) {
    Shape shape = shape_of(left);
    shape.back() = shape_of(right).back();
    const mlir::Location location = derived(suffix);
    mlir::OperationState state(location, top::MatMulOp::getOperationName());
    state.addOperands({left, right, make_none(rewriter_, location)});
    state.addTypes(tensor_type(rewriter_.getContext(), shape));
    return rewriter_.create(state)->getResult(0);
  }
  mlir::Value add(const char* suffix, mlir::Value left, mlir::Value right) {
    mlir::OperationState state(derived(suffix), top::AddOp::getOperationName());
    state.addOperands({left, right});
    state.addTypes(left.getType());
    return rewriter_.create(state)->getResult(0);
  }
  mlir::Location derived(const char* suffix) { return derived_location(op_.getResult(), suffix); }

 private:
  mlir::Value weight(const std::string& name, Tensor tensor) {
    return make_weight(rewriter_, weights_, name + ".heads", std::move(tensor));
  }

  AttentionOp op_;
  WeightStore& weights_;
  mlir::PatternRewriter& rewriter_;
};

struct FewQueries : mlir::OpRewritePattern<AttentionOp> {
  FewQueries(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t heads = q[1], queries = q[2], dim = q[3], keys = v[2], value_dim = v[3];
    if (q[0] != 1 || queries >= dim || keys < kLeastRows) return mlir::failure();
    const std::optional<Projection> key = find_projection(op.getK()), value = find_projection(op.getV());
    if (!key || !value || may_be_known_earlier(key->rows, op.getQ())) return mlir::failure();

    Rewrite make(op, weights_, rewriter);
    const mlir::Value absorbed =
        make.matmul(".queries", op.getQ(), make.weight_of_heads(*key, heads, dim, /*transposed=*/true));
    const auto one_head = [&](const char* suffix, mlir::Value rows, int64_t count, int64_t columns) {
      return make_reshape(rewriter, make.derived(suffix), rows, {1, 1, count, columns});
    };
    const mlir::Value mixed = rewriter.create<AttentionOp>(
        make.derived(".rows"), tensor_type(getContext(), {1, 1, heads * queries, value->k}),
        one_head(".q", absorbed, heads * queries, key->k), one_head(".k", key->rows, keys, key->k),
        one_head(".v", value->rows, keys, value->k), op.getScaleAttr());
    mlir::Value result =
        make.matmul(".values", make_reshape(rewriter, make.derived(".heads"), mixed, {1, heads, queries, value->k}),
                    make.weight_of_heads(*value, heads, value_dim, /*transposed=*/false));
    if (!is_none(value->bias))
      result = make.add(".biased", result, make.bias_of_heads(*value, {1, heads, 1, value_dim}));
    rewriter.replaceOp(op, result);
    return mlir::success();
  }

 private:
  WeightStore& weights_;
};

// The product that joins the heads of an attention's result, or nullptr where anyone else reads them.
mlir::Operation* find_join(AttentionOp op) {
  const auto only_user = [](mlir::Value value) { return value.hasOneUse() ? *value.getUsers().begin() : nullptr; };
  const Shape shape = shape_of(op.getResult());  // (1, heads, rows, value_dim)
  mlir::Operation* permute = only_user(op.getResult());
  if (!is_op(permute, "top.Permute") || integers_attribute(permute, "order") != std::vector<int64_t>{0, 2, 1, 3})
    return nullptr;
  mlir::Operation* reshape = only_user(permute->getResult(0));
  if (!is_op(reshape, "top.Reshape") || shape_of(reshape->getResult(0)) != Shape{1, shape[2], shape[1] * shape[3]})
    return nullptr;
  mlir::Operation* product = only_user(reshape->getResult(0));
  return is_row_product(product) && product->getOperand(0) == reshape->getResult(0) ? product : nullptr;
}

struct FewKeys : mlir::OpRewritePattern<AttentionOp> {
  FewKeys(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t heads = q[1], rows = q[2], dim = q[3], tokens = v[2], value_dim = v[3];
    if (q[0] != 1 || tokens >= dim || rows < kLeastRows) return mlir::failure();
    if (16 % heads != 0 || op.getScale().convertToDouble() <= 0) return mlir::failure();  // what the kernel has
    const std::optional<Projection> query = find_projection(op.getQ());
    mlir::Operation* join = find_join(op);
    if (!query || join == nullptr) return mlir::failure();

    rewriter.setInsertionPoint(join);
    Rewrite make(op, weights_, rewriter);
    const mlir::Value keys =
        make.matmul(".keys", op.getK(), make.weight_of_heads(*query, heads, dim, /*transposed=*/true));
    const mlir::Value key_bias =
        is_none(query->bias) ? make_none(rewriter, op.getLoc())
                             : make.matmul(".key_bias", op.getK(), make.bias_of_heads(*query, {1, heads, dim, 1}));
    const mlir::Value values = make.matmul(".values", op.getV(), make.weight_after_heads(join, heads, value_dim));
    Config config(getContext());
    config.set("k", query->k).set("n", shape_of(join->getResult(0)).back()).set("heads", heads);
    config.set("scale", op.getScale().convertToDouble());
    rewriter.replaceOp(join, make_run(rewriter, join->getLoc(), "token_attention",
                                      {query->rows, keys, values, key_bias, join->getOperand(2)},
                                      shape_of(join->getResult(0)), config));
    return mlir::success();
  }

 private:
  WeightStore& weights_;
};

}  // namespace

mlir::LogicalResult absorb_for_few_tokens(mlir::ModuleOp module, WeightStore& weights) {
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FewQueries, FewKeys>(module.getContext(), weights);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
