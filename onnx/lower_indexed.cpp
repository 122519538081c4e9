// Looking up places and writing to places. Where the indices are known, both become one look-up of rows.

#include <algorithm>

#include "onnx/evaluate.h"
#include "onnx/lowering.h"

namespace samc::onnx {
namespace {

// Whole numbers that f32 holds exactly, as the top dialect has indices.
constexpr int64_t kMostRows = int64_t{1} << 24;

}  // namespace

Status Lowering::gather(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const std::string& name = node.outputs[0];
  const Value& indices = context.input(1);
  const mlir::Value x = value(node.inputs[0]);
  if (!indices.constant) {
    if (context.input(0).rank() == 0) return invalid_input("it looks up in a scalar");
    return finish(node, builder_.gather(name, x, value(node.inputs[1]), axis));
  }
  SAMC_TRY(need_integers(context, 1));
  const int64_t extent = context.input(0).shape[static_cast<size_t>(axis)];
  const int64_t count = indices.constant->count();
  Tensor normal(indices.shape);
  bool consecutive = true;
  for (int64_t i = 0; i < count; ++i) {
    int64_t index = indices.constant->integer(i);
    if (index < -extent || index >= extent)
      return invalid_input(fmt::format("index {} of an axis of {}", index, extent));
    if (index < 0) index += extent;
    normal.f32()[static_cast<size_t>(i)] = static_cast<float>(index);
    consecutive = consecutive && normal.f32()[static_cast<size_t>(i)] == normal.f32()[0] + static_cast<float>(i);
  }
  if (!consecutive || count == 0)
    return finish(node, builder_.gather(name, x, new_constant(part(node, "indices"), std::move(normal)), axis));
  // A run of elements is a slice, which every target moves better than a look-up.
  const int64_t start = static_cast<int64_t>(normal.f32()[0]);
  if (count == extent && indices.shape.size() == 1) return finish(node, x);
  if (indices.shape.size() == 1) return finish(node, builder_.slice(name, x, axis, start, start + count));
  const mlir::Value run = count == extent ? x : builder_.slice(part(node, "slice"), x, axis, start, start + count);
  return finish(node, builder_.reshape(name, run, graph_.value(name).shape));
}

// Rows of `block` elements of x, the data seen as (rows, block), by number.
Status Lowering::take_rows(const Node& node, mlir::Value x, const std::vector<int64_t>& rows, int64_t block) {
  if (!builder_.is_ok()) return builder_.status();
  const int64_t count = element_count(GraphBuilder::shape(x)) / block;
  if (count > kMostRows) return unsupported("its operand is too large");
  Tensor numbers({static_cast<int64_t>(rows.size())});
  for (size_t i = 0; i < rows.size(); ++i) numbers.f32()[i] = static_cast<float>(rows[i]);
  const mlir::Value table = builder_.reshape(part(node, "table"), x, {count, block});
  const mlir::Value taken =
      builder_.gather(part(node, "rows"), table, new_constant(part(node, "indices"), std::move(numbers)), 0);
  return finish(node, builder_.reshape(node.outputs[0], taken, graph_.value(node.outputs[0]).shape));
}

Status Lowering::gather_elements(const Node& node, const NodeContext& context) {
  if (!context.input(1).constant) return unsupported("its indices depend on the data");
  SAMC_ASSIGN(const std::vector<int64_t> places, element_places(context));
  if (places.empty()) return unsupported("its result is empty");
  return take_rows(node, value(node.inputs[0]), places, 1);
}

Status Lowering::gather_nd(const Node& node, const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  const Value& indices = context.input(1);
  if (element_count(graph_.value(node.outputs[0]).shape) == 0) return unsupported("its result is empty");
  if (indices.constant) {
    SAMC_ASSIGN(BlockPlaces places, block_places(context, context.integer("batch_dims", 0)));
    for (int64_t& start : places.starts) start /= places.block;
    return take_rows(node, value(node.inputs[0]), places.starts, places.block);
  }
  if (context.integer("batch_dims", 0) != 0) return unsupported("its indices depend on the data, with batch_dims");
  // The number of the row that each tuple points to: its product with the strides, after + extent where an index is
  // below 0.
  const int64_t depth = indices.shape.back();
  if (depth == 0) return unsupported("its indices are empty");
  const size_t axes = static_cast<size_t>(depth);
  const int64_t block = element_count(std::span(shape).subspan(axes));
  const int64_t rows = element_count(shape) / block;
  if (rows > kMostRows) return unsupported("its operand is too large");
  const Shape strides = dense_strides(shape);
  Tensor extents({1, depth});
  Tensor steps({depth, 1});
  for (size_t k = 0; k < axes; ++k) {
    extents.f32()[k] = static_cast<float>(shape[k]);
    const int64_t rows_of_step = strides[k] / block;
    steps.f32()[k] = static_cast<float>(rows_of_step);
  }
  const int64_t tuples = element_count(indices.shape) / depth;
  const mlir::Value tuple = builder_.reshape(part(node, "tuples"), value(node.inputs[1]), {tuples, depth});
  const mlir::Value below = builder_.compare_const(part(node, "below"), tuple, 0.0, CompareMode::kLess);
  const mlir::Value whole =
      builder_.mul(part(node, "extents"), below, new_constant(part(node, "extent"), std::move(extents)));
  const mlir::Value settled = builder_.add(part(node, "settled"), tuple, whole);
  const mlir::Value numbers =
      builder_.matmul(part(node, "numbers"), settled, new_constant(part(node, "steps"), std::move(steps)));
  const mlir::Value table = builder_.reshape(part(node, "table"), value(node.inputs[0]), {rows, block});
  const mlir::Value taken =
      builder_.gather(part(node, "rows"), table, builder_.reshape(part(node, "row_numbers"), numbers, {tuples}), 0);
  return finish(node, builder_.reshape(node.outputs[0], taken, graph_.value(node.outputs[0]).shape));
}

// ScatterND and ScatterElements with known indices. Updates that fill a block of the data along one axis: the data
// before it, the updates, the data behind it. Else each row comes from the data or from the updates.
Status Lowering::scatter(const Node& node, const NodeContext& context) {
  if (!context.input(1).constant) return unsupported("its indices depend on the data");
  if (context.text("reduction", "none") != "none") return unsupported("it reduces while it scatters");
  const Shape& shape = context.input(0).shape;
  const int64_t count = element_count(shape);
  const int64_t updates = element_count(context.input(2).shape);
  if (updates == 0) return finish(node, value(node.inputs[0]));
  if (count > kMostEvaluatedElements) return unsupported("its operand is too large");
  BlockPlaces written{1, {}};
  if (node.op == "ScatterND") {
    SAMC_ASSIGN(written, block_places(context));
  } else {
    SAMC_ASSIGN(written.starts, element_places(context));
  }
  const int64_t block = written.block;
  // Which row of the updates each row of the data becomes; -1: none. Of several the last, as they are written in order.
  std::vector<int64_t> source(static_cast<size_t>(count / block), -1);
  for (size_t i = 0; i < written.starts.size(); ++i)
    source[static_cast<size_t>(written.starts[i] / block)] = static_cast<int64_t>(i);
  if (const std::optional<Run> run = find_run(source, block, shape)) return replace_run(node, context, *run);

  std::vector<int64_t> rows(source.size());
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i] = source[i] < 0 ? static_cast<int64_t>(i) : count / block + source[i];
  const mlir::Value data = builder_.reshape(part(node, "data"), value(node.inputs[0]), {count / block, block});
  const mlir::Value update = builder_.reshape(part(node, "updates"), value(node.inputs[2]), {updates / block, block});
  return take_rows(node, builder_.concat(part(node, "both"), {data, update}, 0), rows, block);
}

// Updates in order, all of them, that fill [begin, end) of one axis and all of the others.
std::optional<Lowering::Run> Lowering::find_run(const std::vector<int64_t>& source, int64_t block, const Shape& shape) {
  const auto first = std::find(source.begin(), source.end(), 0);
  const auto last = std::max_element(source.begin(), source.end());
  if (first == source.end()) return std::nullopt;
  const Shape strides = dense_strides(shape);
  const int64_t from = (first - source.begin()) * block;
  const int64_t to = (last - source.begin()) * block + block - 1;
  Shape filled;
  Run run;
  std::optional<size_t> cut;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t begin = from / strides[axis] % shape[axis];
    const int64_t end = to / strides[axis] % shape[axis] + 1;
    filled.push_back(end - begin);
    if (end <= begin) return std::nullopt;
    if (end - begin == shape[axis]) continue;
    if (cut) return std::nullopt;
    cut = axis;
    run = {static_cast<int64_t>(axis), begin, end};
  }
  const int64_t rows = element_count(filled) / block;
  if (rows != *last + 1) return std::nullopt;
  const std::vector<int64_t> offsets = walk_offsets(filled, strides, from);
  for (size_t i = 0; i < offsets.size(); ++i)
    if (source[static_cast<size_t>(offsets[i] / block)] != static_cast<int64_t>(i) / block) return std::nullopt;
  return run;
}

Status Lowering::replace_run(const Node& node, const NodeContext& context, const Run& run) {
  const Shape& shape = context.input(0).shape;
  const mlir::Value source = value(node.inputs[2]);
  if (run.begin == run.end) return finish(node, builder_.reshape(node.outputs[0], source, shape));
  Shape filled = shape;
  const size_t axis = static_cast<size_t>(run.axis);
  filled[axis] = run.end - run.begin;
  const mlir::Value middle =
      context.input(2).shape == filled ? source : builder_.reshape(part(node, "updates"), source, filled);
  const mlir::Value data = value(node.inputs[0]);
  std::vector<mlir::Value> parts;
  if (run.begin > 0) parts.push_back(builder_.slice(part(node, "before"), data, run.axis, 0, run.begin));
  parts.push_back(middle);
  if (run.end < shape[axis])
    parts.push_back(builder_.slice(part(node, "behind"), data, run.axis, run.end, shape[axis]));
  return finish(node, builder_.concat(node.outputs[0], parts, run.axis));
}

}  // namespace samc::onnx
