#include <algorithm>
#include <cmath>

#include "onnx/evaluate.h"
#include "onnx/lowering.h"

namespace samc::onnx {
namespace {

Status need_images(const NodeContext& context) {
  if (context.input(0).rank() == 4) return Status::ok();
  return unsupported(fmt::format("its operand has the shape {}, samc does this for images (NCHW) only",
                                 shape_to_string(context.input(0).shape)));
}

}  // namespace

Status Lowering::conv(const Node& node, const NodeContext& context) {
  SAMC_TRY(need_images(context));
  SAMC_ASSIGN(const ConvParameters parameters, conv_parameters(context));
  const ConvOptions options{parameters.strides, parameters.pads, parameters.dilations, parameters.group};
  const mlir::Value bias = context.has(2) ? value(node.inputs[2]) : mlir::Value();
  return finish(node, builder_.conv(node.outputs[0], value(node.inputs[0]), value(node.inputs[1]), bias, options));
}

Status Lowering::conv_transpose(const Node& node, const NodeContext& context) {
  SAMC_TRY(need_images(context));
  SAMC_ASSIGN(const ConvParameters parameters, conv_transpose_parameters(context));
  // ONNX has (in, out / group, kh, kw), top (out / group, in, kh, kw).
  mlir::Value filter;
  if (const Value& known = context.input(1); known.constant) {
    const Shape strides = dense_strides(known.shape);
    filter =
        new_constant(node.inputs[1] + "/exchanged",
                     gather_strided(*known.constant, {known.shape[1], known.shape[0], known.shape[2], known.shape[3]},
                                    {strides[1], strides[0], strides[2], strides[3]}, 0));
  } else {
    filter = builder_.permute(part(node, "filter"), value(node.inputs[1]), {1, 0, 2, 3});
  }
  const DeconvOptions options{parameters.strides, parameters.pads, parameters.dilations, parameters.output_padding,
                              parameters.group};
  const mlir::Value bias = context.has(2) ? value(node.inputs[2]) : mlir::Value();
  return finish(node, builder_.deconv(node.outputs[0], value(node.inputs[0]), filter, bias, options));
}

Status Lowering::matmul(const Node& node, const NodeContext& context) {
  mlir::Value a = value(node.inputs[0]);
  mlir::Value b = value(node.inputs[1]);
  if (context.input(0).rank() > 1 && context.input(1).rank() > 1)
    return finish(node, builder_.matmul(node.outputs[0], a, b));
  // A vector is a matrix of one row or column, and the result loses that axis again.
  if (context.input(0).rank() == 1) a = builder_.reshape(part(node, "row"), a, {1, context.input(0).shape[0]});
  if (context.input(1).rank() == 1) b = builder_.reshape(part(node, "column"), b, {context.input(1).shape[0], 1});
  const mlir::Value product = builder_.matmul(part(node, "product"), a, b);
  return finish(node, builder_.reshape(node.outputs[0], product, graph_.value(node.outputs[0]).shape));
}

Status Lowering::gemm(const Node& node, const NodeContext& context) {
  const std::string& name = node.outputs[0];
  const double alpha = static_cast<double>(context.real("alpha", 1.0f));
  const double beta = static_cast<double>(context.real("beta", 1.0f));
  mlir::Value a = value(node.inputs[0]);
  if (context.integer("transA", 0) != 0) a = builder_.permute(part(node, "transposed"), a, {1, 0});
  const bool right_transpose = context.integer("transB", 0) != 0;
  const mlir::Value b = value(node.inputs[1]);
  if (alpha != 1.0 || (context.has(2) && beta != 1.0)) {
    const mlir::Value product = builder_.matmul(part(node, "product"), a, b, {}, right_transpose);
    if (!context.has(2)) return finish(node, builder_.mul_const(name, product, alpha));
    const mlir::Value scaled = builder_.mul_const(part(node, "scaled"), product, alpha);
    const mlir::Value bias = builder_.mul_const(part(node, "bias"), value(node.inputs[2]), beta);
    return finish(node, builder_.add(name, scaled, bias));
  }
  const int64_t columns = graph_.value(name).shape[1];
  if (!context.has(2)) return finish(node, builder_.matmul(name, a, b, {}, right_transpose));
  if (context.input(2).shape == Shape{columns} ||
      (context.input(2).shape == Shape{1, columns} && context.input(2).constant)) {
    const mlir::Value bias = context.input(2).constant ? constant(node.inputs[2], {columns}) : value(node.inputs[2]);
    return finish(node, builder_.matmul(name, a, b, bias, right_transpose));
  }
  const mlir::Value product = builder_.matmul(part(node, "product"), a, b, {}, right_transpose);
  return finish(node, builder_.add(name, product, value(node.inputs[2])));
}

Status Lowering::pool(const Node& node, const NodeContext& context) {
  SAMC_TRY(need_images(context));
  SAMC_ASSIGN(const ConvParameters parameters, pool_parameters(context));
  if (parameters.dilations != Shape{1, 1}) return unsupported("its window is dilated");
  const PoolOptions options{parameters.kernel, parameters.strides, parameters.pads,
                            context.integer("ceil_mode", 0) != 0, context.integer("count_include_pad", 0) != 0};
  const mlir::Value x = value(node.inputs[0]);
  if (node.op == "MaxPool") return finish(node, builder_.max_pool(node.outputs[0], x, options));
  return finish(node, builder_.avg_pool(node.outputs[0], x, options));
}

Status Lowering::global_pool(const Node& node, const NodeContext& context) {
  std::vector<int64_t> axes;
  for (int64_t axis = 2; axis < context.input(0).rank(); ++axis) axes.push_back(axis);
  return finish(node, builder_.reduce(node.outputs[0], value(node.inputs[0]), ReduceMode::kMean, axes, true));
}

Status Lowering::resize(const Node& node, const NodeContext& context) {
  SAMC_TRY(need_images(context));
  SAMC_ASSIGN(const ResizeParameters parameters, resize_parameters(context));
  const Shape& from = context.input(0).shape;
  const Shape& to = parameters.output;
  if (to[0] != from[0] || to[1] != from[1]) return unsupported("it resizes the batch or the channels");
  // The result must be exactly that much larger: top computes the scale from the sizes.
  for (size_t i = 0; i < 4; ++i)
    if (parameters.exact[i] != static_cast<double>(to[i]))
      return unsupported("its scales give no whole number of pixels", "export it with sizes");
  static const std::map<std::string, InterpMode> modes = {
      {"nearest", InterpMode::kNearest}, {"linear", InterpMode::kLinear}, {"cubic", InterpMode::kCubic}};
  static const std::map<std::string, CoordMode> coordinates = {{"half_pixel", CoordMode::kHalfPixel},
                                                               {"pytorch_half_pixel", CoordMode::kPytorchHalfPixel},
                                                               {"align_corners", CoordMode::kAlignCorners},
                                                               {"asymmetric", CoordMode::kAsymmetric}};
  const auto mode = modes.find(parameters.mode);
  const auto coordinate = coordinates.find(parameters.coordinates);
  if (mode == modes.end() || coordinate == coordinates.end())
    return unsupported(fmt::format("it resizes by {} with {} coordinates", parameters.mode, parameters.coordinates));
  if (mode->second == InterpMode::kNearest) {
    // With a whole factor every rule below picks the same pixel.
    const bool whole = from[2] > 0 && from[3] > 0 && to[2] % from[2] == 0 && to[3] % from[3] == 0;
    const bool floor = parameters.coordinates == "asymmetric" && parameters.nearest_mode == "floor";
    const bool centred = parameters.coordinates == "half_pixel" && parameters.nearest_mode.starts_with("round_prefer");
    if (!floor && !(whole && centred))
      return unsupported(fmt::format("it picks the nearest pixel by {} with {} coordinates", parameters.nearest_mode,
                                     parameters.coordinates));
  }
  if (mode->second == InterpMode::kCubic &&
      (std::fabs(parameters.cubic_coefficient + 0.75) > 1e-6 || context.integer("exclude_outside", 0) != 0))
    return unsupported("its cubic weights are not PyTorch's");
  return finish(
      node, builder_.interp(node.outputs[0], value(node.inputs[0]), to[2], to[3], mode->second, coordinate->second));
}

Status Lowering::softmax(const Node& node, const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  SAMC_ASSIGN(const int64_t axis,
              normal_axis(context.integer("axis", context.opset() < 13 ? 1 : -1), context.input(0).rank()));
  const mlir::Value x = value(node.inputs[0]);
  if (context.opset() >= 13 || axis + 1 == context.input(0).rank())
    return finish(node, builder_.softmax(node.outputs[0], x, axis));
  // Before opset 13: over all axes from this one on.
  const std::span<const int64_t> extents(shape);
  const Shape rows = {element_count(extents.first(static_cast<size_t>(axis))),
                      element_count(extents.subspan(static_cast<size_t>(axis)))};
  const mlir::Value flat = builder_.softmax(part(node, "softmax"), builder_.reshape(part(node, "rows"), x, rows), 1);
  return finish(node, builder_.reshape(node.outputs[0], flat, shape));
}

// top's weight and bias are vectors over the normalised axes; ONNX's are broadcast to the operand. What is not such a
// vector, and cannot be made one, is multiplied and added behind the norm.
Status Lowering::layer_norm(const Node& node, const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", -1), context.input(0).rank()));
  const Shape normalised(context.input(0).shape.begin() + axis, context.input(0).shape.end());
  const auto is_vector = [&](size_t i) {
    const Shape& shape = context.input(i).shape;
    if (!context.input(i).constant) return element_count(shape) == element_count(normalised);
    // Extents of 1 in front of the normalised axes.
    const size_t more = shape.size() > normalised.size() ? shape.size() - normalised.size() : 0;
    return std::all_of(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(more),
                       [](int64_t extent) { return extent == 1; });
  };
  const auto parameter = [&](size_t i) {
    return context.input(i).constant ? broadcast_constant(node.inputs[i], normalised) : value(node.inputs[i]);
  };
  const bool has_bias = context.has(2);
  const bool scales = is_vector(1);
  const bool shifts = scales && has_bias && is_vector(2);
  const auto name = [&](bool is_last, const char* what) { return is_last ? node.outputs[0] : part(node, what); };
  mlir::Value x = builder_.layer_norm(name(scales && (shifts || !has_bias), "normalised"), value(node.inputs[0]),
                                      scales ? parameter(1) : mlir::Value(), shifts ? parameter(2) : mlir::Value(),
                                      static_cast<double>(context.real("epsilon", 1e-5f)), axis);
  if (!scales) x = builder_.mul(name(!has_bias, "scaled"), x, value(node.inputs[1]));
  if (has_bias && !shifts) x = builder_.add(node.outputs[0], x, value(node.inputs[2]));
  return finish(node, x);
}

Status Lowering::pixel_norm(const Node& node, const NodeContext& context) {
  const Shape channels = {context.input(0).shape[1]};
  return finish(node, builder_.pixel_norm(node.outputs[0], value(node.inputs[0]), constant(node.inputs[1], channels),
                                          constant(node.inputs[2], channels),
                                          static_cast<double>(context.real("epsilon", 1e-6f))));
}

// With its statistics known: one multiplication and one addition for each channel.
Status Lowering::batch_norm(const Node& node, const NodeContext& context) {
  const int64_t channels = context.input(0).shape[1];
  for (size_t i = 1; i < 5; ++i)
    if (!context.input(i).constant) return unsupported("its statistics depend on the data");
  Shape shape(context.input(0).shape.size(), 1);
  shape[1] = channels;
  Tensor scale(shape);
  Tensor shift(shape);
  const double eps = static_cast<double>(context.real("epsilon", 1e-5f));
  for (int64_t i = 0; i < channels; ++i) {
    const double factor = context.input(1).constant->real(i) / std::sqrt(context.input(4).constant->real(i) + eps);
    scale.f32()[static_cast<size_t>(i)] = static_cast<float>(factor);
    shift.f32()[static_cast<size_t>(i)] =
        static_cast<float>(context.input(2).constant->real(i) - context.input(3).constant->real(i) * factor);
  }
  const mlir::Value scaled =
      builder_.mul(part(node, "scaled"), value(node.inputs[0]), new_constant(part(node, "scale"), std::move(scale)));
  return finish(node, builder_.add(node.outputs[0], scaled, new_constant(part(node, "shift"), std::move(shift))));
}

}  // namespace samc::onnx
