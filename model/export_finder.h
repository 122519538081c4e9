#pragma once
// What the export_*.cpp files share: questions to the nodes of a graph, and the parts of find_cuts (export_contract.h).

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "model/export_contract.h"

namespace samc {

inline Status not_found(const std::string& what) { return unsupported(what, kKnownExport); }

// Exporters write these numbers with three digits or more.
inline bool is_near(double a, double b, double scale) {
  constexpr double kTolerance = 1e-3;
  return std::fabs(a - b) <= kTolerance * scale;
}

// One question after another to the nodes of a graph.
class Finder {
 public:
  explicit Finder(const onnx::SimpleGraph& graph) : graph_(graph) {}

  const onnx::Value& value(const std::string& name) const { return graph_.value(name); }
  onnx::NodeContext context(const onnx::Node& node) const { return graph_.context(node); }
  const onnx::Node* producer(const std::string& name) const {
    if (name.empty()) return nullptr;  // an absent operand, and a result that nothing reads
    for (const onnx::Node& node : graph_.nodes)
      if (std::find(node.outputs.begin(), node.outputs.end(), name) != node.outputs.end()) return &node;
    return nullptr;
  }
  std::vector<const onnx::Node*> readers(const std::string& name) const {
    std::vector<const onnx::Node*> found;
    for (const onnx::Node& node : graph_.nodes)
      if (std::find(node.inputs.begin(), node.inputs.end(), name) != node.inputs.end()) found.push_back(&node);
    return found;
  }
  // The node of this operator with two operands that reads the value, and the operand beside it; null when there is
  // none.
  const onnx::Node* reader(const std::string& name, const std::string& op, std::string& beside) const {
    for (const onnx::Node* node : readers(name))
      if (node->op == op && node->inputs.size() == 2) {
        beside = node->inputs[node->inputs[0] == name ? 1 : 0];
        return node;
      }
    return nullptr;
  }
  // What reads a value, for people: "Clip node 'a' and Mul node 'b'".
  std::string places_of_readers(const std::string& name) const {
    std::vector<std::string> places;
    for (const onnx::Node* node : readers(name)) places.push_back(node->place());
    return places.empty() ? "nothing" : fmt::format("{}", fmt::join(places, " and "));
  }
  // Behind the nodes of these operators, as long as one of them reads the value beside constants.
  std::string behind(std::string name, const std::set<std::string>& ops) const {
    while (true) {
      const std::vector<const onnx::Node*> found = readers(name);
      const auto next = std::find_if(found.begin(), found.end(), [&](const onnx::Node* node) {
        return ops.count(node->op) != 0 && node->outputs.size() == 1 && others_are_constant(*node, name);
      });
      if (next == found.end()) return name;
      name = (*next)->outputs[0];
    }
  }
  // A convolution to fewer places: the patch embedding, the first layer of a mask's. One that keeps the places is some
  // exporter's arithmetic.
  bool is_shrinking_convolution(const onnx::Node& node, const std::string& operand) const {
    if (node.op != "Conv" || node.inputs[0] != operand) return false;
    const auto parameters = onnx::conv_parameters(context(node));
    return parameters.is_ok() && std::all_of(parameters.value().strides.begin(), parameters.value().strides.end(),
                                             [](int64_t stride) { return stride > 1; });
  }
  bool holds_only(const std::string& name, double wanted) const {
    const onnx::Value& found = value(name);
    if (!found.constant || found.constant->count() == 0) return false;
    for (int64_t i = 0; i < found.constant->count(); ++i)
      if (found.constant->real(i) != wanted) return false;
    return true;
  }

 private:
  bool others_are_constant(const onnx::Node& node, const std::string& name) const {
    return std::count(node.inputs.begin(), node.inputs.end(), name) == 1 &&
           std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
             return input == name || input.empty() || value(input).constant.has_value();
           });
  }

  const onnx::SimpleGraph& graph_;
};

// export_points.cpp
Status find_labels(const onnx::Model& model, const onnx::SimplifyOptions& options, const onnx::SimpleGraph& graph,
                   DecoderCuts& cuts);
Status find_points(const onnx::Model& model, const onnx::SimplifyOptions& options, const onnx::SimpleGraph& graph,
                   int64_t image_size, DecoderCuts& cuts);
// export_masks.cpp
Status find_outputs(const onnx::SimpleGraph& graph, int64_t image_size, DecoderCuts& cuts);

}  // namespace samc
