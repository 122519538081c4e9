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
// Where rows may be known before the tokens (the first layer's follow from the picture), K, V and Q stay: they are then
// computed once for many prompts (split_function). In the second, each key is then brought to the columns of its head,
// zeros beside it, so that its product with the whole row is that with the head's part.
//
// Functions that are witnesses of one (kWitnessOf) must come out with the same operations: whether tokens are few is
// decided once for all of them, by the most that any of them has.

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "ir/top_dialect.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/toolkit/attention.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

constexpr int64_t kLeastRows = 256;  // with fewer, what the tokens pay is no longer little

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

// For each attention of the module the most queries and the most keys that it has in any witness of its function.
class TokenCounts {
 public:
  struct Most {
    int64_t queries = 0;
    int64_t keys = 0;
  };

  explicit TokenCounts(mlir::ModuleOp module) {
    module.walk([&](AttentionOp op) {
      Most& most = by_name_[key(op)];
      most.queries = std::max(most.queries, shape_of(op.getQ())[2]);
      most.keys = std::max(most.keys, shape_of(op.getV())[2]);
    });
  }
  // Nothing for an attention that was not there from the start: what this pass makes is not to be changed again.
  std::optional<Most> find(AttentionOp op) const {
    const auto found = by_name_.find(key(op));
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  static std::pair<std::string, std::string> key(AttentionOp op) {
    auto function = op->getParentOfType<mlir::func::FuncOp>();
    const auto group = function->getAttrOfType<mlir::StringAttr>(kWitnessOf);
    return {group ? group.str() : function.getName().str(), name_of(op.getResult())};
  }
  std::map<std::pair<std::string, std::string>, Most> by_name_;
};

class Rewrite {
 public:
  Rewrite(AttentionOp op, WeightStore& weights, mlir::PatternRewriter& rewriter)
      : op_(op), weights_(weights), rewriter_(rewriter) {}

  // Columns [head dim, (head + 1) dim) of the projection's weight for each head: (1, heads, k, dim), or with transposed
  // (1, heads, dim, k).
  mlir::Value weight_of_heads(const ConstantMatMul& projection, int64_t heads, int64_t dim, bool transposed) {
    const int64_t k = projection.rows;
    Tensor cut(transposed ? Shape{1, heads, dim, k} : Shape{1, heads, k, dim});
    for (int64_t head = 0; head < heads; ++head)
      std::ranges::copy(weight_block(projection, weights_, 0, k, head * dim, dim, transposed).f32(),
                        cut.f32().begin() + head * k * dim);
    return weight(name_of(projection.right()), std::move(cut));
  }
  // Rows [head dim, (head + 1) dim) of a product's weight (heads dim, n) for each head: (1, heads, dim, n).
  mlir::Value weight_after_heads(const ConstantMatMul& product, int64_t heads, int64_t dim) {
    Tensor cut({1, heads, dim, product.columns});
    std::ranges::copy(weight_block(product, weights_, 0, product.rows, 0, product.columns).f32(), cut.f32().begin());
    return weight(name_of(product.right()), std::move(cut));
  }
  // What brings a head's dim columns to their place among those of all heads: (1, heads, dim, heads dim).
  mlir::Value places_of_heads(int64_t heads, int64_t dim) {
    Tensor places = Tensor::zeros({1, heads, dim, heads * dim});
    for (int64_t column = 0; column < heads * dim; ++column)
      places.f32()[static_cast<size_t>(column * heads * dim + column)] = 1;
    return weight(name_of(op_.getResult()) + ".places", std::move(places));
  }
  // The projection's bias, cut into heads, in this shape.
  mlir::Value bias_of_heads(const ConstantMatMul& projection, const Shape& shape) {
    Tensor cut(shape);
    std::ranges::copy(weight_view(projection.bias(), weights_).f32(), cut.f32().begin());
    return weight(name_of(projection.bias()), std::move(cut));
  }
  mlir::Value matmul(const char* suffix, mlir::Value left, mlir::Value right) {
    Shape shape = shape_of(left);
    shape.back() = shape_of(right).back();
    return make_matmul(rewriter_, derived(suffix), left, right, {}, shape);
  }
  mlir::Value add(const char* suffix, mlir::Value left, mlir::Value right) {
    return make_add(rewriter_, derived(suffix), left, right);
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
  FewQueries(mlir::MLIRContext* context, WeightStore& weights, const TokenCounts& counts)
      : OpRewritePattern(context), weights_(weights), counts_(counts) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t heads = q[1], queries = q[2], dim = q[3], keys = v[2], value_dim = v[3];
    const std::optional<TokenCounts::Most> most = counts_.find(op);
    if (q[0] != 1 || !most || most->queries >= dim || keys < kLeastRows) return mlir::failure();
    const std::optional<ConstantMatMul> key = product_of_heads(op.getK()), value = product_of_heads(op.getV());
    if (!key || !value || may_be_known_earlier(key->input(), op.getQ())) return mlir::failure();

    Rewrite make(op, weights_, rewriter);
    const mlir::Value absorbed =
        make.matmul(".queries", op.getQ(), make.weight_of_heads(*key, heads, dim, /*transposed=*/true));
    const auto one_head = [&](const char* suffix, mlir::Value rows, int64_t count, int64_t columns) {
      return make_reshape(rewriter, make.derived(suffix), rows, {1, 1, count, columns});
    };
    const mlir::Value mixed = rewriter.create<AttentionOp>(
        make.derived(".rows"), tensor_type(getContext(), {1, 1, heads * queries, value->rows}),
        one_head(".q", absorbed, heads * queries, key->rows), one_head(".k", key->input(), keys, key->rows),
        one_head(".v", value->input(), keys, value->rows), op.getScaleAttr());
    mlir::Value result =
        make.matmul(".values", make_reshape(rewriter, make.derived(".heads"), mixed, {1, heads, queries, value->rows}),
                    make.weight_of_heads(*value, heads, value_dim, /*transposed=*/false));
    if (!is_none(value->bias()))
      result = make.add(".biased", result, make.bias_of_heads(*value, {1, heads, 1, value_dim}));
    rewriter.replaceOp(op, result);
    return mlir::success();
  }

 private:
  WeightStore& weights_;
  const TokenCounts& counts_;
};

struct FewKeys : mlir::OpRewritePattern<AttentionOp> {
  FewKeys(mlir::MLIRContext* context, WeightStore& weights, const TokenCounts& counts)
      : OpRewritePattern(context), weights_(weights), counts_(counts) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t heads = q[1], rows = q[2], dim = q[3], value_dim = v[3];
    const std::optional<TokenCounts::Most> most = counts_.find(op);
    if (q[0] != 1 || !most || most->keys >= dim || rows < kLeastRows) return mlir::failure();
    if (16 % heads != 0 || op.getScale().convertToDouble() <= 0) return mlir::failure();  // what the kernel has
    const std::optional<ConstantMatMul> query = product_of_heads(op.getQ());
    const std::optional<ConstantMatMul> join = projection_of(op);
    if (!query || !join) return mlir::failure();

    rewriter.setInsertionPoint(join->op);
    Rewrite make(op, weights_, rewriter);
    mlir::Operation* projection = query->op;
    const bool is_projected = may_be_known_earlier(query->input(), op.getK());
    const mlir::Value keys = make.matmul(".keys", op.getK(),
                                         is_projected ? make.places_of_heads(heads, dim)
                                                      : make.weight_of_heads(*query, heads, dim, /*transposed=*/true));
    const mlir::Value key_bias =
        is_projected || is_none(query->bias())
            ? make_none(rewriter)
            : make.matmul(".key_bias", op.getK(), make.bias_of_heads(*query, {1, heads, dim, 1}));
    const mlir::Value values = make.matmul(".values", op.getV(), make.weight_after_heads(*join, heads, value_dim));
    Config config(getContext());
    config.set("k", is_projected ? query->columns : query->rows).set("n", join->columns).set("heads", heads);
    config.set("scale", op.getScale().convertToDouble());
    const mlir::Value result = join->op->getResult(0);
    rewriter.replaceOp(join->op, make_run(rewriter, join->op->getLoc(), "token_attention",
                                          {is_projected ? projection->getResult(0) : query->input(), keys, values,
                                           key_bias, join->bias()},
                                          shape_of(result), config));
    return mlir::success();
  }

 private:
  WeightStore& weights_;
  const TokenCounts& counts_;
};

}  // namespace

mlir::LogicalResult absorb_for_few_tokens(mlir::ModuleOp module, WeightStore& weights) {
  const TokenCounts counts(module);
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<FewQueries, FewKeys>(module.getContext(), weights, counts);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
