#include <algorithm>
#include <cmath>
#include <limits>

#include "onnx/ops.h"

namespace samc::onnx {
namespace {

// SAME_UPPER and SAME_LOWER: as many as keep ceil(in / stride).
void same_pads(const std::string& auto_pad, const Shape& input, ConvParameters& parameters) {
  const size_t spatial = parameters.kernel.size();
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t output = (input[i] + parameters.strides[i] - 1) / parameters.strides[i];
    const int64_t reach = (parameters.kernel[i] - 1) * parameters.dilations[i] + 1;
    const int64_t total = std::max<int64_t>(0, (output - 1) * parameters.strides[i] + reach - input[i]);
    const int64_t less = total / 2;
    parameters.pads[i] = auto_pad == "SAME_UPPER" ? less : total - less;
    parameters.pads[spatial + i] = total - parameters.pads[i];
  }
}

Result<ConvParameters> window_parameters(const NodeContext& context, const Shape& kernel) {
  const size_t spatial = kernel.size();
  ConvParameters parameters;
  parameters.kernel = context.integers("kernel_shape").value_or(kernel);
  parameters.strides = context.integers("strides").value_or(Shape(spatial, 1));
  parameters.pads = context.integers("pads").value_or(Shape(2 * spatial, 0));
  parameters.dilations = context.integers("dilations").value_or(Shape(spatial, 1));
  parameters.output_padding = context.integers("output_padding").value_or(Shape(spatial, 0));
  parameters.group = context.integer("group", 1);
  if (parameters.kernel != kernel || parameters.strides.size() != spatial || parameters.pads.size() != 2 * spatial ||
      parameters.dilations.size() != spatial || parameters.output_padding.size() != spatial || parameters.group < 1 ||
      parameters.group > kMostElements)
    return invalid_input("kernel_shape, strides, pads or dilations do not fit the operands");
  constexpr int64_t kLargest = 1 << 20;
  for (const Shape* list : {&parameters.kernel, &parameters.strides, &parameters.dilations})
    for (const int64_t value : *list)
      if (value < 1 || value > kLargest) return invalid_input(fmt::format("a window has the extent or step {}", value));
  for (const Shape* list : {&parameters.pads, &parameters.output_padding})
    for (const int64_t value : *list)
      if (value < 0 || value > kLargest) return unsupported(fmt::format("a window has the padding {}", value));
  return parameters;
}

Status window_output(const NodeContext& context, const Shape& input, bool ceil_mode, ConvParameters& parameters) {
  const std::string auto_pad = context.text("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") same_pads(auto_pad, input, parameters);
  const size_t spatial = parameters.kernel.size();
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t reach = (parameters.kernel[i] - 1) * parameters.dilations[i] + 1;
    const int64_t room = input[i] + parameters.pads[i] + parameters.pads[spatial + i] - reach;
    if (room < 0)
      return invalid_input(fmt::format("a window of {} does not fit into {}", reach, shape_to_string(input)));
    const int64_t stride = parameters.strides[i];
    int64_t extent = (ceil_mode ? (room + stride - 1) / stride : room / stride) + 1;
    // A window that would begin in the padding after the end is not one.
    if (ceil_mode && (extent - 1) * stride >= input[i] + parameters.pads[i]) --extent;
    parameters.output.push_back(extent);
  }
  return Status::ok();
}

Result<Shape> spatial_extents(const Value& value, int64_t least_rank) {
  if (value.rank() < least_rank)
    return invalid_input(fmt::format("an operand has the shape {}", shape_to_string(value.shape)));
  return Shape(value.shape.begin() + 2, value.shape.end());
}

}  // namespace

const Value& NodeContext::input(size_t i) const {
  SAMC_CHECK(has(i), "{} has no operand {}", node_.place(), i);
  return *inputs_[i];
}

Status NodeContext::need_inputs(size_t least, size_t most) const {
  size_t present = 0;
  while (present < inputs_.size() && inputs_[present] != nullptr) ++present;
  if (present < least || inputs_.size() > most)
    return invalid_input(fmt::format("it has {} operands", inputs_.size()), "the file is damaged: export it again");
  return Status::ok();
}

int64_t NodeContext::integer(const std::string& attribute, int64_t otherwise) const {
  const Attribute* found = node_.find(attribute);
  return found == nullptr || found->kind != Attribute::Kind::kInt ? otherwise : found->integer;
}

float NodeContext::real(const std::string& attribute, float otherwise) const {
  const Attribute* found = node_.find(attribute);
  return found == nullptr || found->kind != Attribute::Kind::kFloat ? otherwise : found->real;
}

std::string NodeContext::text(const std::string& attribute, const std::string& otherwise) const {
  const Attribute* found = node_.find(attribute);
  return found == nullptr || found->kind != Attribute::Kind::kString ? otherwise : found->text;
}

std::optional<std::vector<int64_t>> NodeContext::integers(const std::string& attribute) const {
  const Attribute* found = node_.find(attribute);
  if (found == nullptr || found->kind != Attribute::Kind::kInts) return std::nullopt;
  return found->integers;
}

Result<std::vector<int64_t>> NodeContext::constant_integers(size_t i) const {
  const Value& value = input(i);
  if (!value.constant)
    return unsupported(fmt::format("its operand {} depends on the data, where a constant is needed", node_.inputs[i]),
                       "samc compiles static shapes: export with fixed shapes");
  if (value.dtype == DType::kF32)
    return invalid_input(fmt::format("its operand {} is not of integers", node_.inputs[i]));
  if (value.constant->count() > (1 << 20))
    return invalid_input(fmt::format("its operand {} is too long", node_.inputs[i]));
  std::vector<int64_t> integers(static_cast<size_t>(value.constant->count()));
  for (size_t k = 0; k < integers.size(); ++k) integers[k] = value.constant->integer(static_cast<int64_t>(k));
  return integers;
}

Result<double> NodeContext::constant_scalar(size_t i) const {
  const Value& value = input(i);
  if (!value.constant)
    return unsupported(fmt::format("its operand {} depends on the data, where a constant is needed", node_.inputs[i]));
  if (value.constant->count() != 1)
    return invalid_input(fmt::format("its operand {} is not a scalar", node_.inputs[i]));
  return value.constant->real(0);
}

Result<std::optional<std::vector<int64_t>>> NodeContext::list(const std::string& attribute, size_t operand) const {
  if (has(operand)) {
    SAMC_ASSIGN(std::vector<int64_t> found, constant_integers(operand));
    return std::optional(std::move(found));
  }
  return integers(attribute);
}

Result<int64_t> normal_axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) return invalid_input(fmt::format("axis {} of a tensor with {} axes", axis, rank));
  return axis < 0 ? axis + rank : axis;
}

Result<std::vector<int64_t>> normal_axes(std::vector<int64_t> axes, int64_t rank) {
  if (rank > static_cast<int64_t>(kHighestRank)) return invalid_input(fmt::format("a tensor of {} axes", rank));
  for (int64_t& axis : axes) {
    SAMC_ASSIGN(axis, normal_axis(axis, rank));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) return invalid_input("an axis is named twice");
  return axes;
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t from_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t from_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1)
      return invalid_input(fmt::format("shapes {} and {} do not broadcast", shape_to_string(a), shape_to_string(b)));
    result[result.size() - 1 - i] = from_a == 1 ? from_b : from_a;
  }
  return result;
}

Result<SliceParameters> slice_parameters(const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  SAMC_ASSIGN(const std::vector<int64_t> starts, context.constant_integers(1));
  SAMC_ASSIGN(const std::vector<int64_t> ends, context.constant_integers(2));
  std::vector<int64_t> axes(starts.size());
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (context.has(3)) {
    SAMC_ASSIGN(axes, context.constant_integers(3));
  }
  std::vector<int64_t> steps(starts.size(), 1);
  if (context.has(4)) {
    SAMC_ASSIGN(steps, context.constant_integers(4));
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return invalid_input("starts, ends, axes and steps have different lengths");
  SliceParameters parameters{Shape(shape.size(), 0), Shape(shape.size(), 1), shape};
  for (size_t i = 0; i < axes.size(); ++i) {
    SAMC_ASSIGN(const int64_t normal, normal_axis(axes[i], context.input(0).rank()));
    const size_t axis = static_cast<size_t>(normal);
    const int64_t extent = shape[axis];
    const int64_t step = steps[i];
    if (step == 0 || step == std::numeric_limits<int64_t>::min()) return invalid_input("a slice has step 0");
    const auto settle = [&](int64_t place, int64_t low, int64_t high) {
      return std::clamp(place < 0 ? (place < -extent ? int64_t{-1} : place + extent) : place, low, high);
    };
    if (extent == 0) {
      parameters.extents[axis] = 0;
    } else if (step > 0) {
      const int64_t start = settle(starts[i], 0, extent);
      const int64_t end = settle(ends[i], 0, extent);
      parameters.starts[axis] = start;
      parameters.extents[axis] = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
      const int64_t start = settle(starts[i], 0, extent - 1);
      const int64_t end = settle(ends[i], -1, extent - 1);
      parameters.starts[axis] = start;
      parameters.extents[axis] = start > end ? (start - end - 1) / -step + 1 : 0;
    }
    parameters.steps[axis] = parameters.extents[axis] > 1 ? step : 1;
  }
  return parameters;
}

Result<PadParameters> pad_parameters(const NodeContext& context) {
  const size_t rank = context.input(0).shape.size();
  PadParameters parameters{Shape(rank, 0), Shape(rank, 0), context.text("mode", "constant")};
  SAMC_ASSIGN(const std::vector<int64_t> pads, context.constant_integers(1));
  std::vector<int64_t> axes(rank);
  for (size_t i = 0; i < rank; ++i) axes[i] = static_cast<int64_t>(i);
  if (context.has(3)) {  // since opset 18
    SAMC_ASSIGN(axes, context.constant_integers(3));
    for (int64_t& axis : axes) {
      SAMC_ASSIGN(axis, normal_axis(axis, static_cast<int64_t>(rank)));
    }
  }
  if (pads.size() != 2 * axes.size())
    return invalid_input(fmt::format("{} pads for {} axes", pads.size(), axes.size()));
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = static_cast<size_t>(axes[i]);
    parameters.before[axis] = pads[i];
    parameters.after[axis] = pads[axes.size() + i];
    const int64_t extent = context.input(0).shape[axis];
    if (pads[i] < -extent || pads[axes.size() + i] < -extent || pads[i] > kMostElements ||
        pads[axes.size() + i] > kMostElements || extent + pads[i] + pads[axes.size() + i] < 0)
      return invalid_input(fmt::format("pads {} and {} of an axis of {}", pads[i], pads[axes.size() + i], extent));
  }
  if (context.has(2) && context.node().inputs.size() > 2) {
    SAMC_ASSIGN(parameters.value, context.constant_scalar(2));
  }
  return parameters;
}

Result<ConvParameters> conv_parameters(const NodeContext& context) {
  SAMC_ASSIGN(const Shape input, spatial_extents(context.input(0), 3));
  SAMC_ASSIGN(const Shape kernel, spatial_extents(context.input(1), 3));
  if (kernel.size() != input.size()) return invalid_input("the filter's rank is not that of the operand");
  SAMC_ASSIGN(ConvParameters parameters, window_parameters(context, kernel));
  const Shape& filter = context.input(1).shape;
  if (context.input(0).shape[1] != filter[1] * parameters.group || filter[0] % parameters.group != 0)
    return invalid_input(fmt::format("a filter {} in {} groups does not fit {}", shape_to_string(filter),
                                     parameters.group, shape_to_string(context.input(0).shape)));
  SAMC_TRY(window_output(context, input, false, parameters));
  return parameters;
}

Result<ConvParameters> conv_transpose_parameters(const NodeContext& context) {
  SAMC_ASSIGN(const Shape input, spatial_extents(context.input(0), 3));
  SAMC_ASSIGN(const Shape kernel, spatial_extents(context.input(1), 3));
  if (kernel.size() != input.size()) return invalid_input("the filter's rank is not that of the operand");
  SAMC_ASSIGN(ConvParameters parameters, window_parameters(context, kernel));
  if (context.integers("output_shape") || context.text("auto_pad", "NOTSET") != "NOTSET")
    return unsupported("it has output_shape or auto_pad", "export it with explicit pads");
  if (context.input(0).shape[1] != context.input(1).shape[0])
    return invalid_input("the filter does not fit the operand");
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t extent = parameters.strides[i] * (input[i] - 1) + parameters.output_padding[i] +
                           (kernel[i] - 1) * parameters.dilations[i] + 1 - parameters.pads[i] -
                           parameters.pads[kernel.size() + i];
    if (extent < 1) return invalid_input("its result would be empty");
    parameters.output.push_back(extent);
  }
  return parameters;
}

Result<ConvParameters> pool_parameters(const NodeContext& context) {
  SAMC_ASSIGN(const Shape input, spatial_extents(context.input(0), 3));
  const std::optional<std::vector<int64_t>> kernel = context.integers("kernel_shape");
  if (!kernel || kernel->size() != input.size()) return invalid_input("kernel_shape does not fit the operand");
  SAMC_ASSIGN(ConvParameters parameters, window_parameters(context, *kernel));
  SAMC_TRY(window_output(context, input, context.integer("ceil_mode", 0) != 0, parameters));
  return parameters;
}

Result<ResizeParameters> resize_parameters(const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  ResizeParameters parameters{.output = shape,
                              .exact = {shape.begin(), shape.end()},
                              .mode = context.text("mode", "nearest"),
                              .coordinates = context.text("coordinate_transformation_mode", "half_pixel"),
                              .nearest_mode = context.text("nearest_mode", "round_prefer_floor"),
                              .cubic_coefficient = static_cast<double>(context.real("cubic_coeff_a", -0.75f))};
  if (context.integer("antialias", 0) != 0) return unsupported("it resizes with antialiasing");
  if (context.text("keep_aspect_ratio_policy", "stretch") != "stretch") return unsupported("it keeps the aspect ratio");
  std::vector<int64_t> axes(shape.size());
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (const auto given = context.integers("axes")) {  // since opset 18
    axes = *given;
    for (int64_t& axis : axes) {
      SAMC_ASSIGN(axis, normal_axis(axis, context.input(0).rank()));
    }
  }
  const bool has_scales = context.has(2) && context.input(2).shape != Shape{0};
  if (context.has(3)) {
    SAMC_ASSIGN(const std::vector<int64_t> sizes, context.constant_integers(3));
    if (sizes.size() != axes.size()) return invalid_input("sizes do not fit the operand");
    for (size_t i = 0; i < axes.size(); ++i) {
      parameters.output[static_cast<size_t>(axes[i])] = sizes[i];
      parameters.exact[static_cast<size_t>(axes[i])] = static_cast<double>(sizes[i]);
    }
  } else if (has_scales) {
    const Value& scales = context.input(2);
    if (!scales.constant) return unsupported("its scales depend on the data");
    if (scales.constant->count() != static_cast<int64_t>(axes.size()))
      return invalid_input("scales do not fit the operand");
    for (size_t i = 0; i < axes.size(); ++i) {
      const size_t axis = static_cast<size_t>(axes[i]);
      parameters.exact[axis] = static_cast<double>(shape[axis]) * scales.constant->real(static_cast<int64_t>(i));
      const double extent = std::floor(parameters.exact[axis]);
      if (!(extent >= 0 && extent <= static_cast<double>(kMostElements)))
        return invalid_input("a scale is out of range");
      parameters.output[axis] = static_cast<int64_t>(extent);
    }
  } else {
    return invalid_input("it has neither scales nor sizes");
  }
  return parameters;
}

Result<int64_t> cum_sum_axis(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> axis, context.constant_integers(1));
  if (axis.size() != 1) return invalid_input("its axis is not one number");
  return normal_axis(axis[0], context.input(0).rank());
}

Result<ReduceParameters> reduce_parameters(const NodeContext& context) {
  const int64_t rank = context.input(0).rank();
  ReduceParameters parameters{{}, context.integer("keepdims", 1) != 0};
  SAMC_ASSIGN(const std::optional<std::vector<int64_t>> axes, context.list("axes", 1));
  if (axes && !axes->empty()) {
    SAMC_ASSIGN(parameters.axes, normal_axes(*axes, rank));
  } else if (context.integer("noop_with_empty_axes", 0) == 0) {
    for (int64_t i = 0; i < rank; ++i) parameters.axes.push_back(i);
  }
  return parameters;
}

Result<std::vector<int64_t>> split_sizes(const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const int64_t extent = context.input(0).shape[static_cast<size_t>(axis)];
  const int64_t parts = static_cast<int64_t>(context.node().outputs.size());
  SAMC_ASSIGN(std::optional<std::vector<int64_t>> sizes, context.list("split", 1));
  if (!sizes) {
    // Equal parts; since opset 18 the last may be smaller.
    if (parts == 0 || (context.opset() < 18 && extent % parts != 0) || context.integer("num_outputs", parts) != parts)
      return invalid_input(fmt::format("{} elements do not split into {} parts", extent, parts));
    const int64_t size = (extent + parts - 1) / parts;
    sizes.emplace();
    for (int64_t i = 0; i < parts; ++i) sizes->push_back(std::clamp<int64_t>(extent - i * size, 0, size));
  }
  int64_t sum = 0;
  for (const int64_t size : *sizes) {
    if (size < 0 || size > extent) return invalid_input(fmt::format("a part has {} of {} elements", size, extent));
    sum += size;
  }
  if (static_cast<int64_t>(sizes->size()) != parts || sum != extent)
    return invalid_input(
        fmt::format("{} parts of {} elements together for {} results of {}", sizes->size(), sum, parts, extent));
  return *sizes;
}

Result<std::vector<int64_t>> transpose_order(const NodeContext& context) {
  const int64_t rank = context.input(0).rank();
  std::vector<int64_t> order;
  for (int64_t i = rank; i-- > 0;) order.push_back(i);
  order = context.integers("perm").value_or(order);
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i)) return invalid_input("perm is not a permutation");
  if (static_cast<int64_t>(sorted.size()) != rank) return invalid_input("perm does not fit the operand");
  return order;
}

Result<Shape> reshape_shape(const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  SAMC_ASSIGN(Shape wanted, context.constant_integers(1));
  int64_t known = 1;
  std::optional<size_t> open;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && context.integer("allowzero", 0) == 0) {
      if (i >= shape.size()) return invalid_input("a 0 in the shape has no extent to copy");
      wanted[i] = shape[i];
    }
    if (wanted[i] == -1) {
      if (open) return invalid_input("the shape holds -1 twice");
      open = i;
    } else if (wanted[i] < 0 || __builtin_mul_overflow(known, wanted[i], &known)) {
      return invalid_input(fmt::format("the shape {} is impossible", shape_to_string(wanted)));
    }
  }
  const int64_t count = element_count(shape);
  if (open) {
    if (known == 0 || count % known != 0)
      return invalid_input(fmt::format("{} does not reshape to {}", shape_to_string(shape), shape_to_string(wanted)));
    wanted[*open] = count / known;
    known *= wanted[*open];
  }
  if (known != count)
    return invalid_input(fmt::format("{} does not reshape to {}", shape_to_string(shape), shape_to_string(wanted)));
  return wanted;
}

Result<std::vector<int64_t>> squeeze_axes(const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  SAMC_ASSIGN(std::optional<std::vector<int64_t>> axes, context.list("axes", 1));
  if (!axes) {
    axes.emplace();
    for (size_t i = 0; i < shape.size(); ++i)
      if (shape[i] == 1) axes->push_back(static_cast<int64_t>(i));
  }
  SAMC_ASSIGN(const std::vector<int64_t> normal, normal_axes(*axes, context.input(0).rank()));
  for (const int64_t axis : normal)
    if (shape[static_cast<size_t>(axis)] != 1)
      return invalid_input(fmt::format("axis {} of {} is not 1", axis, shape_to_string(shape)));
  return normal;
}

Result<std::vector<int64_t>> unsqueeze_axes(const NodeContext& context) {
  SAMC_ASSIGN(const std::optional<std::vector<int64_t>> axes, context.list("axes", 1));
  if (!axes) return invalid_input("it has no axes");
  return normal_axes(*axes, context.input(0).rank() + static_cast<int64_t>(axes->size()));
}

Result<DType> cast_type(const NodeContext& context) {
  if (context.node().op == "CastLike") return context.input(1).dtype;
  switch (context.integer("to", 0)) {
    case 1:
    case 10:
    case 11:
    case 16:
      return DType::kF32;
    case 2:
      return DType::kU8;
    case 3:
      return DType::kI8;
    case 5:
      return DType::kI16;
    case 6:
      return DType::kI32;
    case 7:
      return DType::kI64;
    case 9:
      return DType::kBool;
    default:
      return unsupported(fmt::format("it casts to type {}", context.integer("to", 0)), "export the model in float32");
  }
}

}  // namespace samc::onnx
