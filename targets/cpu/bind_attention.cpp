// vision.attention gets its operands' places: q, k, v as column ranges of the buffers that matrix products wrote,
// windows as addressing. What lies otherwise is brought into rows by a permute first.

#include "base/rounding.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"
#include "targets/cpu/shared_patterns.h"

namespace samc::cpu {
namespace {

// One of q, k, v: rows of `buffer`, dim columns a head from `offset`; its rows are positions of a grid in windows.
struct Rows {
  mlir::Value buffer;  // (..., pitch)
  int64_t offset = 0;
  int64_t grid_h = 1, grid_w = 1, window_h = 1, window_w = 1, batch = 1;
  mlir::Value pad;  // a row of the whole buffer, null when there is none
  bool windowed = false;
};

// Whether all that comes of windows is put together again and cropped to a grid of this height and width, so that
// nobody reads the positions outside it.
bool is_cropped_to(mlir::Value windows, int64_t height, int64_t width) {
  for (mlir::Operation* user : windows.getUsers()) {
    if (mlir::isa<WindowUnpartitionOp>(user)) {
      const Shape grid = shape_of(user->getResult(0));
      if (grid[1] != height || grid[2] != width) return false;
      continue;
    }
    // These work row by row. A product of two activations does not.
    const bool row_by_row = mlir::isa<top::PermuteOp, top::ReshapeOp>(user) ||
                            (mlir::isa<top::MatMulOp>(user) && is_weight(user->getOperand(1)));
    if (!row_by_row || !is_cropped_to(user->getResult(0), height, width)) return false;
  }
  return true;
}

bool reaches_over(int64_t grid_h, int64_t grid_w, int64_t window_h, int64_t window_w) {
  return grid_h % window_h != 0 || grid_w % window_w != 0;
}

// value is (batch, heads, tokens, dim). Without by_windows a partition is a buffer like others.
Rows find_rows(mlir::Value value, bool by_windows, mlir::PatternRewriter& rewriter) {
  const Shape shape = shape_of(value);
  const int64_t batch = shape[0], heads = shape[1], tokens = shape[2], dim = shape[3];
  Rows rows;
  const View view = trace_view(value);
  const int64_t pitch = shape_of(view.base).back();
  const int64_t rows_in_base = element_count(shape_of(view.base)) / pitch;
  const bool fits = rows_in_base == batch * tokens && view.offset + heads * dim <= pitch &&
                    view.dims[3] == factors(dim, 1) && view.dims[1] == factors(heads, dim) &&
                    view.dims[2] == factors(tokens, pitch) && view.dims[0] == factors(batch, tokens * pitch);
  if (!fits) {
    const mlir::Value moved = make_permute(rewriter, derived_location(value, ".rows"), value, {0, 2, 1, 3});
    rows.buffer = make_reshape(rewriter, derived_location(value, ".rows"), moved, {batch, tokens, heads * dim});
    rows.grid_w = rows.window_w = tokens;
    rows.batch = batch;
    return rows;
  }
  rows.buffer = view.base;
  rows.offset = view.offset;
  auto partition = view.base.getDefiningOp<WindowPartitionOp>();
  if (!partition || !by_windows) {
    rows.grid_w = rows.window_w = tokens;
    rows.batch = batch;
    return rows;
  }
  const Shape grid = shape_of(partition.getInput());  // (1, height, width, c)
  rows.buffer = partition.getInput();
  rows.windowed = true;
  rows.grid_h = grid[1];
  rows.grid_w = grid[2];
  rows.window_h = static_cast<int64_t>(partition.getWindowH());
  rows.window_w = static_cast<int64_t>(partition.getWindowW());
  if (!is_none(partition.getPad())) rows.pad = partition.getPad();
  return rows;
}

struct BindAttention : mlir::OpRewritePattern<AttentionOp> {
  BindAttention(mlir::MLIRContext* context, WeightStore& weights) : OpRewritePattern(context), weights_(weights) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q_shape = shape_of(op.getQ()), v_shape = shape_of(op.getV());
    const int64_t heads = q_shape[1], dim = q_shape[3], value_dim = v_shape[3];
    Rows q = find_rows(op.getQ(), true, rewriter), k = find_rows(op.getK(), true, rewriter),
         v = find_rows(op.getV(), true, rewriter);
    if (!fit_together(op, q, k, v)) {
      q = find_rows(op.getQ(), false, rewriter);
      k = find_rows(op.getK(), false, rewriter);
      v = find_rows(op.getV(), false, rewriter);
    }
    Config config(getContext());
    config.set("batch", q.batch).set("heads", heads).set("dim", dim).set("value_dim", value_dim);
    config.set("q_offset", q.offset).set("k_offset", k.offset).set("v_offset", v.offset);
    config.set("grid_q_h", q.grid_h)
        .set("grid_q_w", q.grid_w)
        .set("window_q_h", q.window_h)
        .set("window_q_w", q.window_w);
    config.set("grid_k_h", k.grid_h)
        .set("grid_k_w", k.grid_w)
        .set("window_k_h", k.window_h)
        .set("window_k_w", k.window_w);
    config.set("scale", op.getScale().convertToDouble());
    const mlir::Location location = op.getLoc();
    const mlir::Value pad_k = pad_row(k, heads * dim, ".pad_k", rewriter);
    const mlir::Value pad_v = pad_row(v, heads * value_dim, ".pad_v", rewriter);
    const Shape rows_shape =
        q.windowed ? Shape{1, q.grid_h, q.grid_w, heads * value_dim} : Shape{q.batch, q_shape[2], heads * value_dim};
    mlir::Value rows =
        make_run(rewriter, location, "attention", {q.buffer, k.buffer, v.buffer, pad_k, pad_v}, rows_shape, config)
            .getResult();
    if (q.windowed) {
      rows = make_partition(rewriter, location, rows, q.window_h, q.window_w, make_none(rewriter), true);
    }
    const mlir::Value split = make_reshape(rewriter, location, rows, {q_shape[0], q_shape[2], heads, value_dim});
    rewriter.replaceOp(op, make_permute(rewriter, location, split, {0, 2, 1, 3}));
    return mlir::success();
  }

 private:
  // Attention by windows needs all three cut alike, and nobody who reads queries that do not exist.
  static bool fit_together(AttentionOp op, const Rows& q, const Rows& k, const Rows& v) {
    if (!q.windowed && !k.windowed && !v.windowed) return true;
    const bool alike = q.windowed && k.windowed && v.windowed && k.grid_h == v.grid_h && k.grid_w == v.grid_w &&
                       k.window_h == v.window_h && k.window_w == v.window_w &&
                       divide_up(q.grid_h, q.window_h) == divide_up(k.grid_h, k.window_h) &&
                       divide_up(q.grid_w, q.window_w) == divide_up(k.grid_w, k.window_w);
    return alike && (!reaches_over(q.grid_h, q.grid_w, q.window_h, q.window_w) ||
                     is_cropped_to(op.getResult(), q.grid_h, q.grid_w));
  }

  // The part of the padding row that this operand sees, as a weight; zeros are not assumed but written out.
  mlir::Value pad_row(const Rows& rows, int64_t count, const char* suffix, mlir::PatternRewriter& rewriter) const {
    if (!reaches_over(rows.grid_h, rows.grid_w, rows.window_h, rows.window_w)) return make_none(rewriter);
    Tensor row = Tensor::zeros({count});
    std::string name = name_of(rows.buffer) + suffix;
    if (rows.pad) {
      SAMC_CHECK(is_weight(rows.pad), "a padding row that is no weight");
      const std::span<const float> whole = weight_view(rows.pad, weights_).f32();
      for (int64_t i = 0; i < count; ++i)
        row.f32()[static_cast<size_t>(i)] = whole[static_cast<size_t>(rows.offset + i)];
    }
    return make_weight(rewriter, weights_, name, std::move(row));
  }

  WeightStore& weights_;
};

// A pool of some columns of a buffer reads them where they lie: queries, among queries, keys and values.
struct PoolOfColumns : mlir::OpRewritePattern<RunOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(RunOp op, mlir::PatternRewriter& rewriter) const override {
    if (op.getKernel() != "max_pool" || config_integer(op, "offset") != 0) return mlir::failure();
    const mlir::Value source = op.getArguments()[0];
    const View view = trace_view(source);
    if (view.base == source || !is_columns(view, shape_of(source))) return mlir::failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getArgumentsMutable().assign(view.base);
      op.setConfigAttr(with_attribute(op, "offset", rewriter.getI64IntegerAttr(view.offset)));
    });
    return mlir::success();
  }
};

}  // namespace

mlir::LogicalResult bind_attention(mlir::ModuleOp module, WeightStore& weights) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  patterns.add<BindAttention>(context, weights);
  patterns.add<PoolOfColumns>(context);
  add_window_patterns(patterns);
  add_merge_patterns(patterns);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
