// Where a stage of the image encoder ends, queries are pooled before they attend. They come of one product with keys
// and values, all of which is there until the attention has run: the largest buffer of the encoder. As two products the
// queries shrink to a quarter before keys and values are made. Each number is the same sum.

#include "passes/pipeline.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

enum MatmulOperand : unsigned { kSource, kWeight, kBias, kResidual };
enum AttentionOperand : unsigned { kQuery, kKey, kValue };

// A product whose first `columns` columns a pool reads, and whose others an attention reads as keys and values.
struct PooledQueries {
  RunOp product, pool, attention;
  int64_t columns;
};

std::optional<PooledQueries> match(RunOp pool) {
  if (pool.getKernel() != "max_pool" || config_integer(pool, "offset") != 0) return std::nullopt;
  RunOp product = producer_run(pool.getArguments()[0], "matmul");
  if (!product || (product.getArguments().size() > kResidual && !is_none(product.getArguments()[kResidual])))
    return std::nullopt;
  PooledQueries found{product, pool, {}, config_integer(pool, "c")};
  for (mlir::OpOperand& use : product.getResult().getUses()) {
    auto run = mlir::dyn_cast<RunOp>(use.getOwner());
    if (run == pool) continue;
    const unsigned operand = use.getOperandNumber();
    if (!run || run.getKernel() != "attention" || (operand != kKey && operand != kValue)) return std::nullopt;
    if (found.attention && found.attention != run) return std::nullopt;
    found.attention = run;
    if (config_integer(run, operand == kKey ? "k_offset" : "v_offset") < found.columns) return std::nullopt;
  }
  if (!found.attention) return std::nullopt;
  return found;
}

class Splitter {
 public:
  Splitter(mlir::OpBuilder& builder, RunOp product, WeightStore& weights)
      : builder_(builder), product_(product), weights_(weights) {}

  // The product's columns from first on.
  RunOp columns(const char* suffix, int64_t first, int64_t count) {
    llvm::SmallVector<mlir::Value> operands(product_.getArguments());
    const bool is_nk = config_string(product_, "weight_layout") == "nk";
    operands[kWeight] = part(operands[kWeight], suffix, is_nk ? 0 : 1, first, count);
    if (!is_none(operands[kBias])) operands[kBias] = part(operands[kBias], suffix, 0, first, count);
    Shape shape = shape_of(product_.getResult());
    shape.back() = count;
    return builder_.create<RunOp>(derived_location(product_.getResult(), suffix),
                                  tensor_type(builder_.getContext(), shape), product_.getKernelAttr(), operands,
                                  with_attribute(product_, "n", builder_.getI64IntegerAttr(count)), nullptr, nullptr);
  }

 private:
  mlir::Value part(mlir::Value weight, const char* suffix, size_t axis, int64_t first, int64_t count) {
    const TensorView whole = weight_view(weight, weights_);
    Shape shape = whole.shape;
    const int64_t inner = axis + 1 < shape.size() ? element_count({shape.begin() + axis + 1, shape.end()}) : 1;
    const int64_t row = std::exchange(shape[axis], count) * inner;
    Tensor result(shape);
    float* to = result.f32().data();
    for (int64_t at = first * inner; at < whole.count(); at += row)
      to = std::copy_n(whole.f32().data() + at, count * inner, to);
    return make_weight(builder_, weights_, name_of(weight) + suffix, std::move(result));
  }

  mlir::OpBuilder& builder_;
  RunOp product_;
  WeightStore& weights_;
};

void split(const PooledQueries& found, WeightStore& weights) {
  mlir::OpBuilder builder(found.product);
  RunOp product = found.product, pool = found.pool, attention = found.attention;
  Splitter splitter(builder, product, weights);
  const int64_t all = shape_of(product.getResult()).back();
  pool.setOperand(0, splitter.columns(".queries", 0, found.columns).getResult());
  builder.setInsertionPointAfter(pool);
  const mlir::Value rest = splitter.columns(".keys", found.columns, all - found.columns).getResult();
  for (const unsigned operand : {kKey, kValue}) {
    if (attention.getArguments()[operand] != product.getResult()) continue;
    const char* offset = operand == kKey ? "k_offset" : "v_offset";
    attention.setConfigAttr(with_attribute(
        attention, offset, builder.getI64IntegerAttr(config_integer(attention, offset) - found.columns)));
    attention.setOperand(operand, rest);
  }
  product.erase();
}

}  // namespace

mlir::LogicalResult split_pooled_queries(mlir::ModuleOp module, WeightStore& weights) {
  for (RunOp run : operations_of<RunOp>(module))
    if (const std::optional<PooledQueries> found = match(run)) split(*found, weights);
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc::cpu
