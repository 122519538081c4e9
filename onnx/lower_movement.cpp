#include <algorithm>

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

// A matrix product with the ones that stand on one side of the diagonal.
Status Lowering::cum_sum(const Node& node, const NodeContext& context) {
  constexpr int64_t kMostSummed = 4096;
  SAMC_ASSIGN(const int64_t axis, cum_sum_axis(context));
  const Shape& shape = context.input(0).shape;
  const int64_t extent = shape[static_cast<size_t>(axis)];
  if (extent > kMostSummed) return unsupported(fmt::format("it adds up {} elements", extent));
  const bool exclusive = context.integer("exclusive", 0) != 0;
  const bool reverse = context.integer("reverse", 0) != 0;
  Tensor ones = Tensor::zeros({extent, extent});
  for (int64_t from = 0; from < extent; ++from)
    for (int64_t to = 0; to < extent; ++to)
      if (from == to ? !exclusive : (from < to) != reverse) ones.f32()[static_cast<size_t>(from * extent + to)] = 1;
  mlir::Value x = value(node.inputs[0]);
  std::vector<int64_t> order;
  for (int64_t i = 0; i < context.input(0).rank(); ++i)
    if (i != axis) order.push_back(i);
  order.push_back(axis);
  const bool is_last = axis + 1 == context.input(0).rank();
  if (!is_last) x = builder_.permute(part(node, "turned"), x, order);
  // As rows: top's matrix product wants two axes.
  const mlir::Value rows =
      builder_.reshape(part(node, "rows"), x, {element_count(shape) / std::max<int64_t>(1, extent), extent});
  const mlir::Value sums = builder_.matmul(part(node, "sums"), rows, new_constant(part(node, "ones"), std::move(ones)));
  if (is_last) return finish(node, builder_.reshape(node.outputs[0], sums, shape));
  Shape turned;
  for (const int64_t i : order) turned.push_back(shape[static_cast<size_t>(i)]);
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return finish(node,
                builder_.permute(node.outputs[0], builder_.reshape(part(node, "sums_turned"), sums, turned), back));
}

Status Lowering::arg_max(const Node& node, const NodeContext& context) {
  if (context.integer("select_last_index", 0) != 0) return unsupported("it wants the last of equal values");
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  return finish(node,
                builder_.arg_max(node.outputs[0], value(node.inputs[0]), axis, context.integer("keepdims", 1) != 0));
}

}  // namespace samc::onnx
