// Attention to memories whose keys are projected, then turned by a rotary encoding that is axial (kernels/
// axial_attention.h): the keys' projection and turning go to the queries' side, once for each column and each row of
// the map, and scores are products over the memory's channels. For memories of 64 channels and keys of 256 a third of
// the work is left.
//
//   attention(q, concat(rotary(memory keys K + b), token keys), concat(memory values, token values))
//
// Needs project-values-late, so that values are the memory itself.

#include <cmath>
#include <map>

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

// What value is under another shape, with nothing but reshapes and permutes of axes of length 1 between.
mlir::Value under_other_shapes(mlir::Value value) {
  const View view = trace_view(value);
  int64_t stride = 1;
  for (size_t axis = view.dims.size(); axis-- > 0;)
    for (size_t i = view.dims[axis].size(); i-- > 0;) {
      const Factor& factor = view.dims[axis][i];
      if (factor.stride != stride) return value;
      stride *= factor.extent;
    }
  return view.offset == 0 && stride == element_count(shape_of(view.base)) ? view.base : value;
}

// Two parts, one behind the other along the rows of (1, rows, ...).
struct RowParts {
  mlir::Value first, second;
};
std::optional<RowParts> parts_of_rows(mlir::Value value) {
  auto concat = under_other_shapes(value).getDefiningOp<top::ConcatOp>();
  if (!concat || concat->getNumOperands() != 2 || integer_attribute(concat, "axis", 0) != 1 ||
      shape_of(concat.getOutput())[0] != 1 || result_activation(concat) != std::optional("none"))
    return std::nullopt;
  return RowParts{concat->getOperand(0), concat->getOperand(1)};
}

// The grid's width, where the tables (positions, 1, half) turn the first half of the pairs by the column alone and the
// second by the row alone.
std::optional<int64_t> grid_width(const TensorView& cosines, const TensorView& sines) {
  const int64_t positions = cosines.shape[0], half = cosines.shape[2], quarter = half / 2;
  if (half % 2 != 0) return std::nullopt;
  const auto same = [&](int64_t a, int64_t b, int64_t first) {
    for (const TensorView* table : {&cosines, &sines}) {
      const float* data = table->f32().data() + first;
      if (!std::equal(data + a * half, data + a * half + quarter, data + b * half)) return false;
    }
    return true;
  };
  int64_t width = 1;
  while (width < positions && !same(0, width, 0)) ++width;
  if (positions % width != 0) return std::nullopt;
  for (int64_t position = 0; position < positions; ++position)
    if (!same(position, position % width, 0) || !same(position, position - position % width, quarter))
      return std::nullopt;
  return width;
}

// Whether the angles of each column and each row are those of the one before it and of number 1 together, as the kernel
// takes them to be. Table entries are rounded.
bool grow_evenly(const TensorView& cosines, const TensorView& sines, int64_t width) {
  constexpr float kRounding = 1e-4f;
  const int64_t positions = cosines.shape[0], half = cosines.shape[2], quarter = half / 2;
  const auto axis_grows_evenly = [&](int64_t places, int64_t step, int64_t first) {
    const auto near = [](float a, float b) { return std::abs(a - b) < kRounding; };
    for (int64_t place = 0; place < places; ++place)
      for (int64_t i = first; i < first + quarter; ++i) {
        const float* const cosine = cosines.f32().data() + i;
        const float* const sine = sines.f32().data() + i;
        const int64_t at = place * step * half, before = at - step * half, one = step * half;
        const float wanted_cosine = place == 0 ? 1.0f : cosine[before] * cosine[one] - sine[before] * sine[one];
        const float wanted_sine = place == 0 ? 0.0f : sine[before] * cosine[one] + cosine[before] * sine[one];
        if (!near(cosine[at], wanted_cosine) || !near(sine[at], wanted_sine)) return false;
      }
    return true;
  };
  return axis_grows_evenly(width, 1, 0) && axis_grows_evenly(positions / width, width, quarter);
}

// The projection as kernels/axial_attention.h takes it: (2, channels + 1, dim / 2), for the columns' pairs and for the
// rows'.
Tensor key_weight(const ConstantMatMul& keys, const WeightStore& weights) {
  const int64_t channels = keys.rows, half = keys.columns / 2, quarter = keys.columns / 4;
  const std::span<const float> weight = weight_view(keys.right(), weights).f32();
  const std::vector<float> bias = bias_of(keys, weights);
  Tensor ordered({2, channels + 1, half});
  float* to = ordered.f32().data();
  for (int64_t axis = 0; axis < 2; ++axis)
    for (int64_t c = 0; c <= channels; ++c)
      for (int64_t i = 0; i < half; ++i) {
        const int64_t column = (i < quarter ? i : i - quarter + half) + axis * quarter;
        *to++ = c < channels ? weight[keys.place(c, column)] : bias[static_cast<size_t>(column)];
      }
  return ordered;
}

struct AttendByAxes : mlir::OpRewritePattern<AttentionOp> {
  AttendByAxes(mlir::MLIRContext* context, WeightStore& weights, std::map<void*, mlir::Value>& by_position)
      : OpRewritePattern(context), weights_(weights), by_position_(by_position) {}

  mlir::LogicalResult matchAndRewrite(AttentionOp op, mlir::PatternRewriter& rewriter) const override {
    const Shape q = shape_of(op.getQ()), v = shape_of(op.getV());
    const int64_t positions = q[2], dim = q[3], value_channels = v[3];
    if (q[0] != 1 || q[1] != 1 || dim % 4 != 0) return mlir::failure();
    const auto key_parts = parts_of_rows(op.getK()), value_parts = parts_of_rows(op.getV());
    if (!key_parts || !value_parts) return mlir::failure();
    RunOp turned = producer_run(under_other_shapes(key_parts->first), "rotary");
    if (!turned || config_integer(turned, "heads") != 1 || config_integer(turned, "positions") != positions)
      return mlir::failure();
    const mlir::Value cosine_weight = turned.getArguments()[1], sine_weight = turned.getArguments()[2];
    const auto keys = constant_matmul(under_other_shapes(turned.getArguments()[0]));
    if (!keys || keys->columns != dim || 2 * keys->rows > dim) return mlir::failure();
    const int64_t memories = element_count(shape_of(keys->input())) / keys->rows / positions;
    if (element_count(shape_of(value_parts->first)) != memories * positions * value_channels) return mlir::failure();
    const TensorView cosines = weight_view(cosine_weight, weights_), sines = weight_view(sine_weight, weights_);
    const auto width = grid_width(cosines, sines);
    if (!width || !grow_evenly(cosines, sines, *width)) return mlir::failure();

    const int64_t height = positions / *width, tokens = element_count(shape_of(key_parts->second)) / dim;
    const std::string name = name_of(op.getResult());
    const mlir::Value weight = make_weight(rewriter, weights_, name + ".key_weight", key_weight(*keys, weights_));
    Config config(getContext());
    config.set("grid_h", height).set("grid_w", *width).set("dim", dim);
    config.set("key_channels", keys->rows).set("value_channels", value_channels);
    config.set("memories", memories).set("tokens", tokens).set("scale", op.getScale().convertToDouble());
    const mlir::Value result =
        make_run(rewriter, op.getLoc(), "axial_attention",
                 {under_other_shapes(op.getQ()), weight, cosine_weight, sine_weight,
                  of_each_position(keys->input(), memories, positions, keys->rows, rewriter),
                  of_each_position(value_parts->first, memories, positions, value_channels, rewriter),
                  key_parts->second, value_parts->second},
                 {1, positions, value_channels}, config)
            .getResult();
    rewriter.replaceOp(op, make_reshape(rewriter, op.getLoc(), result, {1, 1, positions, value_channels}));
    return mlir::success();
  }

 private:
  // (1, memories positions, channels) as (positions, memories, channels): the same for all layers that read it.
  mlir::Value of_each_position(mlir::Value rows, int64_t memories, int64_t positions, int64_t channels,
                               mlir::PatternRewriter& rewriter) const {
    mlir::Value& known = by_position_[rows.getAsOpaquePointer()];
    if (known) return known;
    const mlir::OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointAfterValue(rows);
    const mlir::Location location = derived_location(rows, ".by_position");
    const mlir::Value split = make_reshape(rewriter, location, rows, {memories, positions, channels});
    return known = make_permute(rewriter, location, split, {1, 0, 2});
  }

  WeightStore& weights_;
  std::map<void*, mlir::Value>& by_position_;
};

}  // namespace

mlir::LogicalResult attend_by_axes(mlir::ModuleOp module, WeightStore& weights) {
  std::map<void*, mlir::Value> by_position;
  mlir::RewritePatternSet patterns(module.getContext());
  patterns.add<AttendByAxes>(module.getContext(), weights, by_position);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc::cpu
