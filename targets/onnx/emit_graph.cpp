#include "targets/onnx/emit_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc::onnx_target {
namespace {

// Numbers of AttributeProto's types.
enum AttributeType { kFloat = 1, kInt = 2, kString = 3, kInts = 7 };

onnx::AttributeProto& new_attribute(onnx::NodeProto& node, const std::string& name, AttributeType type) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

void set_attribute(onnx::NodeProto& node, const std::string& name, int64_t value) {
  new_attribute(node, name, kInt).set_i(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto& attribute = new_attribute(node, name, kInts);
  for (const int64_t value : values) attribute.add_ints(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, float value) {
  new_attribute(node, name, kFloat).set_f(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  new_attribute(node, name, kString).set_s(value);
}

Result<EmittedGraph> Emitter::run() {
  mlir::Block& block = function_.getBody().front();
  auto terminator = mlir::cast<mlir::func::ReturnOp>(block.getTerminator());
  const std::vector<std::string> outputs = output_names(function_);
  // An output that is a node's own result has its name from the start; others are copied at the end.
  std::vector<std::pair<std::string, std::string>> copies;
  for (unsigned i = 0; i < outputs.size(); ++i) {
    const mlir::Value value = terminator.getOperand(i);
    graph_.outputs.emplace_back(outputs[i], shape_of(value));
    taken_.insert(outputs[i]);
    const std::string name = name_of(value);
    const bool own = !is_weight(value) && !mlir::isa_and_nonnull<top::InputOp>(value.getDefiningOp());
    if (own && renamed_.count(name) == 0) renamed_[name] = outputs[i];
  }
  for (mlir::Operation& op : block) {
    if (mlir::isa<top::WeightOp, top::NoneOp, mlir::func::ReturnOp>(op)) continue;
    if (mlir::isa<top::InputOp>(op)) {
      graph_.inputs.emplace_back(name_of(&op), shape_of(op.getResult(0)));
      taken_.insert(name_of(&op));
      continue;
    }
    const std::string kind = op.getName().getStringRef().drop_front(4).str();
    const auto handler = handlers().find(kind);
    if (handler == handlers().end() || op.getNumResults() != 1)
      return unsupported(fmt::format("{} '{}' has no ONNX form", kind, name_of(&op)));
    SAMC_TRY((this->*handler->second)(op).at(fmt::format("{} '{}'", kind, name_of(&op))));
    add_relu(op);
  }
  for (unsigned i = 0; i < outputs.size(); ++i) {
    const std::string made = value(terminator.getOperand(i));
    if (made != outputs[i]) node("Identity", {made}, outputs[i]);
  }
  return std::move(graph_);
}

std::string Emitter::value(mlir::Value value) {
  if (is_weight(value)) return weight(value, shape_of(value));
  const std::string name = name_of(value);
  const auto output = renamed_.find(name);
  return output == renamed_.end() ? name : output->second;
}

std::string Emitter::weight(mlir::Value value, const Shape& shape, Initialiser::Order order) {
  const std::string stored = name_of(value);
  const Initialiser wanted{stored, shape, order};
  std::string name = stored;
  for (int number = 0;; name = fmt::format("{}/{}", stored, ++number)) {
    const auto found = graph_.weights.find(name);
    if (found != graph_.weights.end() && found->second == wanted) return name;
    if (found == graph_.weights.end() && taken_.insert(name).second) break;
  }
  graph_.weights[name] = wanted;
  return name;
}

std::string Emitter::list(const std::string& name, std::vector<int64_t> values) {
  graph_.integers[name] = std::move(values);
  return name;
}

std::string Emitter::scalar(double value) {
  const std::string name = fmt::format("constant/{}", static_cast<float>(value));
  graph_.scalars[name] = static_cast<float>(value);
  return name;
}

std::string Emitter::result(mlir::Operation& op) { return value(op.getResult(0)); }

std::string Emitter::node(const std::string& op, const Names& inputs, const std::string& output) {
  onnx::NodeProto node;
  node.set_op_type(op);
  node.set_name(output);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  graph_.nodes.push_back(std::move(node));
  return output;
}

std::string Emitter::before_relu(mlir::Operation& op) {
  const auto relu = op.getAttrOfType<mlir::BoolAttr>("do_relu");
  return relu && relu.getValue() ? part(op, "before_relu") : result(op);
}

void Emitter::add_relu(mlir::Operation& op) {
  const std::string before = before_relu(op);
  if (before == result(op)) return;
  const auto limit = op.getAttrOfType<mlir::FloatAttr>("relu_limit");
  if (limit && limit.getValueAsDouble() > 0)
    node("Clip", {before, scalar(0), scalar(limit.getValueAsDouble())}, result(op));
  else
    node("Relu", {before}, result(op));
}

Status Emitter::finish(mlir::Operation& op, const std::string& onnx_op, const Names& inputs) {
  node(onnx_op, inputs, before_relu(op));
  return Status::ok();
}

}  // namespace samc::onnx_target
