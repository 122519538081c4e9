#include <algorithm>

#include "onnx/evaluate.h"
#include "onnx/lowering.h"

namespace samc::onnx {

Status Lowering::reshape(const Node& node, const NodeContext&) {
  return finish(node, builder_.reshape(node.outputs[0], value(node.inputs[0]), graph_.value(node.outputs[0]).shape));
}

Status Lowering::transpose(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> order, transpose_order(context));
  return finish(node, builder_.permute(node.outputs[0], value(node.inputs[0]), order));
}

Status Lowering::concat(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  std::vector<mlir::Value> parts;
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (element_count(context.input(i).shape) > 0) parts.push_back(value(node.inputs[i]));
  if (parts.size() == 1) return finish(node, parts[0]);
  return finish(node, builder_.concat(node.outputs[0], parts, axis));
}

Status Lowering::slice(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const SliceParameters slice, slice_parameters(context));
  const Shape& shape = context.input(0).shape;
  std::vector<size_t> cut;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (slice.steps[axis] < 0) return unsupported("it goes backwards through data", "flip the data before the model");
    if (slice.extents[axis] == 0) return unsupported("its result is empty");
    if (slice.extents[axis] != shape[axis]) cut.push_back(axis);
  }
  mlir::Value x = value(node.inputs[0]);
  for (size_t i = 0; i < cut.size(); ++i) {
    const size_t axis = cut[i];
    const std::string name = i + 1 == cut.size() ? node.outputs[0] : part(node, fmt::format("axis{}", axis));
    const int64_t end = slice.starts[axis] + (slice.extents[axis] - 1) * slice.steps[axis] + 1;
    x = builder_.slice(name, x, static_cast<int64_t>(axis), slice.starts[axis], end, slice.steps[axis]);
  }
  return finish(node, x);
}

// Slices: an unused part costs nothing then.
Status Lowering::split(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> sizes, split_sizes(context));
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const mlir::Value x = value(node.inputs[0]);
  int64_t start = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (!node.outputs[i].empty() && sizes[i] > 0)
      set(node.outputs[i], builder_.slice(node.outputs[i], x, axis, start, start + sizes[i]));
    start += sizes[i];
  }
  return builder_.status();
}

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

// With known indices that fill a block of the data: the data before it, the updates, the data behind it.
Status Lowering::scatter_nd(const Node& node, const NodeContext& context) {
  const Value& indices = context.input(1);
  if (!indices.constant) return unsupported("its indices depend on the data");
  if (context.text("reduction", "none") != "none") return unsupported("it reduces while it scatters");
  const Shape& shape = context.input(0).shape;
  // Where each update goes: scatter their numbers, 1 and up, into zeros.
  const int64_t updates = element_count(context.input(2).shape);
  if (updates == 0) return finish(node, value(node.inputs[0]));
  if (element_count(shape) > kMostEvaluatedElements) return unsupported("its operand is too large");
  Tensor zeros(DType::kI64, shape);
  std::fill(zeros.as<int64_t>().begin(), zeros.as<int64_t>().end(), int64_t{0});
  Tensor numbers(DType::kI64, context.input(2).shape);
  for (int64_t i = 0; i < updates; ++i) numbers.as<int64_t>()[static_cast<size_t>(i)] = i + 1;
  const Value data_value{DType::kI64, shape, Constant::of(std::move(zeros)), false};
  const Value number_value{DType::kI64, context.input(2).shape, Constant::of(std::move(numbers)), false};
  SAMC_ASSIGN(const std::vector<Tensor> scattered,
              evaluate_scatter_nd(NodeContext(node, context.opset(), {&data_value, &indices, &number_value})));
  const std::span<const int64_t> places = scattered[0].as<int64_t>();

  const Shape strides = dense_strides(shape);
  const int64_t first = std::find(places.begin(), places.end(), 1) - places.begin();
  const int64_t last = std::find(places.begin(), places.end(), updates) - places.begin();
  const int64_t count = static_cast<int64_t>(places.size());
  if (first == count || last == count) return unsupported("it writes an element twice");
  Shape start;
  Shape block;
  std::vector<size_t> cut;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    start.push_back(first / strides[axis] % shape[axis]);
    block.push_back(last / strides[axis] % shape[axis] - start[axis] + 1);
    if (block[axis] != shape[axis]) cut.push_back(axis);
  }
  Status elsewhere = unsupported("it writes to places that are not one block along one axis");
  if (cut.size() > 1 || std::any_of(block.begin(), block.end(), [](int64_t extent) { return extent < 1; }) ||
      element_count(block) != updates)
    return elsewhere;
  const std::vector<int64_t> offsets = walk_offsets(block, strides, first);
  for (size_t i = 0; i < offsets.size(); ++i)
    if (places[static_cast<size_t>(offsets[i])] != static_cast<int64_t>(i) + 1) return elsewhere;

  const mlir::Value source = value(node.inputs[2]);
  if (cut.empty()) return finish(node, builder_.reshape(node.outputs[0], source, shape));
  const mlir::Value middle =
      context.input(2).shape == block ? source : builder_.reshape(part(node, "updates"), source, block);
  const int64_t axis = static_cast<int64_t>(cut[0]);
  const int64_t begin = start[cut[0]];
  const int64_t end = begin + block[cut[0]];
  const mlir::Value data = value(node.inputs[0]);
  std::vector<mlir::Value> parts;
  if (begin > 0) parts.push_back(builder_.slice(part(node, "before"), data, axis, 0, begin));
  parts.push_back(middle);
  if (end < shape[cut[0]]) parts.push_back(builder_.slice(part(node, "behind"), data, axis, end, shape[cut[0]]));
  return finish(node, builder_.concat(node.outputs[0], parts, axis));
}

Status Lowering::expand(const Node& node, const NodeContext&) {
  return finish(node, builder_.expand(node.outputs[0], value(node.inputs[0]), graph_.value(node.outputs[0]).shape));
}

Status Lowering::tile(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> repeats, context.constant_integers(1));
  return finish(node, builder_.tile(node.outputs[0], value(node.inputs[0]), repeats));
}

Status Lowering::pad(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const PadParameters pad, pad_parameters(context));
  static const std::map<std::string, PadMode> modes = {
      {"constant", PadMode::kConstant}, {"reflect", PadMode::kReflect}, {"edge", PadMode::kEdge}};
  const auto mode = modes.find(pad.mode);
  if (mode == modes.end()) return unsupported(fmt::format("it pads in the mode {}", pad.mode));
  for (const Shape* side : {&pad.before, &pad.after})
    if (std::any_of(side->begin(), side->end(), [](int64_t extent) { return extent < 0; }))
      return unsupported("it cuts with negative pads", "export it as a slice");
  return finish(node,
                builder_.pad(node.outputs[0], value(node.inputs[0]), pad.before, pad.after, pad.value, mode->second));
}

Status Lowering::reduce(const Node& node, const NodeContext& context) {
  static const std::map<std::string, ReduceMode> modes = {
      {"ReduceL2", ReduceMode::kL2},   {"ReduceMax", ReduceMode::kMax},   {"ReduceMean", ReduceMode::kMean},
      {"ReduceMin", ReduceMode::kMin}, {"ReduceProd", ReduceMode::kProd}, {"ReduceSum", ReduceMode::kSum}};
  SAMC_ASSIGN(const ReduceParameters parameters, reduce_parameters(context));
  const mlir::Value x = value(node.inputs[0]);
  if (parameters.axes.empty()) return finish(node, node.op == "ReduceL2" ? builder_.abs(node.outputs[0], x) : x);
  return finish(node, builder_.reduce(node.outputs[0], x, modes.at(node.op), parameters.axes, parameters.keep_dims));
}

Status Lowering::arg_max(const Node& node, const NodeContext& context) {
  if (context.integer("select_last_index", 0) != 0) return unsupported("it wants the last of equal values");
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  return finish(node,
                builder_.arg_max(node.outputs[0], value(node.inputs[0]), axis, context.integer("keepdims", 1) != 0));
}

}  // namespace samc::onnx
