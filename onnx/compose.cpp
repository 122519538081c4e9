#include "onnx/compose.h"

#include <cmath>

namespace samc::onnx {
namespace {

class Composer {
 public:
  explicit Composer(SimpleGraph& graph) : graph_(graph) {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const std::string& name : graph_.nodes[i].outputs)
        if (!name.empty()) producers_[name] = i;
      for (const std::string& name : graph_.nodes[i].inputs)
        if (!name.empty()) readers_[name].push_back(i);
    }
    // The graph's caller reads its outputs.
    for (const SimpleOutput& output : graph_.outputs) readers_[output.value].push_back(graph_.nodes.size());
  }

  int64_t run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].op == "Erf") compose_gelu(i);
      if (graph_.nodes[i].op == "Sqrt") compose_norm(i);
    }
    if (composed_ > 0) remove_dead(graph_);
    return composed_;
  }

 private:
  const Node* producer(const std::string& name, std::string_view op) const {
    const auto found = producers_.find(name);
    if (found == producers_.end() || graph_.nodes[found->second].op != op) return nullptr;
    return &graph_.nodes[found->second];
  }

  // The only node that reads the value, if it is of this operator.
  const Node* only_reader(const std::string& name, std::string_view op) const {
    const auto found = readers_.find(name);
    if (found == readers_.end() || found->second.size() != 1 || found->second[0] >= graph_.nodes.size()) return nullptr;
    const Node& node = graph_.nodes[found->second[0]];
    return node.op == op ? &node : nullptr;
  }

  bool is_scalar(const std::string& name, double wanted) const {
    const Value& value = graph_.value(name);
    return value.constant && value.constant->count() == 1 &&
           std::fabs(value.constant->real(0) - wanted) <= 1e-6 * std::fabs(wanted);
  }

  // The operand of a two-operand node that is not `name`; empty when both are or none is.
  static std::string other_operand(const Node& node, const std::string& name) {
    if (node.inputs.size() != 2 || (node.inputs[0] == name) == (node.inputs[1] == name)) return {};
    return node.inputs[0] == name ? node.inputs[1] : node.inputs[0];
  }

  // The other operand of a node whose one operand is this scalar.
  std::string scaled_operand(const Node& node, double scalar) const {
    for (size_t i = 0; i < 2; ++i)
      if (node.inputs.size() == 2 && is_scalar(node.inputs[i], scalar)) return node.inputs[1 - i];
    return {};
  }

  void replace(const Node& last, Node node) {
    node.outputs = {last.outputs[0]};
    node.name = last.name;
    graph_.nodes[producers_.at(last.outputs[0])] = std::move(node);
    ++composed_;
  }

  // x / sqrt(2) -> Erf -> + 1, times x and 0.5 in any order
  void compose_gelu(size_t at) {
    const Node& erf = graph_.nodes[at];
    std::string x;
    if (const Node* divided = producer(erf.inputs[0], "Div");
        divided != nullptr && is_scalar(divided->inputs[1], std::sqrt(2.0)))
      x = divided->inputs[0];
    if (const Node* multiplied = producer(erf.inputs[0], "Mul"); multiplied != nullptr)
      x = scaled_operand(*multiplied, std::sqrt(0.5));
    const Node* sum = only_reader(erf.outputs[0], "Add");
    if (x.empty() || sum == nullptr || scaled_operand(*sum, 1.0) != erf.outputs[0]) return;
    const Node* product = only_reader(sum->outputs[0], "Mul");
    if (product == nullptr) return;
    const std::string factor = other_operand(*product, sum->outputs[0]);
    const Node* last = nullptr;
    if (factor == x) {  // (x (1 + erf)) 0.5
      last = only_reader(product->outputs[0], "Mul");
      if (last == nullptr || scaled_operand(*last, 0.5) != product->outputs[0]) return;
    } else if (!factor.empty() && is_scalar(factor, 0.5)) {  // (0.5 (1 + erf)) x
      last = only_reader(product->outputs[0], "Mul");
      if (last == nullptr || other_operand(*last, product->outputs[0]) != x) return;
    } else {  // (0.5 x) (1 + erf)
      const Node* half = factor.empty() ? nullptr : producer(factor, "Mul");
      if (half == nullptr || scaled_operand(*half, 0.5) != x) return;
      last = product;
    }
    if (graph_.value(last->outputs[0]).shape != graph_.value(x).shape) return;
    replace(*last, {.op = "Gelu", .inputs = {x}});
  }

  // (x - mean) / sqrt(mean((x - mean)^2) + eps) weight + bias
  void compose_norm(size_t at) {
    const Node& root = graph_.nodes[at];
    const Node* variance_sum = producer(root.inputs[0], "Add");
    if (variance_sum == nullptr) return;
    for (size_t i = 0; i < 2; ++i) {
      const Node* variance = producer(variance_sum->inputs[i], "ReduceMean");
      const Value& eps = graph_.value(variance_sum->inputs[1 - i]);
      if (variance != nullptr && eps.constant && eps.constant->count() == 1)
        compose_norm(root, *variance, eps.constant->real(0));
    }
  }

  void compose_norm(const Node& root, const Node& variance, double eps) {
    std::string centred;
    if (const Node* square = producer(variance.inputs[0], "Pow");
        square != nullptr && is_scalar(square->inputs[1], 2.0))
      centred = square->inputs[0];
    if (const Node* square = producer(variance.inputs[0], "Mul");
        square != nullptr && square->inputs[0] == square->inputs[1])
      centred = square->inputs[0];
    const Node* difference = centred.empty() ? nullptr : producer(centred, "Sub");
    const Node* mean = difference == nullptr ? nullptr : producer(difference->inputs[1], "ReduceMean");
    const Node* quotient = only_reader(root.outputs[0], "Div");
    if (mean == nullptr || mean->inputs[0] != difference->inputs[0] || quotient == nullptr ||
        quotient->inputs[1] != root.outputs[0])
      return;
    const std::string& x = difference->inputs[0];
    // Some exporters subtract twice.
    const Node* numerator = producer(quotient->inputs[0], "Sub");
    if (numerator == nullptr || numerator->inputs != difference->inputs) return;

    const int64_t rank = graph_.value(x).rank();
    const Result<ReduceParameters> mean_axes = reduce_parameters(graph_.context(*mean));
    const Result<ReduceParameters> variance_axes = reduce_parameters(graph_.context(variance));
    if (!mean_axes.is_ok() || !variance_axes.is_ok() || mean_axes.value().axes != variance_axes.value().axes ||
        mean_axes.value().axes.size() != 1 || !mean_axes.value().keep_dims || !variance_axes.value().keep_dims)
      return;
    const int64_t axis = mean_axes.value().axes[0];
    const bool over_pixels = axis == 1 && rank == 4;
    if (!over_pixels && axis != rank - 1) return;

    const Node* product = only_reader(quotient->outputs[0], "Mul");
    const std::string weight = product == nullptr ? std::string() : other_operand(*product, quotient->outputs[0]);
    const Node* last = weight.empty() ? nullptr : only_reader(product->outputs[0], "Add");
    const std::string bias = last == nullptr ? std::string() : other_operand(*last, product->outputs[0]);
    const int64_t after = over_pixels ? 2 : 0;  // axes behind the normalised one
    if (bias.empty() || !is_vector(weight, x, axis, after) || !is_vector(bias, x, axis, after) ||
        graph_.value(last->outputs[0]).shape != graph_.value(x).shape)
      return;
    Node node{.op = over_pixels ? kPixelNormalization : "LayerNormalization", .inputs = {x, weight, bias}};
    node.attributes["epsilon"] = {.kind = Attribute::Kind::kFloat, .real = static_cast<float>(eps)};
    if (!over_pixels) node.attributes["axis"] = {.kind = Attribute::Kind::kInt, .integer = -1};
    replace(*last, std::move(node));
  }

  // A constant with one value for each element of x's axis, `after` axes of 1 behind it.
  bool is_vector(const std::string& name, const std::string& x, int64_t axis, int64_t after) const {
    const Value& value = graph_.value(name);
    const int64_t extent = graph_.value(x).shape[static_cast<size_t>(axis)];
    const int64_t place = value.rank() - 1 - after;
    return value.constant && value.constant->count() == extent && place >= 0 &&
           value.shape[static_cast<size_t>(place)] == extent;
  }

  SimpleGraph& graph_;
  std::map<std::string, size_t> producers_;
  std::map<std::string, std::vector<size_t>> readers_;
  int64_t composed_ = 0;
};

}  // namespace

int64_t compose(SimpleGraph& graph) {
  sink_expands(graph);
  return Composer(graph).run();
}

}  // namespace samc::onnx
