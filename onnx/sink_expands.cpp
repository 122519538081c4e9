// Exporters write out broadcasts that the operators behind them do by themselves. Each Expand moves behind elementwise
// nodes until one broadcasts anyway, or something needs the whole value.

#include <algorithm>
#include <set>

#include "onnx/compose.h"

namespace samc::onnx {
namespace {

bool is_elementwise(const Node& node) {
  static const std::set<std::string> kinds = {
      "Abs",     "Add",     "And",  "Cast",           "Ceil",  "Cos",         "Div",  "Equal", "Exp", "Floor",
      "Greater", "Less",    "Log",  "GreaterOrEqual", "Max",   "LessOrEqual", "Min",  "Mod",   "Mul", "Neg",
      "Not",     "Or",      "Pow",  "Relu",           "Round", "Sin",         "Sqrt", "Sub",   "Xor", "Tanh",
      "Erf",     "Sigmoid", "Where"};
  return node.outputs.size() == 1 && kinds.count(node.op) != 0;
}

class Sinker {
 public:
  explicit Sinker(SimpleGraph& graph) : graph_(graph) {}

  int64_t run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : nodes) {
      if (node.op == "Expand" && graph_.value(node.inputs[0]).rank() == graph_.value(node.outputs[0]).rank())
        narrow_[node.outputs[0]] = node.inputs[0];
      if (is_elementwise(node)) sink(node);
      const std::string made = node.outputs[0];
      graph_.nodes.push_back(std::move(node));
      if (const auto moved = moved_.find(made); moved != moved_.end()) add_expand(moved->second, made);
    }
    if (sunk_ > 0) remove_dead(graph_);
    return sunk_;
  }

 private:
  void sink(Node& node) {
    std::vector<std::string> inputs = node.inputs;
    for (std::string& input : inputs)
      if (const auto found = narrow_.find(input); found != narrow_.end()) input = found->second;
    if (inputs == node.inputs) return;
    Shape shape = graph_.value(inputs[0]).shape;
    for (const std::string& input : inputs) {
      const Result<Shape> wider = broadcast(shape, graph_.value(input).shape);
      if (!wider.is_ok()) return;
      shape = wider.value();
    }
    ++sunk_;
    node.inputs = std::move(inputs);
    const Value& result = graph_.value(node.outputs[0]);
    if (shape == result.shape) return;
    // The node computes the narrow value, which is expanded behind it.
    const std::string narrow = node.outputs[0] + "/narrow";
    graph_.values[narrow] = {.dtype = result.dtype, .shape = shape};
    moved_[narrow] = node.outputs[0];
    narrow_[node.outputs[0]] = narrow;
    node.outputs[0] = narrow;
  }

  void add_expand(const std::string& wide, const std::string& narrow) {
    const Shape& shape = graph_.value(wide).shape;
    Tensor extents(DType::kI64, {static_cast<int64_t>(shape.size())});
    std::copy(shape.begin(), shape.end(), extents.as<int64_t>().begin());
    const std::string name = wide + "/shape";
    graph_.values[name] = {
        .dtype = DType::kI64, .shape = extents.shape(), .constant = Constant::of(std::move(extents))};
    graph_.nodes.push_back(Node{.op = "Expand", .inputs = {narrow, name}, .outputs = {wide}});
  }

  SimpleGraph& graph_;
  std::map<std::string, std::string> narrow_;  // an expanded value -> what it was expanded from
  std::map<std::string, std::string> moved_;   // a narrow result -> the name of the wide one
  int64_t sunk_ = 0;
};

}  // namespace

int64_t sink_expands(SimpleGraph& graph) { return Sinker(graph).run(); }

}  // namespace samc::onnx
