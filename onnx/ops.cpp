#include "onnx/ops.h"

#include <algorithm>
#include <array>

namespace samc::onnx {
namespace {

using Types = Result<std::vector<Type>>;

Types same(const Type& type) { return std::vector<Type>{type}; }
Types same_type(const NodeContext& context) { return same({context.input(0).dtype, context.input(0).shape}); }

Types elementwise(const NodeContext& context) {
  Shape shape = context.input(0).shape;
  for (size_t i = 1; i < context.input_count(); ++i) {
    SAMC_ASSIGN(shape, broadcast(shape, context.input(i).shape));
  }
  return same({context.input(0).dtype, shape});
}

Types elementwise_bool(const NodeContext& context) {
  SAMC_ASSIGN(std::vector<Type> types, elementwise(context));
  types[0].dtype = DType::kBool;
  return types;
}

Types infer_not(const NodeContext& context) { return same({DType::kBool, context.input(0).shape}); }

Types infer_where(const NodeContext& context) {
  SAMC_ASSIGN(const Shape branches, broadcast(context.input(1).shape, context.input(2).shape));
  SAMC_ASSIGN(const Shape shape, broadcast(context.input(0).shape, branches));
  return same({context.input(1).dtype, shape});
}

Types infer_cast(const NodeContext& context) {
  SAMC_ASSIGN(const DType dtype, cast_type(context));
  return same({dtype, context.input(0).shape});
}

Types infer_shape(const NodeContext& context) { return same({DType::kI64, {context.input(0).rank()}}); }
Types infer_size(const NodeContext&) { return same({DType::kI64, {}}); }

// The result's shape is in the operands' values: evaluated or not at all.
Types needs_constants(const NodeContext& context) {
  for (size_t i = 0; i < context.input_count(); ++i)
    if (context.has(i) && !context.input(i).constant)
      return unsupported(fmt::format("its operand {} depends on the data, and with it the shape of its result",
                                     context.node().inputs[i]),
                         "samc compiles static shapes: export with fixed shapes");
  return invalid_input("its operands are wrong");
}

Types infer_identity(const NodeContext& context) {
  std::vector<Type> types = {{context.input(0).dtype, context.input(0).shape}};
  if (context.node().outputs.size() > 1) types.push_back({DType::kBool, context.input(0).shape});  // Dropout's mask
  return types;
}

Types infer_reshape(const NodeContext& context) {
  SAMC_ASSIGN(const Shape shape, reshape_shape(context));
  return same({context.input(0).dtype, shape});
}

Types infer_flatten(const NodeContext& context) {
  const int64_t rank = context.input(0).rank();
  int64_t axis = context.integer("axis", 1);
  if (axis < -rank || axis > rank) return invalid_input(fmt::format("axis {} of a tensor with {} axes", axis, rank));
  if (axis < 0) axis += rank;
  const std::span<const int64_t> shape(context.input(0).shape);
  return same({context.input(0).dtype,
               {element_count(shape.first(static_cast<size_t>(axis))),
                element_count(shape.subspan(static_cast<size_t>(axis)))}});
}

Types infer_squeeze(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> axes, squeeze_axes(context));
  Shape shape;
  for (int64_t i = 0; i < context.input(0).rank(); ++i)
    if (!std::binary_search(axes.begin(), axes.end(), i))
      shape.push_back(context.input(0).shape[static_cast<size_t>(i)]);
  return same({context.input(0).dtype, shape});
}

Types infer_unsqueeze(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> axes, unsqueeze_axes(context));
  Shape shape = context.input(0).shape;
  for (const int64_t axis : axes) shape.insert(shape.begin() + axis, 1);
  return same({context.input(0).dtype, shape});
}

Types infer_transpose(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> order, transpose_order(context));
  Shape shape;
  for (const int64_t axis : order) shape.push_back(context.input(0).shape[static_cast<size_t>(axis)]);
  return same({context.input(0).dtype, shape});
}

Types infer_expand(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> wanted, context.constant_integers(1));
  SAMC_ASSIGN(const Shape shape, broadcast(context.input(0).shape, wanted));
  return same({context.input(0).dtype, shape});
}

Types infer_tile(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> repeats, context.constant_integers(1));
  Shape shape = context.input(0).shape;
  if (repeats.size() != shape.size()) return invalid_input("repeats do not fit the operand");
  for (size_t i = 0; i < shape.size(); ++i)
    if (repeats[i] < 0 || __builtin_mul_overflow(shape[i], repeats[i], &shape[i]))
      return invalid_input(fmt::format("it repeats an axis {} times", repeats[i]));
  return same({context.input(0).dtype, shape});
}

Types infer_slice(const NodeContext& context) {
  SAMC_ASSIGN(const SliceParameters slice, slice_parameters(context));
  return same({context.input(0).dtype, slice.extents});
}

Types infer_split(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> sizes, split_sizes(context));
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  std::vector<Type> types;
  for (const int64_t size : sizes) {
    types.push_back({context.input(0).dtype, context.input(0).shape});
    types.back().shape[static_cast<size_t>(axis)] = size;
  }
  return types;
}

Types infer_concat(const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const size_t at = static_cast<size_t>(axis);
  Shape shape = context.input(0).shape;
  for (size_t i = 1; i < context.input_count(); ++i) {
    Shape other = context.input(i).shape;
    if (other.size() != shape.size() || context.input(i).dtype != context.input(0).dtype)
      return invalid_input(fmt::format("{} does not fit {}", shape_to_string(other), shape_to_string(shape)));
    shape[at] += other[at];
    other[at] = shape[at];
    if (other != shape)
      return invalid_input(
          fmt::format("{} does not fit {}", shape_to_string(context.input(i).shape), shape_to_string(shape)));
  }
  return same({context.input(0).dtype, shape});
}

Types infer_gather(const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  Shape shape(data.begin(), data.begin() + axis);
  shape.insert(shape.end(), indices.begin(), indices.end());
  shape.insert(shape.end(), data.begin() + axis + 1, data.end());
  return same({context.input(0).dtype, shape});
}

Types infer_gather_elements(const NodeContext& context) {
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  if (data.size() != indices.size()) return invalid_input("indices do not fit the data");
  for (size_t i = 0; i < data.size(); ++i)
    if (static_cast<int64_t>(i) != axis && indices[i] > data[i]) return invalid_input("indices do not fit the data");
  return same({context.input(0).dtype, indices});
}

// Both of GatherND and ScatterND: how the indices point into the data.
Status check_tuples(const NodeContext& context, int64_t batch) {
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  if (indices.empty()) return invalid_input("its indices are a scalar");
  if (batch < 0 || batch >= static_cast<int64_t>(std::min(data.size(), indices.size())))
    return invalid_input(fmt::format("batch_dims is {}", batch));
  if (indices.back() < 0 || indices.back() > static_cast<int64_t>(data.size()) - batch)
    return invalid_input("its indices have more axes than the data");
  if (!std::equal(data.begin(), data.begin() + batch, indices.begin()))
    return invalid_input(
        fmt::format("indices {} do not fit the data {}", shape_to_string(indices), shape_to_string(data)));
  return Status::ok();
}

Types infer_gather_nd(const NodeContext& context) {
  const int64_t batch = context.integer("batch_dims", 0);
  SAMC_TRY(check_tuples(context, batch));
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  Shape shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), data.begin() + batch + indices.back(), data.end());
  return same({context.input(0).dtype, shape});
}

Status check_reduction(const NodeContext& context) {
  const std::string reduction = context.text("reduction", "none");
  for (const char* known : {"none", "add", "mul", "max", "min"})
    if (reduction == known) return Status::ok();
  return unsupported(fmt::format("it reduces by {} while it scatters", reduction));
}

Status check_updates(const NodeContext& context, const Shape& wanted) {
  if (context.input(2).shape == wanted) return check_reduction(context);
  return invalid_input(fmt::format("updates {} do not fit indices {}", shape_to_string(context.input(2).shape),
                                   shape_to_string(context.input(1).shape)));
}

Types infer_scatter_nd(const NodeContext& context) {
  SAMC_TRY(check_tuples(context, 0));
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  Shape wanted(indices.begin(), indices.end() - 1);
  wanted.insert(wanted.end(), data.begin() + indices.back(), data.end());
  SAMC_TRY(check_updates(context, wanted));
  return same_type(context);
}

Types infer_scatter_elements(const NodeContext& context) {
  SAMC_TRY(infer_gather_elements(context).status());
  SAMC_TRY(check_updates(context, context.input(1).shape));
  return same_type(context);
}

Types infer_cum_sum(const NodeContext& context) {
  SAMC_TRY(cum_sum_axis(context).status());
  return same_type(context);
}

// The scale is a number, or one for each element of an axis.
Types infer_dequantize(const NodeContext& context) {
  const Shape& scale = context.input(1).shape;
  if (element_count(scale) != 1) {
    SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 1), context.input(0).rank()));
    if (scale != Shape{context.input(0).shape[static_cast<size_t>(axis)]})
      return invalid_input(
          fmt::format("its scale {} does not fit {}", shape_to_string(scale), shape_to_string(context.input(0).shape)));
  }
  if (context.input(1).dtype != DType::kF32) return invalid_input("its scale is not a floating-point number");
  if (context.has(2) && (context.input(2).shape != scale || context.input(2).dtype != context.input(0).dtype))
    return invalid_input("its zero point does not fit its scale or its operand");
  return same({DType::kF32, context.input(0).shape});
}

Types infer_pad(const NodeContext& context) {
  SAMC_ASSIGN(const PadParameters pad, pad_parameters(context));
  Shape shape = context.input(0).shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && pad.mode != "constant") return invalid_input("it repeats an empty axis");
    shape[i] += pad.before[i] + pad.after[i];
  }
  return same({context.input(0).dtype, shape});
}

Types infer_reduce(const NodeContext& context) {
  SAMC_ASSIGN(const ReduceParameters parameters, reduce_parameters(context));
  Shape shape;
  for (int64_t i = 0; i < context.input(0).rank(); ++i) {
    const bool reduced = std::binary_search(parameters.axes.begin(), parameters.axes.end(), i);
    if (!reduced) shape.push_back(context.input(0).shape[static_cast<size_t>(i)]);
    if (reduced && parameters.keep_dims) shape.push_back(1);
  }
  return same({context.input(0).dtype, shape});
}

Types infer_arg(const NodeContext& context) {
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  Shape shape = context.input(0).shape;
  shape[static_cast<size_t>(axis)] = 1;
  if (context.integer("keepdims", 1) == 0) shape.erase(shape.begin() + axis);
  return same({DType::kI64, shape});
}

Types infer_matmul(const NodeContext& context) {
  Shape a = context.input(0).shape;
  Shape b = context.input(1).shape;
  if (a.empty() || b.empty()) return invalid_input("a scalar has no matrix product");
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  if (a.back() != b[b.size() - 2])
    return invalid_input(
        fmt::format("{} times {}", shape_to_string(context.input(0).shape), shape_to_string(context.input(1).shape)));
  SAMC_ASSIGN(Shape shape, broadcast(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2)));
  if (!row) shape.push_back(a[a.size() - 2]);
  if (!column) shape.push_back(b.back());
  return same({context.input(0).dtype, shape});
}

Types infer_gemm(const NodeContext& context) {
  Shape a = context.input(0).shape;
  Shape b = context.input(1).shape;
  if (a.size() != 2 || b.size() != 2) return invalid_input("its operands are not matrices");
  if (context.integer("transA", 0) != 0) std::swap(a[0], a[1]);
  if (context.integer("transB", 0) != 0) std::swap(b[0], b[1]);
  if (a[1] != b[0]) return invalid_input(fmt::format("{} times {}", shape_to_string(a), shape_to_string(b)));
  const Shape shape = {a[0], b[1]};
  if (context.has(2)) {
    SAMC_ASSIGN(const Shape sum, broadcast(shape, context.input(2).shape));
    if (sum != shape) return invalid_input("its bias does not fit");
  }
  return same({context.input(0).dtype, shape});
}

Types windowed(const NodeContext& context, int64_t channels, const Result<ConvParameters>& parameters) {
  SAMC_TRY(parameters.status());
  Shape shape = {context.input(0).shape[0], channels};
  shape.insert(shape.end(), parameters.value().output.begin(), parameters.value().output.end());
  return same({context.input(0).dtype, shape});
}
Types infer_conv(const NodeContext& context) {
  const Result<ConvParameters> parameters = conv_parameters(context);
  return windowed(context, parameters.is_ok() ? context.input(1).shape[0] : 0, parameters);
}
Types infer_conv_transpose(const NodeContext& context) {
  const Result<ConvParameters> parameters = conv_transpose_parameters(context);
  return windowed(context, parameters.is_ok() ? context.input(1).shape[1] * parameters.value().group : 0, parameters);
}
Types infer_pool(const NodeContext& context) {
  if (context.node().outputs.size() > 1 && !context.node().outputs[1].empty())
    return unsupported("its second result (indices) is used");
  const Result<ConvParameters> parameters = pool_parameters(context);
  return windowed(context, parameters.is_ok() ? context.input(0).shape[1] : 0, parameters);
}

Types infer_global_pool(const NodeContext& context) {
  Shape shape = context.input(0).shape;
  if (shape.size() < 3) return invalid_input("its operand has no spatial axes");
  std::fill(shape.begin() + 2, shape.end(), 1);
  return same({context.input(0).dtype, shape});
}

Types infer_resize(const NodeContext& context) {
  SAMC_ASSIGN(const ResizeParameters parameters, resize_parameters(context));
  return same({context.input(0).dtype, parameters.output});
}

// Normalisations and softmax; further results (mean, variance) must be unused.
Types infer_first_only(const NodeContext& context) {
  for (size_t i = 1; i < context.node().outputs.size(); ++i)
    if (!context.node().outputs[i].empty()) return unsupported("its second result is used");
  return same({context.input(0).dtype, context.input(0).shape});
}

// Scale and bias are broadcast to the operand, and must not widen it.
Types infer_layer_norm(const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  SAMC_TRY(normal_axis(context.integer("axis", -1), context.input(0).rank()).status());
  for (size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has(i)) continue;
    SAMC_ASSIGN(const Shape wider, broadcast(shape, context.input(i).shape));
    if (wider != shape)
      return invalid_input(fmt::format("its operand {} is {}, which does not broadcast to {}", context.node().inputs[i],
                                       shape_to_string(context.input(i).shape), shape_to_string(shape)));
  }
  return infer_first_only(context);
}

Types infer_batch_norm(const NodeContext& context) {
  if (context.integer("training_mode", 0) != 0)  // since opset 14
    return unsupported("it is in training mode", "export the model after model.eval()");
  if (context.input(0).rank() < 2) return unsupported("its operand has no axis of channels");
  for (size_t i = 1; i < 5; ++i)
    if (context.input(i).shape != Shape{context.input(0).shape[1]})
      return invalid_input(fmt::format("its operand {} is {} for {} channels", context.node().inputs[i],
                                       shape_to_string(context.input(i).shape), context.input(0).shape[1]));
  return infer_first_only(context);
}

Types infer_softmax(const NodeContext& context) {
  SAMC_TRY(normal_axis(context.integer("axis", context.opset() < 13 ? 1 : -1), context.input(0).rank()).status());
  return same_type(context);
}

const auto kOperators = std::to_array<Operator>({
    {"Abs", 1, 1, same_type, evaluate_unary},
    {"Add", 2, 2, elementwise, evaluate_binary},
    {"And", 2, 2, elementwise_bool, evaluate_binary},
    {"ArgMax", 1, 1, infer_arg},
    {"AveragePool", 1, 1, infer_pool},
    {"BatchNormalization", 5, 5, infer_batch_norm},
    {"Cast", 1, 1, infer_cast, evaluate_cast},
    {"CastLike", 2, 2, infer_cast, evaluate_cast, 1},
    {"Ceil", 1, 1, same_type, evaluate_unary},
    {"Clip", 1, 3, same_type, evaluate_clip},
    {"Concat", 1, kAnyOperands, infer_concat, evaluate_concat},
    {"ConstantOfShape", 1, 1, needs_constants, evaluate_constant_of_shape, kAnyOperands, true},
    {"Conv", 2, 3, infer_conv},
    {"ConvTranspose", 2, 3, infer_conv_transpose},
    {"Cos", 1, 1, same_type, evaluate_unary},
    {"CumSum", 2, 2, infer_cum_sum, evaluate_cum_sum},
    {"DequantizeLinear", 2, 3, infer_dequantize, evaluate_dequantize},
    {"Div", 2, 2, elementwise, evaluate_binary},
    {"Dropout", 1, 3, infer_identity, evaluate_same_bytes},
    {"Equal", 2, 2, elementwise_bool, evaluate_compare},
    {"Erf", 1, 1, same_type, evaluate_unary},
    {"Exp", 1, 1, same_type, evaluate_unary},
    {"Expand", 2, 2, infer_expand, evaluate_expand},
    {"Flatten", 1, 1, infer_flatten, evaluate_same_bytes},
    {"Floor", 1, 1, same_type, evaluate_unary},
    {"Gather", 2, 2, infer_gather, evaluate_gather},
    {"GatherElements", 2, 2, infer_gather_elements, evaluate_gather_elements},
    {"GatherND", 2, 2, infer_gather_nd, evaluate_gather_nd},
    {"Gelu", 1, 1, same_type},
    {"Gemm", 2, 3, infer_gemm},
    {"GlobalAveragePool", 1, 1, infer_global_pool},
    {"Greater", 2, 2, elementwise_bool, evaluate_compare},
    {"GreaterOrEqual", 2, 2, elementwise_bool, evaluate_compare},
    {"Identity", 1, 1, infer_identity, evaluate_same_bytes},
    {"LayerNormalization", 2, 3, infer_layer_norm},
    {"Less", 2, 2, elementwise_bool, evaluate_compare},
    {"LessOrEqual", 2, 2, elementwise_bool, evaluate_compare},
    {"Log", 1, 1, same_type, evaluate_unary},
    {"MatMul", 2, 2, infer_matmul},
    {"Max", 1, kAnyOperands, elementwise, evaluate_binary},
    {"MaxPool", 1, 1, infer_pool},
    {"Min", 1, kAnyOperands, elementwise, evaluate_binary},
    {"Mod", 2, 2, elementwise, evaluate_binary},
    {"Mul", 2, 2, elementwise, evaluate_binary},
    {"Neg", 1, 1, same_type, evaluate_unary},
    {"NonZero", 1, 1, needs_constants, evaluate_non_zero, kAnyOperands, true},
    {"Not", 1, 1, infer_not, evaluate_unary},
    {"OneHot", 3, 3, needs_constants, evaluate_one_hot, kAnyOperands, true},
    {"Or", 2, 2, elementwise_bool, evaluate_binary},
    {"Pad", 2, 4, infer_pad, evaluate_pad},
    {"Pow", 2, 2, elementwise, evaluate_binary},
    {"Range", 3, 3, needs_constants, evaluate_range, kAnyOperands, true},
    {"Reciprocal", 1, 1, same_type, evaluate_unary},
    {"ReduceL2", 1, 2, infer_reduce, evaluate_reduce},
    {"ReduceMax", 1, 2, infer_reduce, evaluate_reduce},
    {"ReduceMean", 1, 2, infer_reduce, evaluate_reduce},
    {"ReduceMin", 1, 2, infer_reduce, evaluate_reduce},
    {"ReduceProd", 1, 2, infer_reduce, evaluate_reduce},
    {"ReduceSum", 1, 2, infer_reduce, evaluate_reduce},
    {"Relu", 1, 1, same_type, evaluate_unary},
    {"Reshape", 2, 2, infer_reshape, evaluate_same_bytes},
    {"Resize", 1, 4, infer_resize},
    {"Round", 1, 1, same_type, evaluate_unary},
    {"ScatterElements", 3, 3, infer_scatter_elements, evaluate_scatter_elements},
    {"ScatterND", 3, 3, infer_scatter_nd, evaluate_scatter_nd},
    {"Shape", 1, 1, infer_shape, evaluate_shape, 0},
    {"Sigmoid", 1, 1, same_type, evaluate_unary},
    {"Sign", 1, 1, same_type, evaluate_unary},
    {"Sin", 1, 1, same_type, evaluate_unary},
    {"Size", 1, 1, infer_size, evaluate_size, 0},
    {"Slice", 3, 5, infer_slice, evaluate_slice},
    {"Softmax", 1, 1, infer_softmax},
    {"Softplus", 1, 1, same_type, evaluate_unary},
    {"Split", 1, 2, infer_split, evaluate_split},
    {"Sqrt", 1, 1, same_type, evaluate_unary},
    {"Squeeze", 1, 2, infer_squeeze, evaluate_same_bytes},
    {"Sub", 2, 2, elementwise, evaluate_binary},
    {"Tanh", 1, 1, same_type, evaluate_unary},
    {"Tile", 2, 2, infer_tile, evaluate_tile},
    {"Transpose", 1, 1, infer_transpose, evaluate_transpose},
    {"Trilu", 1, 2, same_type, evaluate_trilu},
    {"Unsqueeze", 1, 2, infer_unsqueeze, evaluate_same_bytes},
    {"Where", 3, 3, infer_where, evaluate_where},
    {"Xor", 2, 2, elementwise_bool, evaluate_binary},
});

}  // namespace

const Operator* find_operator(std::string_view name) {
  for (const Operator& op : kOperators)
    if (op.name == name) return &op;
  return nullptr;
}

std::vector<std::string_view> operator_names() {
  std::vector<std::string_view> names;
  names.reserve(std::size(kOperators));
  for (const Operator& op : kOperators) names.push_back(op.name);
  return names;
}

}  // namespace samc::onnx
