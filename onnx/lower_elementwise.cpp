#include <cmath>
#include <limits>

#include "onnx/lowering.h"

namespace samc::onnx {

Status Lowering::unary(const Node& node, const NodeContext& context) {
  using Method = mlir::Value (GraphBuilder::*)(const std::string&, mlir::Value);
  static const std::map<std::string, Method> methods = {
      {"Abs", &GraphBuilder::abs},          {"Ceil", &GraphBuilder::ceil},   {"Cos", &GraphBuilder::cos},
      {"Erf", &GraphBuilder::erf},          {"Exp", &GraphBuilder::exp},     {"Floor", &GraphBuilder::floor},
      {"Gelu", &GraphBuilder::gelu},        {"Log", &GraphBuilder::log},     {"Neg", &GraphBuilder::neg},
      {"Relu", &GraphBuilder::relu},        {"Round", &GraphBuilder::round}, {"Sigmoid", &GraphBuilder::sigmoid},
      {"Sin", &GraphBuilder::sin},          {"Sqrt", &GraphBuilder::sqrt},   {"Tanh", &GraphBuilder::tanh},
      {"Softplus", &GraphBuilder::softplus}};
  const mlir::Value x = value(node.inputs[0]);
  if (node.op == "Reciprocal") return finish(node, builder_.const_over(node.outputs[0], 1.0, x));
  if (node.op == "Gelu" && context.text("approximate", "none") != "none")
    return unsupported("its approximation is not one that samc has", "export with approximate='none'");
  return finish(node, (builder_.*methods.at(node.op))(node.outputs[0], x));
}

Status Lowering::binary(const Node& node, const NodeContext& context) {
  const std::string& name = node.outputs[0];
  const Value& result = graph_.value(name);
  const std::string& op = node.op;
  const bool integers = context.input(0).dtype != DType::kF32;
  if (op == "Div" && integers)
    return unsupported("it divides integers that depend on the data", "compute that with floating-point numbers");
  const auto same_shape = [&](size_t i) { return context.input(i).shape == result.shape; };
  // NaN stands for none: a constant that is NaN takes the general way.
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const double right = same_shape(0) ? scalar(node.inputs[1], result.shape).value_or(kNone) : kNone;
  const double left = same_shape(1) ? scalar(node.inputs[0], result.shape).value_or(kNone) : kNone;

  if (op == "Pow") {
    if (std::isnan(right)) return unsupported("its exponent depends on the data, or is not one number");
    const mlir::Value x = value(node.inputs[0]);
    if (right == 0.5) return finish(node, builder_.sqrt(name, x));
    return finish(node, builder_.pow(name, x, right));
  }
  if (op == "Mod") {
    if (context.integer("fmod", 0) != 0) return unsupported("it keeps the sign of the dividend (fmod = 1)");
    return finish(node, builder_.mod(name, value(node.inputs[0]), value(node.inputs[1])));
  }
  if (!std::isnan(right)) {
    const mlir::Value x = value(node.inputs[0]);
    if (op == "Add") return finish(node, builder_.add_const(name, x, right));
    if (op == "Sub") return finish(node, builder_.sub_const(name, x, right));
    if (op == "Mul") return finish(node, builder_.mul_const(name, x, right));
    if (right != 0.0) return finish(node, builder_.div_const(name, x, right));
  }
  if (!std::isnan(left)) {
    const mlir::Value x = value(node.inputs[1]);
    if (op == "Add") return finish(node, builder_.add_const(name, x, left));
    if (op == "Sub") return finish(node, builder_.const_minus(name, left, x));
    if (op == "Mul") return finish(node, builder_.mul_const(name, x, left));
    return finish(node, builder_.const_over(name, left, x));
  }
  const mlir::Value a = value(node.inputs[0]);
  const mlir::Value b = value(node.inputs[1]);
  if (op == "Add") return finish(node, builder_.add(name, a, b));
  if (op == "Sub") return finish(node, builder_.sub(name, a, b));
  if (op == "Mul") return finish(node, builder_.mul(name, a, b));
  return finish(node, builder_.div(name, a, b));
}

Status Lowering::extremum(const Node& node, const NodeContext&) {
  mlir::Value result = value(node.inputs[0]);
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    const std::string name = i + 1 == node.inputs.size() ? node.outputs[0] : part(node, std::to_string(i));
    const mlir::Value other = value(node.inputs[i]);
    result = node.op == "Max" ? builder_.max(name, result, other) : builder_.min(name, result, other);
  }
  return finish(node, result);
}

Status Lowering::compare(const Node& node, const NodeContext& context) {
  static const std::map<std::string, CompareMode> modes = {{"Equal", CompareMode::kEqual},
                                                           {"Less", CompareMode::kLess},
                                                           {"LessOrEqual", CompareMode::kLessOrEqual},
                                                           {"Greater", CompareMode::kGreater},
                                                           {"GreaterOrEqual", CompareMode::kGreaterOrEqual}};
  // a < 3 is 3 > a
  static const std::map<std::string, CompareMode> exchanged = {{"Equal", CompareMode::kEqual},
                                                               {"Less", CompareMode::kGreater},
                                                               {"LessOrEqual", CompareMode::kGreaterOrEqual},
                                                               {"Greater", CompareMode::kLess},
                                                               {"GreaterOrEqual", CompareMode::kLessOrEqual}};
  const std::string& name = node.outputs[0];
  const Shape& shape = graph_.value(name).shape;
  if (const auto right = scalar(node.inputs[1], shape); right && context.input(0).shape == shape)
    return finish(node, builder_.compare_const(name, value(node.inputs[0]), *right, modes.at(node.op)));
  if (const auto left = scalar(node.inputs[0], shape); left && context.input(1).shape == shape)
    return finish(node, builder_.compare_const(name, value(node.inputs[1]), *left, exchanged.at(node.op)));
  return finish(node, builder_.compare(name, value(node.inputs[0]), value(node.inputs[1]), modes.at(node.op)));
}

Status Lowering::logical(const Node& node, const NodeContext&) {
  const std::string& name = node.outputs[0];
  const mlir::Value a = value(node.inputs[0]);
  if (node.op == "Not") return finish(node, builder_.logical_not(name, a));
  const mlir::Value b = value(node.inputs[1]);
  if (node.op == "And") return finish(node, builder_.mul(name, a, b));
  if (node.op == "Or") return finish(node, builder_.max(name, a, b));
  return finish(node, builder_.compare(name, a, b, CompareMode::kNotEqual));
}

Status Lowering::cast(const Node& node, const NodeContext& context) {
  const DType from = context.input(0).dtype;
  const DType to = graph_.value(node.outputs[0]).dtype;
  const mlir::Value x = value(node.inputs[0]);
  if (to == DType::kBool && from != DType::kBool)
    return finish(node, builder_.compare_const(node.outputs[0], x, 0.0, CompareMode::kNotEqual));
  if (from == DType::kF32 && to != DType::kF32) return finish(node, builder_.cast_to_int(node.outputs[0], x));
  if (to != DType::kF32 && dtype_size(to) < dtype_size(from) && dtype_size(to) < 4)
    return unsupported(fmt::format("it casts {} that depends on the data to {}", dtype_name(from), dtype_name(to)));
  return finish(node, x);
}

Status Lowering::clip(const Node& node, const NodeContext& context) {
  double low = static_cast<double>(std::numeric_limits<float>::lowest());
  double high = static_cast<double>(std::numeric_limits<float>::max());
  if (context.has(1)) {
    SAMC_ASSIGN(low, context.constant_scalar(1));
  }
  if (context.has(2)) {
    SAMC_ASSIGN(high, context.constant_scalar(2));
  }
  return finish(node, builder_.clip(node.outputs[0], value(node.inputs[0]), low, high));
}

Status Lowering::where(const Node& node, const NodeContext& context) {
  const std::string& name = node.outputs[0];
  const Shape& shape = graph_.value(name).shape;
  const mlir::Value condition = value(node.inputs[0]);
  const mlir::Value if_true = value(node.inputs[1]);
  if (const auto if_false = scalar(node.inputs[2], shape); if_false && context.input(1).shape == shape)
    return finish(node, builder_.where_const(name, condition, if_true, *if_false));
  return finish(node, builder_.where(name, condition, if_true, value(node.inputs[2])));
}

}  // namespace samc::onnx
