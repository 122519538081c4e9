// Exporters write out broadcasts that the operators behind them do by themselves. Each Expand moves behind elementwise
// nodes until one broadcasts anyway, or something needs the whole value. A computed constant that only repeats itself
// (zeros of the data's shape plus a row) becomes narrow the same way: its extents must not depend on how many points
// there are.

#include <algorithm>
#include <set>

#include "onnx/compose.h"
#include "onnx/evaluate.h"

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
      if (is_elementwise(node)) {
        sink(node);
        narrow_constants(node);
      }
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

  // Where the node's result keeps its shape without the repeats.
  void narrow_constants(Node& node) {
    for (std::string& input : node.inputs) {
      const Value& value = graph_.value(input);
      if (!value.constant || value.in_model) continue;
      const Shape shape = without_repeats(*value.constant);
      if (shape == value.shape || !keeps_shape(node, input, shape)) continue;
      const std::string name = input + "/once";
      if (graph_.values.count(name) == 0) {
        const Shape strides = dense_strides(value.shape);
        Tensor once = gather_strided(*value.constant, shape, strides, 0);
        graph_.values[name] = {.dtype = value.dtype, .shape = shape, .constant = Constant::of(std::move(once))};
      }
      input = name;
      ++sunk_;
    }
  }

  bool keeps_shape(const Node& node, const std::string& narrowed, const Shape& shape) const {
    Shape result;
    for (const std::string& input : node.inputs) {
      const Result<Shape> wider = broadcast(result, input == narrowed ? shape : graph_.value(input).shape);
      if (!wider.is_ok()) return false;
      result = wider.value();
    }
    return result == graph_.value(node.outputs[0]).shape;
  }

  // Its shape with 1 for each axis along which all elements are the first one's.
  static Shape without_repeats(const Constant& constant) {
    Shape shape = constant.view.shape;
    if (constant.count() == 0) return shape;
    const auto* bytes = static_cast<const std::byte*>(constant.view.data);
    int64_t row = dtype_size(constant.view.dtype);
    for (size_t axis = shape.size(); axis-- > 0;) {
      const int64_t extent = shape[axis];
      const int64_t rows = constant.view.bytes() / row;
      int64_t i = 0;
      while (i < rows && std::memcmp(bytes + i * row, bytes + i / extent * extent * row, static_cast<size_t>(row)) == 0)
        ++i;
      if (i == rows) shape[axis] = 1;
      row *= extent;
    }
    return shape;
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
