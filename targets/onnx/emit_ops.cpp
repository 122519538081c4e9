// The ONNX form of each top op. Patterns that opsets before 17 (LayerNormalization) and 20 (Gelu) have no operator for
// are written as exporters write them, so that readers put them together again.

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "targets/onnx/emit_graph.h"

namespace samc::onnx_target {
namespace {

constexpr int64_t kLayerNormOpset = 17;
constexpr int64_t kReduceAxesOpset = 18;  // axes became an operand
constexpr int64_t kGeluOpset = 20;

double number(mlir::Operation& op, const char* name, double otherwise) {
  const auto attribute = op.getAttrOfType<mlir::FloatAttr>(name);
  return attribute ? attribute.getValueAsDouble() : otherwise;
}
int64_t integer(mlir::Operation& op, const char* name, int64_t otherwise) {
  const auto attribute = op.getAttrOfType<mlir::IntegerAttr>(name);
  return attribute ? attribute.getValue().getSExtValue() : otherwise;
}
bool flag(mlir::Operation& op, const char* name) {
  const auto attribute = op.getAttrOfType<mlir::BoolAttr>(name);
  return attribute && attribute.getValue();
}
std::string text(mlir::Operation& op, const char* name, const char* otherwise) {
  const auto attribute = op.getAttrOfType<mlir::StringAttr>(name);
  return attribute ? attribute.str() : otherwise;
}
Shape integers(mlir::Operation& op, const char* name) { return to_shape(op.getAttrOfType<mlir::ArrayAttr>(name)); }

int64_t positive(int64_t axis, size_t rank) { return axis < 0 ? axis + static_cast<int64_t>(rank) : axis; }

bool is_comparison(mlir::Value value) {
  return mlir::isa_and_nonnull<top::CompareOp, top::CompareConstOp>(value.getDefiningOp());
}

}  // namespace

const std::map<std::string, Emitter::Handler, std::less<>>& Emitter::handlers() {
  static const std::map<std::string, Handler, std::less<>> table = {
      {"Abs", &Emitter::unary},
      {"Add", &Emitter::variadic},
      {"AddConst", &Emitter::with_constant},
      {"AvgPool", &Emitter::pool},
      {"Ceil", &Emitter::unary},
      {"Clip", &Emitter::clip},
      {"Compare", &Emitter::compare},
      {"CompareConst", &Emitter::compare},
      {"Concat", &Emitter::concat},
      {"Conv", &Emitter::conv},
      {"Cos", &Emitter::unary},
      {"Deconv", &Emitter::deconv},
      {"Div", &Emitter::difference},
      {"Erf", &Emitter::unary},
      {"Exp", &Emitter::unary},
      {"Expand", &Emitter::expand},
      {"Floor", &Emitter::unary},
      {"GELU", &Emitter::gelu},
      {"Gather", &Emitter::gather},
      {"Interp", &Emitter::interp},
      {"LayerNorm", &Emitter::norm},
      {"Log", &Emitter::unary},
      {"MatMul", &Emitter::matmul},
      {"Max", &Emitter::variadic},
      {"MaxConst", &Emitter::with_constant},
      {"MaxPool", &Emitter::pool},
      {"Min", &Emitter::variadic},
      {"MinConst", &Emitter::with_constant},
      {"Mul", &Emitter::variadic},
      {"MulConst", &Emitter::with_constant},
      {"Pad", &Emitter::pad},
      {"Permute", &Emitter::permute},
      {"PixelNorm", &Emitter::norm},
      {"Pow", &Emitter::power},
      {"Reciprocal", &Emitter::reciprocal},
      {"Reduce", &Emitter::reduce},
      {"Relu", &Emitter::relu},
      {"Reshape", &Emitter::reshape},
      {"Round", &Emitter::unary},
      {"Sigmoid", &Emitter::sigmoid},
      {"Sign", &Emitter::unary},
      {"Sin", &Emitter::unary},
      {"Slice", &Emitter::slice},
      {"Softmax", &Emitter::softmax},
      {"Softplus", &Emitter::unary},
      {"Sqrt", &Emitter::unary},
      {"Squeeze", &Emitter::reshape},
      {"Sub", &Emitter::difference},
      {"SubConst", &Emitter::const_minus},
      {"Tanh", &Emitter::unary},
      {"Tile", &Emitter::tile},
      {"Unsqueeze", &Emitter::reshape},
      {"Where", &Emitter::where},
  };
  return table;
}

Status Emitter::unary(mlir::Operation& op) {
  return finish(op, op.getName().getStringRef().drop_front(4).str(), {value(op.getOperand(0))});
}

Status Emitter::relu(mlir::Operation& op) {
  const double limit = number(op, "relu_limit", -1);
  const std::string x = value(op.getOperand(0));
  if (limit > 0) return finish(op, "Clip", {x, scalar(0), scalar(limit)});
  return finish(op, "Relu", {x});
}

Status Emitter::gelu(mlir::Operation& op) {
  if (text(op, "approx_mode", "normal") != "normal") return unsupported("an approximation of GELU");
  const std::string x = value(op.getOperand(0));
  if (opset_ >= kGeluOpset) return finish(op, "Gelu", {x});
  const std::string scaled = node("Div", {x, scalar(std::numbers::sqrt2)}, part(op, "scaled"));
  const std::string erf = node("Erf", {scaled}, part(op, "erf"));
  const std::string sum = node("Add", {erf, scalar(1)}, part(op, "sum"));
  const std::string product = node("Mul", {x, sum}, part(op, "product"));
  return finish(op, "Mul", {product, scalar(0.5)});
}

Status Emitter::sigmoid(mlir::Operation& op) {
  if (number(op, "scale", 1) != 1 || number(op, "bias", 0) != 0 || flag(op, "log"))
    return unsupported("a sigmoid with a scale, a bias or a logarithm");
  return finish(op, "Sigmoid", {value(op.getOperand(0))});
}

Status Emitter::variadic(mlir::Operation& op) {
  const std::string kind = op.getName().getStringRef().drop_front(4).str();
  std::string sum = value(op.getOperand(0));
  const unsigned count = op.getNumOperands();
  if (count == 1) return finish(op, "Identity", {sum});
  for (unsigned i = 1; i + 1 < count; ++i)
    sum = node(kind, {sum, value(op.getOperand(i))}, part(op, fmt::format("{}", i)));
  return finish(op, kind, {sum, value(op.getOperand(count - 1))});
}

Status Emitter::difference(mlir::Operation& op) {
  if (op.getNumOperands() != 2) return unsupported("more than two operands");
  const unsigned first = flag(op, "is_reverse") ? 1 : 0;
  return finish(op, op.getName().getStringRef().drop_front(4).str(),
                {value(op.getOperand(first)), value(op.getOperand(1 - first))});
}

// AddConst, MulConst, MaxConst, MinConst
Status Emitter::with_constant(mlir::Operation& op) {
  const std::string kind = op.getName().getStringRef().drop_front(4).drop_back(5).str();
  return finish(op, kind, {value(op.getOperand(0)), scalar(number(op, "const_val", 0))});
}

Status Emitter::const_minus(mlir::Operation& op) {
  const std::string x = value(op.getOperand(0)), constant = scalar(number(op, "const_val", 0));
  return flag(op, "is_reverse") ? finish(op, "Sub", {constant, x}) : finish(op, "Sub", {x, constant});
}

Status Emitter::reciprocal(mlir::Operation& op) {
  return finish(op, "Div", {scalar(number(op, "const_val", 1)), value(op.getOperand(0))});
}

Status Emitter::clip(mlir::Operation& op) {
  return finish(op, "Clip", {value(op.getOperand(0)), scalar(number(op, "min", 0)), scalar(number(op, "max", 0))});
}

Status Emitter::power(mlir::Operation& op) {
  return finish(op, "Pow", {value(op.getOperand(0)), scalar(number(op, "exponent", 1))});
}

// Comparisons give bool in ONNX. Where reads that; other ops read it as numbers, which are made where one does.
Status Emitter::compare(mlir::Operation& op) {
  const std::string mode = text(op, "mode", "");
  const bool constant = mlir::isa<top::CompareConstOp>(op);
  std::string left = value(op.getOperand(0));
  std::string right = constant ? scalar(number(op, "const_val", 0)) : value(op.getOperand(1));
  if (flag(op, "inversed")) std::swap(left, right);
  std::string truth = part(op, "bool");
  if (mode == "NotEqual") {
    node("Not", {node("Equal", {left, right}, part(op, "equal"))}, truth);
  } else if (mode == "Not") {  // whatever the constant says
    node("Equal", {left, scalar(0)}, truth);
  } else if (mode == "Equal" || mode == "Greater" || mode == "GreaterOrEqual" || mode == "Less" ||
             mode == "LessOrEqual") {
    node(mode, {left, right}, truth);
  } else {
    return unsupported("the comparison " + mode);
  }
  bool as_number = false;
  for (mlir::OpOperand& use : op.getResult(0).getUses())
    as_number = as_number || !mlir::isa<top::WhereOp>(use.getOwner()) || use.getOperandNumber() != 0;
  if (!as_number) return Status::ok();
  node("Cast", {truth}, result(op));
  set_attribute(last(), "to", int64_t{1});
  return Status::ok();
}

Status Emitter::where(mlir::Operation& op) {
  auto where = mlir::cast<top::WhereOp>(op);
  const mlir::Value condition = where.getCond();
  std::string truth;
  if (is_comparison(condition)) {
    truth = value(condition) + "/bool";
  } else {
    truth = node("Cast", {value(condition)}, part(op, "bool"));
    set_attribute(last(), "to", int64_t{9});
  }
  const std::string if_true = where.getXIsConst() ? scalar(number(op, "x_const_val", 0)) : value(where.getTbrn());
  const std::string if_false = where.getYIsConst() ? scalar(number(op, "y_const_val", 0)) : value(where.getFbrn());
  return finish(op, "Where", {truth, if_true, if_false});
}

Status Emitter::conv(mlir::Operation& op) {
  Names inputs = {value(op.getOperand(0)), value(op.getOperand(1))};
  if (!is_none(op.getOperand(2))) inputs.push_back(value(op.getOperand(2)));
  SAMC_TRY(finish(op, "Conv", inputs));
  for (const char* name : {"kernel_shape", "strides", "pads", "dilations"})
    if (const Shape values = integers(op, name); !values.empty()) set_attribute(last(), name, values);
  set_attribute(last(), "group", integer(op, "group", 1));
  return Status::ok();
}

Status Emitter::deconv(mlir::Operation& op) {
  const mlir::Value filter = op.getOperand(1);
  if (!is_weight(filter)) return unsupported("a filter that depends on the data");
  // ONNX has (in, out / group, kh, kw), top (out / group, in, kh, kw).
  Names inputs = {value(op.getOperand(0)), weight(filter, shape_of(filter), Initialiser::Order::kFirstTwoExchanged)};
  if (!is_none(op.getOperand(2))) inputs.push_back(value(op.getOperand(2)));
  SAMC_TRY(finish(op, "ConvTranspose", inputs));
  for (const char* name : {"kernel_shape", "strides", "pads", "dilations", "output_padding"})
    if (const Shape values = integers(op, name); !values.empty()) set_attribute(last(), name, values);
  set_attribute(last(), "group", integer(op, "group", 1));
  return Status::ok();
}

Status Emitter::matmul(mlir::Operation& op) {
  auto matmul = mlir::cast<top::MatMulOp>(op);
  const auto exchanged = [&](mlir::Value x, const std::string& what) {
    if (is_weight(x)) return weight(x, shape_of(x), Initialiser::Order::kLastTwoExchanged);
    std::vector<int64_t> order;
    const auto rank = static_cast<int64_t>(shape_of(x).size());
    for (int64_t axis = 0; axis < rank - 2; ++axis) order.push_back(axis);
    order.insert(order.end(), {rank - 1, rank - 2});
    std::string name = node("Transpose", {value(x)}, part(op, what));
    set_attribute(last(), "perm", order);
    return name;
  };
  const std::string left = matmul.getLeftTranspose() ? exchanged(matmul.getInput(), "left") : value(matmul.getInput());
  const std::string right =
      matmul.getRightTranspose() ? exchanged(matmul.getRight(), "right") : value(matmul.getRight());
  if (is_none(matmul.getBias())) return finish(op, "MatMul", {left, right});
  const std::string product = node("MatMul", {left, right}, part(op, "product"));
  return finish(op, "Add", {product, value(matmul.getBias())});
}

std::string Emitter::mean(const std::string& name, const std::string& x, int64_t axis) {
  if (opset_ >= kReduceAxesOpset) return node("ReduceMean", {x, list(fmt::format("axis/{}", axis), {axis})}, name);
  node("ReduceMean", {x}, name);
  set_attribute(last(), "axes", std::vector<int64_t>{axis});
  return name;
}

Status Emitter::norm(mlir::Operation& op) {
  const bool over_pixels = mlir::isa<top::PixelNormOp>(op);
  const Shape shape = shape_of(op.getOperand(0));
  const int64_t axis = over_pixels ? 1 : positive(integer(op, "axis", -1), shape.size());
  const std::string x = value(op.getOperand(0));
  const mlir::Value scale = op.getOperand(1), bias = op.getOperand(2);
  const double eps = number(op, "eps", 1e-5);
  if (!over_pixels && opset_ >= kLayerNormOpset && !is_none(scale)) {
    Names inputs = {x, value(scale)};
    if (!is_none(bias)) inputs.push_back(value(bias));
    SAMC_TRY(finish(op, "LayerNormalization", inputs));
    set_attribute(last(), "axis", axis);
    set_attribute(last(), "epsilon", static_cast<float>(eps));
    return Status::ok();
  }
  if (!over_pixels && axis + 1 != static_cast<int64_t>(shape.size())) return unsupported("it runs over several axes");
  const auto parameter = [&](mlir::Value of) {
    return is_weight(of) && over_pixels ? weight(of, {shape[1], 1, 1}) : value(of);
  };
  const std::string average = mean(part(op, "mean"), x, axis);
  const std::string centred = node("Sub", {x, average}, part(op, "centred"));
  const std::string square = node("Mul", {centred, centred}, part(op, "square"));
  const std::string variance = mean(part(op, "variance"), square, axis);
  const std::string sum = node("Add", {variance, scalar(eps)}, part(op, "variance_eps"));
  const std::string deviation = node("Sqrt", {sum}, part(op, "deviation"));
  std::string normal = part(op, "normal");
  if (is_none(scale) && is_none(bias)) return finish(op, "Div", {centred, deviation});
  node("Div", {centred, deviation}, normal);
  if (is_none(bias)) return finish(op, "Mul", {normal, parameter(scale)});
  if (!is_none(scale)) normal = node("Mul", {normal, parameter(scale)}, part(op, "scaled"));
  return finish(op, "Add", {normal, parameter(bias)});
}

Status Emitter::softmax(mlir::Operation& op) {
  if (flag(op, "log")) return unsupported("a logarithm of softmax");
  std::string x = value(op.getOperand(0));
  if (const double beta = number(op, "beta", 1); beta != 1) x = node("Mul", {x, scalar(beta)}, part(op, "scaled"));
  SAMC_TRY(finish(op, "Softmax", {x}));
  set_attribute(last(), "axis", integer(op, "axis", -1));
  return Status::ok();
}

Status Emitter::pool(mlir::Operation& op) {
  const bool average = mlir::isa<top::AvgPoolOp>(op);
  SAMC_TRY(finish(op, average ? "AveragePool" : "MaxPool", {value(op.getOperand(0))}));
  for (const char* name : {"kernel_shape", "strides", "pads"}) set_attribute(last(), name, integers(op, name));
  set_attribute(last(), "ceil_mode", int64_t{flag(op, "ceil_mode")});
  if (average) set_attribute(last(), "count_include_pad", int64_t{flag(op, "count_include_pad")});
  return Status::ok();
}

Status Emitter::interp(mlir::Operation& op) {
  const Shape from = shape_of(op.getOperand(0)), to = shape_of(op.getResult(0));
  const std::string mode = text(op, "mode", ""), coordinates = text(op, "coord_mode", "");
  if (mode == "cubic") return unsupported("it resizes by cubic interpolation");
  // With sizes there is no doubt about the result's.
  SAMC_TRY(finish(op, "Resize", {value(op.getOperand(0)), "", "", list(part(op, "sizes"), to)}));
  set_attribute(last(), "mode", mode);
  set_attribute(last(), "coordinate_transformation_mode", coordinates);
  if (mode == "nearest") set_attribute(last(), "nearest_mode", std::string("floor"));
  return Status::ok();
}

Status Emitter::reshape(mlir::Operation& op) {
  const std::string shape = list(part(op, "shape"), shape_of(op.getResult(0)));
  graph_.reshapes.insert(shape);
  return finish(op, "Reshape", {value(op.getOperand(0)), shape});
}

Status Emitter::permute(mlir::Operation& op) {
  SAMC_TRY(finish(op, "Transpose", {value(op.getOperand(0))}));
  set_attribute(last(), "perm", integers(op, "order"));
  return Status::ok();
}

Status Emitter::concat(mlir::Operation& op) {
  Names inputs;
  for (const mlir::Value operand : op.getOperands()) inputs.push_back(value(operand));
  SAMC_TRY(finish(op, "Concat", inputs));
  set_attribute(last(), "axis", integer(op, "axis", 1));
  return Status::ok();
}

Status Emitter::slice(mlir::Operation& op) {
  auto slice = mlir::cast<top::SliceOp>(op);
  if (!is_none(slice.getOffsetT()) || !is_none(slice.getEndsT()) || !is_none(slice.getStepsT()))
    return unsupported("its bounds depend on the data");
  const Shape from = shape_of(slice.getInput()), to = shape_of(slice.getOutput());
  Shape axes = to_shape(slice.getAxes());
  const Shape offset = to_shape(slice.getOffset()), steps = to_shape(slice.getSteps());
  if (axes.empty())
    for (size_t axis = 0; axis < from.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  std::vector<int64_t> starts, ends, cut, strides;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = positive(axes[i], from.size());
    const int64_t extent = from[static_cast<size_t>(axis)], left = to[static_cast<size_t>(axis)];
    if (steps[i] < 1) return unsupported("it goes backwards");
    if (left == extent && steps[i] == 1) continue;  // the whole axis, which may be the free one
    const int64_t start = offset[i] < 0 ? offset[i] + extent : offset[i];
    cut.push_back(axis);
    starts.push_back(start);
    ends.push_back(start + (left - 1) * steps[i] + 1);
    strides.push_back(steps[i]);
  }
  if (cut.empty()) return finish(op, "Identity", {value(slice.getInput())});
  return finish(op, "Slice",
                {value(slice.getInput()), list(part(op, "starts"), starts), list(part(op, "ends"), ends),
                 list(part(op, "axes"), cut), list(part(op, "steps"), strides)});
}

Status Emitter::expand(mlir::Operation& op) {
  const Shape from = shape_of(op.getOperand(0));
  Shape to = shape_of(op.getResult(0));
  // 1 leaves an axis as it is, also a free one.
  const size_t missing = to.size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis)
    if (to[missing + axis] == from[axis]) to[missing + axis] = 1;
  return finish(op, "Expand", {value(op.getOperand(0)), list(part(op, "shape"), to)});
}

Status Emitter::tile(mlir::Operation& op) {
  return finish(op, "Tile", {value(op.getOperand(0)), list(part(op, "repeats"), integers(op, "tile"))});
}

Status Emitter::pad(mlir::Operation& op) {
  const std::string mode = text(op, "mode", "constant");
  if (mode == "symmetric") return unsupported("it pads by symmetry");
  Names inputs = {value(op.getOperand(0)), list(part(op, "pads"), integers(op, "paddings"))};
  if (mode == "constant") inputs.push_back(scalar(number(op, "val", 0)));
  SAMC_TRY(finish(op, "Pad", inputs));
  set_attribute(last(), "mode", mode);
  return Status::ok();
}

Status Emitter::reduce(mlir::Operation& op) {
  const std::string mode = text(op, "mode", "");
  const Shape axes = integers(op, "axes");
  Names inputs = {value(op.getOperand(0))};
  const bool as_operand = opset_ >= kReduceAxesOpset || mode == "ReduceSum";
  if (as_operand) inputs.push_back(list(part(op, "axes"), axes));
  SAMC_TRY(finish(op, mode, inputs));
  if (!as_operand) set_attribute(last(), "axes", axes);
  set_attribute(last(), "keepdims", int64_t{flag(op, "keepdims")});
  return Status::ok();
}

Status Emitter::gather(mlir::Operation& op) {
  const mlir::Value indices = op.getOperand(1);
  if (shape_of(indices).size() != 1) return unsupported("its indices are no list");
  std::string places;
  if (is_weight(indices)) {
    std::vector<int64_t> known;
    for (const float place : weight_view(indices, weights_).f32()) known.push_back(static_cast<int64_t>(place));
    places = list(part(op, "indices"), std::move(known));
  } else {
    places = node("Cast", {value(indices)}, part(op, "indices"));
    set_attribute(last(), "to", int64_t{7});
  }
  SAMC_TRY(finish(op, "Gather", {value(op.getOperand(0)), places}));
  set_attribute(last(), "axis", integer(op, "axis", 0));
  return Status::ok();
}

}  // namespace samc::onnx_target
