#include "onnx/import.h"

#include "onnx/compose.h"
#include "onnx/evaluate.h"
#include "onnx/lowering.h"

namespace samc::onnx {

const std::map<std::string, Lowering::Handler, std::less<>>& Lowering::handlers() {
  static const std::map<std::string, Handler, std::less<>> table = {
      {"Abs", &Lowering::unary},
      {"Add", &Lowering::binary},
      {"And", &Lowering::logical},
      {"ArgMax", &Lowering::arg_max},
      {"AveragePool", &Lowering::pool},
      {"BatchNormalization", &Lowering::batch_norm},
      {"Cast", &Lowering::cast},
      {"CastLike", &Lowering::cast},
      {"Ceil", &Lowering::unary},
      {"Clip", &Lowering::clip},
      {"Concat", &Lowering::concat},
      {"Conv", &Lowering::conv},
      {"ConvTranspose", &Lowering::conv_transpose},
      {"Cos", &Lowering::unary},
      {"CumSum", &Lowering::cum_sum},
      {"Div", &Lowering::binary},
      {"Equal", &Lowering::compare},
      {"Erf", &Lowering::unary},
      {"Exp", &Lowering::unary},
      {"Expand", &Lowering::expand},
      {"Flatten", &Lowering::reshape},
      {"Floor", &Lowering::unary},
      {"Gather", &Lowering::gather},
      {"GatherElements", &Lowering::gather_elements},
      {"GatherND", &Lowering::gather_nd},
      {"Gelu", &Lowering::unary},
      {"Gemm", &Lowering::gemm},
      {"GlobalAveragePool", &Lowering::global_pool},
      {"Greater", &Lowering::compare},
      {"GreaterOrEqual", &Lowering::compare},
      {"LayerNormalization", &Lowering::layer_norm},
      {"Less", &Lowering::compare},
      {"LessOrEqual", &Lowering::compare},
      {"Log", &Lowering::unary},
      {"MatMul", &Lowering::matmul},
      {"Max", &Lowering::extremum},
      {"MaxPool", &Lowering::pool},
      {"Min", &Lowering::extremum},
      {"Mod", &Lowering::binary},
      {"Mul", &Lowering::binary},
      {"Neg", &Lowering::unary},
      {"Not", &Lowering::logical},
      {"Or", &Lowering::logical},
      {"Pad", &Lowering::pad},
      {kPixelNormalization, &Lowering::pixel_norm},
      {"Pow", &Lowering::binary},
      {"Reciprocal", &Lowering::unary},
      {"ReduceL2", &Lowering::reduce},
      {"ReduceMax", &Lowering::reduce},
      {"ReduceMean", &Lowering::reduce},
      {"ReduceMin", &Lowering::reduce},
      {"ReduceProd", &Lowering::reduce},
      {"ReduceSum", &Lowering::reduce},
      {"Relu", &Lowering::unary},
      {"Reshape", &Lowering::reshape},
      {"Resize", &Lowering::resize},
      {"Round", &Lowering::unary},
      {"ScatterElements", &Lowering::scatter},
      {"ScatterND", &Lowering::scatter},
      {"Sigmoid", &Lowering::unary},
      {"Sin", &Lowering::unary},
      {"Slice", &Lowering::slice},
      {"Softmax", &Lowering::softmax},
      {"Softplus", &Lowering::unary},
      {"Split", &Lowering::split},
      {"Sqrt", &Lowering::unary},
      {"Squeeze", &Lowering::reshape},
      {"Sub", &Lowering::binary},
      {"Tanh", &Lowering::unary},
      {"Tile", &Lowering::tile},
      {"Transpose", &Lowering::transpose},
      {"Unsqueeze", &Lowering::reshape},
      {"Where", &Lowering::where},
      {"Xor", &Lowering::logical},
  };
  return table;
}

Status Lowering::run() {
  std::vector<NamedShape> inputs;
  for (const SimpleInput& input : graph_.inputs) inputs.push_back({input.name, input.shape});
  const std::vector<mlir::Value> arguments = builder_.begin_function(options_.function, inputs);
  for (size_t i = 0; i < inputs.size(); ++i) values_[inputs[i].name] = arguments[i];
  for (const Node& node : graph_.nodes) {
    const auto handler = handlers().find(node.op);
    if (handler == handlers().end()) {
      builder_.fail(unsupported(fmt::format("{} works on the data here, which samc does not do", node.place()),
                                node.op == "DequantizeLinear" ? "export the float model" : ""));
      break;
    }
    const Status status = (this->*handler->second)(node, graph_.context(node));
    if (!status.is_ok()) builder_.fail(status.at(node.place()));
    if (!builder_.is_ok()) break;
  }
  std::vector<NamedValue> outputs;
  for (const SimpleOutput& output : graph_.outputs)
    outputs.push_back({output.name, builder_.is_ok() ? value(output.value) : mlir::Value()});
  if (builder_.is_ok() && options_.extend)
    if (Status status = options_.extend(builder_, values_); !status.is_ok()) builder_.fail(std::move(status));
  return builder_.end_function(outputs);
}

mlir::Value Lowering::value(const std::string& name) {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  return constant(name, graph_.value(name).shape);
}

mlir::Value Lowering::constant(const std::string& name, const Shape& shape) {
  const Value& known = graph_.value(name);
  SAMC_CHECK(known.constant.has_value(), "{} is neither made nor constant", name);
  if (element_count(shape) != known.constant->count()) {
    builder_.fail(invalid_input(
        fmt::format("its operand {} is {}, not {}", name, shape_to_string(known.shape), shape_to_string(shape))));
    return {};
  }
  if (const auto found = values_.find(name); found != values_.end() && GraphBuilder::shape(found->second) == shape)
    return found->second;
  std::string stored = options_.weight_prefix + name;
  WeightStore& weights = builder_.weights();
  // Another function of the same model has it already.
  if (known.in_model && weights.contains(stored) && !builder_.has_name(stored) &&
      weights.view(stored).data == known.constant->view.data && weights.shape(stored) == shape) {
    const mlir::Value shared = builder_.weight(stored);
    values_.emplace(name, shared);
    return shared;
  }
  // A second shape, or a name that a node's result has.
  if (weights.contains(stored) || builder_.has_name(stored)) stored = weights.unique_name(stored + "/constant");
  const TensorView view = known.constant->view.with_shape(shape);
  Status status = known.in_model ? weights.add_view(stored, view) : weights.add(stored, Tensor::copy_of(view));
  if (!status.is_ok()) {
    builder_.fail(std::move(status));
    return {};
  }
  const mlir::Value result = builder_.weight(stored);
  values_.emplace(name, result);
  return result;
}

mlir::Value Lowering::broadcast_constant(const std::string& name, const Shape& shape) {
  const Value& known = graph_.value(name);
  if (known.constant->count() == element_count(shape)) return constant(name, shape);
  const size_t more = known.shape.size() > shape.size() ? known.shape.size() - shape.size() : 0;
  const Shape own(known.shape.begin() + static_cast<std::ptrdiff_t>(more), known.shape.end());
  const Result<Shape> wider = broadcast(own, shape);
  if (!wider.is_ok() || wider.value() != shape || element_count(own) != known.constant->count()) {
    builder_.fail(invalid_input(
        fmt::format("its operand {} is {}, not {}", name, shape_to_string(known.shape), shape_to_string(shape))));
    return {};
  }
  Constant narrow = *known.constant;
  narrow.view = narrow.view.with_shape(own);
  return new_constant(name + "/broadcast", gather_strided(narrow, shape, broadcast_strides(own, shape), 0));
}

mlir::Value Lowering::new_constant(const std::string& name, Tensor tensor) {
  return builder_.constant(builder_.weights().unique_name(options_.weight_prefix + name), std::move(tensor));
}

Status Lowering::finish(const Node& node, mlir::Value result) {
  if (!builder_.is_ok()) return builder_.status();
  const Shape& expected = graph_.value(node.outputs[0]).shape;
  SAMC_CHECK(GraphBuilder::shape(result) == expected, "{} became {}, not {}", node.place(),
             shape_to_string(GraphBuilder::shape(result)), shape_to_string(expected));
  set(node.outputs[0], result);
  return Status::ok();
}

std::optional<double> Lowering::scalar(const std::string& name, const Shape& result) const {
  const Value& known = graph_.value(name);
  if (!known.constant || known.constant->count() != 1 || known.shape.size() > result.size()) return std::nullopt;
  return known.constant->real(0);
}

Status import_graph(const SimpleGraph& graph, const ImportOptions& options, GraphBuilder& builder) {
  return Lowering(graph, options, builder).run();
}

Result<ImportReport> import_model(const Model& model, const SimplifyOptions& simplify_options,
                                  const ImportOptions& import_options, GraphBuilder& builder) {
  SAMC_ASSIGN(SimpleGraph graph, simplify(model, simplify_options));
  ImportReport report{.nodes_in_model = static_cast<int64_t>(model.graph.nodes.size()),
                      .nodes_simplified = static_cast<int64_t>(graph.nodes.size())};
  report.patterns = compose(graph);
  SAMC_TRY(import_graph(graph, import_options, builder).at(model.path));
  return report;
}

}  // namespace samc::onnx
