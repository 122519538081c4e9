// One method an op: which top op, operands and attributes stand for it.

#include "ir/graph_builder.h"
#include "ir/values.h"

namespace samc {

namespace {

using mlir::Value;
using std::string;

const char* coord_name(CoordMode mode) {
  switch (mode) {
    case CoordMode::kHalfPixel:
      return "half_pixel";
    case CoordMode::kPytorchHalfPixel:
      return "pytorch_half_pixel";
    case CoordMode::kAlignCorners:
      return "align_corners";
    case CoordMode::kAsymmetric:
      return "asymmetric";
  }
  return "";
}

const char* interp_name(InterpMode mode) {
  switch (mode) {
    case InterpMode::kNearest:
      return "nearest";
    case InterpMode::kLinear:
      return "linear";
    case InterpMode::kCubic:
      return "cubic";
  }
  return "";
}

const char* reduce_name(ReduceMode mode) {
  switch (mode) {
    case ReduceMode::kMean:
      return "ReduceMean";
    case ReduceMode::kSum:
      return "ReduceSum";
    case ReduceMode::kMax:
      return "ReduceMax";
    case ReduceMode::kMin:
      return "ReduceMin";
    case ReduceMode::kL2:
      return "ReduceL2";
    case ReduceMode::kProd:
      return "ReduceProd";
  }
  return "";
}

const char* compare_name(CompareMode mode) {
  switch (mode) {
    case CompareMode::kEqual:
      return "Equal";
    case CompareMode::kNotEqual:
      return "NotEqual";
    case CompareMode::kLess:
      return "Less";
    case CompareMode::kLessOrEqual:
      return "LessOrEqual";
    case CompareMode::kGreater:
      return "Greater";
    case CompareMode::kGreaterOrEqual:
      return "GreaterOrEqual";
  }
  return "";
}

const char* pad_name(PadMode mode) {
  switch (mode) {
    case PadMode::kConstant:
      return "constant";
    case PadMode::kReflect:
      return "reflect";
    case PadMode::kEdge:
      return "edge";
  }
  return "";
}

}  // namespace

mlir::NamedAttribute GraphBuilder::attribute(const char* name, mlir::Attribute value) {
  return builder_.getNamedAttr(name, value);
}
mlir::NamedAttribute GraphBuilder::integers(const char* name, const Shape& values) {
  return attribute(name, builder_.getI64ArrayAttr(values));
}
mlir::NamedAttribute GraphBuilder::number(const char* name, double value) {
  return attribute(name, builder_.getF64FloatAttr(value));
}
mlir::NamedAttribute GraphBuilder::integer(const char* name, int64_t value) {
  return attribute(name, builder_.getI64IntegerAttr(value));
}
mlir::NamedAttribute GraphBuilder::axis(int64_t value) { return attribute("axis", si32(builder_.getContext(), value)); }
mlir::NamedAttribute GraphBuilder::text(const char* name, const char* value) {
  return attribute(name, builder_.getStringAttr(value));
}
mlir::NamedAttribute GraphBuilder::flag(const char* name, bool value) {
  return attribute(name, builder_.getBoolAttr(value));
}

Value GraphBuilder::conv(const string& name, Value x, Value filter, Value bias, const ConvOptions& options) {
  if (!is_ok()) return {};
  const Shape extents = shape(filter);
  if (extents.size() != 4) {
    fail(invalid_input(fmt::format("{}: a filter of shape {}", name, shape_to_string(extents))));
    return {};
  }
  return create(
      "Conv", name, {x, filter, bias},
      {integers("kernel_shape", {extents[2], extents[3]}), integers("strides", options.strides),
       integers("pads", options.pads), integers("dilations", options.dilations), integer("group", options.group)});
}

Value GraphBuilder::deconv(const string& name, Value x, Value filter, Value bias, const DeconvOptions& options) {
  if (!is_ok()) return {};
  const Shape extents = shape(filter);
  if (extents.size() != 4) {
    fail(invalid_input(fmt::format("{}: a filter of shape {}", name, shape_to_string(extents))));
    return {};
  }
  return create("Deconv", name, {x, filter, bias},
                {integers("kernel_shape", {extents[2], extents[3]}), integers("strides", options.strides),
                 integers("pads", options.pads), integers("dilations", options.dilations),
                 integers("output_padding", options.output_padding), integer("group", options.group)});
}

Value GraphBuilder::matmul(const string& name, Value a, Value b, Value bias, bool right_transpose) {
  return create("MatMul", name, {a, b, bias}, {flag("right_transpose", right_transpose)});
}

Value GraphBuilder::layer_norm(const string& name, Value x, Value weight, Value bias, double eps, int64_t from_axis) {
  return create("LayerNorm", name, {x, weight, bias},
                {axis(from_axis), number("eps", eps), integers("normalized_shape", {})});
}

Value GraphBuilder::pixel_norm(const string& name, Value x, Value weight, Value bias, double eps) {
  return create("PixelNorm", name, {x, weight, bias}, {number("eps", eps)});
}

Value GraphBuilder::softmax(const string& name, Value x, int64_t along) {
  return create("Softmax", name, {x}, {axis(along)});
}

std::vector<mlir::NamedAttribute> GraphBuilder::pool_attributes(const PoolOptions& options) {
  return {integers("kernel_shape", options.kernel), integers("strides", options.strides),
          integers("pads", options.pads), flag("ceil_mode", options.ceil_mode),
          flag("count_include_pad", options.count_include_pad)};
}

Value GraphBuilder::max_pool(const string& name, Value x, const PoolOptions& options) {
  return create("MaxPool", name, {x}, pool_attributes(options));
}

Value GraphBuilder::avg_pool(const string& name, Value x, const PoolOptions& options) {
  return create("AvgPool", name, {x}, pool_attributes(options));
}

Value GraphBuilder::interp(const string& name, Value x, int64_t height, int64_t width, InterpMode mode,
                           CoordMode coordinates) {
  if (!is_ok()) return {};
  const Shape extents = shape(x);
  if (extents.size() < 2) {
    fail(invalid_input(fmt::format("{}: resize of {}", name, shape_to_string(extents))));
    return {};
  }
  const auto scale = [&](int64_t wanted, size_t from_end) {
    return static_cast<double>(wanted) / static_cast<double>(extents[extents.size() - from_end]);
  };
  return create("Interp", name, {x, Value()},
                {text("mode", interp_name(mode)), text("coord_mode", coord_name(coordinates)),
                 number("scale_h", scale(height, 2)), number("scale_w", scale(width, 1))});
}

Value GraphBuilder::relu(const string& name, Value x) { return create("Relu", name, {x}); }
Value GraphBuilder::gelu(const string& name, Value x) { return create("GELU", name, {x}); }
Value GraphBuilder::sigmoid(const string& name, Value x) { return create("Sigmoid", name, {x}); }
Value GraphBuilder::silu(const string& name, Value x) { return create("SiLU", name, {x}); }
Value GraphBuilder::softplus(const string& name, Value x) { return create("Softplus", name, {x}); }
Value GraphBuilder::sin(const string& name, Value x) { return create("Sin", name, {x}); }
Value GraphBuilder::cos(const string& name, Value x) { return create("Cos", name, {x}); }
Value GraphBuilder::exp(const string& name, Value x) { return create("Exp", name, {x}); }
Value GraphBuilder::log(const string& name, Value x) { return create("Log", name, {x}); }
Value GraphBuilder::sqrt(const string& name, Value x) { return create("Sqrt", name, {x}); }
Value GraphBuilder::abs(const string& name, Value x) { return create("Abs", name, {x}); }
Value GraphBuilder::floor(const string& name, Value x) { return create("Floor", name, {x}); }
Value GraphBuilder::ceil(const string& name, Value x) { return create("Ceil", name, {x}); }
Value GraphBuilder::round(const string& name, Value x) { return create("Round", name, {x}); }
Value GraphBuilder::tanh(const string& name, Value x) { return create("Tanh", name, {x}); }
Value GraphBuilder::erf(const string& name, Value x) { return create("Erf", name, {x}); }

Value GraphBuilder::pow(const string& name, Value x, double exponent) {
  if (exponent == 2.0) return mul(name, x, x);
  return create("Pow", name, {x}, {number("exponent", exponent)});
}

Value GraphBuilder::clip(const string& name, Value x, double low, double high) {
  return create("Clip", name, {x}, {number("min", low), number("max", high)});
}

Value GraphBuilder::cast_to_int(const string& name, Value x) {
  return create("Cast", name, {x}, {text("to", "INT32"), text("round_mode", "TowardsZero")});
}

Value GraphBuilder::add(const string& name, Value a, Value b) { return create("Add", name, {a, b}); }
Value GraphBuilder::sub(const string& name, Value a, Value b) { return create("Sub", name, {a, b}); }
Value GraphBuilder::mul(const string& name, Value a, Value b) { return create("Mul", name, {a, b}); }
Value GraphBuilder::div(const string& name, Value a, Value b) { return create("Div", name, {a, b}); }
Value GraphBuilder::max(const string& name, Value a, Value b) { return create("Max", name, {a, b}); }
Value GraphBuilder::min(const string& name, Value a, Value b) { return create("Min", name, {a, b}); }
Value GraphBuilder::mod(const string& name, Value a, Value b) { return create("Mod", name, {a, b}); }

Value GraphBuilder::add_const(const string& name, Value x, double value) {
  return create("AddConst", name, {x}, {number("const_val", value)});
}

Value GraphBuilder::const_minus(const string& name, double value, Value x) {
  return create("SubConst", name, {x}, {number("const_val", value), flag("is_reverse", true)});
}

Value GraphBuilder::mul_const(const string& name, Value x, double value) {
  return create("MulConst", name, {x}, {number("const_val", value)});
}

Value GraphBuilder::const_over(const string& name, double value, Value x) {
  return create("Reciprocal", name, {x}, {number("const_val", value)});
}

Value GraphBuilder::compare(const string& name, Value a, Value b, CompareMode mode) {
  return create("Compare", name, {a, b}, {text("mode", compare_name(mode))});
}

Value GraphBuilder::compare_const(const string& name, Value x, double value, CompareMode mode) {
  return create("CompareConst", name, {x},
                {text("mode", compare_name(mode)), number("const_val", value), flag("inversed", false)});
}

Value GraphBuilder::logical_not(const string& name, Value x) {
  return create("CompareConst", name, {x}, {text("mode", "Not"), number("const_val", 0.0), flag("inversed", false)});
}

Value GraphBuilder::where(const string& name, Value condition, Value if_true, Value if_false) {
  return create("Where", name, {condition, if_true, if_false});
}

Value GraphBuilder::where_const(const string& name, Value condition, Value if_true, double if_false) {
  return create("Where", name, {condition, if_true, Value()},
                {flag("y_is_const", true), number("y_const_val", if_false)});
}

Value GraphBuilder::reshape(const string& name, Value x, const Shape& wanted) {
  return create("Reshape", name, {x}, {integers("shape", wanted)});
}

Value GraphBuilder::permute(const string& name, Value x, const std::vector<int64_t>& order) {
  return create("Permute", name, {x}, {integers("order", order)});
}

Value GraphBuilder::concat(const string& name, const std::vector<Value>& parts, int64_t along) {
  return create("Concat", name, parts, {axis(along)});
}

Value GraphBuilder::slice(const string& name, Value x, int64_t along, int64_t start, int64_t end, int64_t step) {
  return create(
      "Slice", name, {x, Value(), Value(), Value()},
      {integers("offset", {start}), integers("ends", {end}), integers("steps", {step}), integers("axes", {along})});
}

std::vector<Value> GraphBuilder::split(const std::vector<string>& names, Value x, int64_t along,
                                       const std::vector<int64_t>& sizes) {
  SAMC_CHECK(names.size() == sizes.size(), "{} names for {} parts", names.size(), sizes.size());
  return create_many("Split", names, {x},
                     {axis(along), integer("num", static_cast<int64_t>(sizes.size())), integers("split_size", sizes)});
}

Value GraphBuilder::gather(const string& name, Value x, Value indices, int64_t along, bool keep_dims) {
  return create("Gather", name, {x, indices}, {axis(along), flag("keepdims", keep_dims)});
}

Value GraphBuilder::squeeze(const string& name, Value x, const std::vector<int64_t>& axes) {
  return create("Squeeze", name, {x}, {integers("axes", axes)});
}

Value GraphBuilder::unsqueeze(const string& name, Value x, const std::vector<int64_t>& axes) {
  return create("Unsqueeze", name, {x}, {integers("axes", axes)});
}

Value GraphBuilder::tile(const string& name, Value x, const std::vector<int64_t>& repeats) {
  return create("Tile", name, {x}, {integers("tile", repeats)});
}

Value GraphBuilder::expand(const string& name, Value x, const Shape& wanted) {
  return create("Expand", name, {x}, {integers("shape", wanted)});
}

Value GraphBuilder::pad(const string& name, Value x, const std::vector<int64_t>& before,
                        const std::vector<int64_t>& after, double value, PadMode mode) {
  Shape paddings = before;
  paddings.insert(paddings.end(), after.begin(), after.end());
  return create("Pad", name, {x}, {integers("paddings", paddings), number("val", value), text("mode", pad_name(mode))});
}

Value GraphBuilder::reduce(const string& name, Value x, ReduceMode mode, const std::vector<int64_t>& axes,
                           bool keep_dims) {
  return create("Reduce", name, {x},
                {integers("axes", axes), flag("keepdims", keep_dims), text("mode", reduce_name(mode))});
}

Value GraphBuilder::arg_max(const string& name, Value x, int64_t along, bool keep_dims) {
  return create(
      "Arg", name, {x},
      {integer("axis", along), flag("keepdims", keep_dims), text("mode", "ArgMax"), flag("select_last_index", false)});
}

}  // namespace samc
