#include "onnx/unknown_operators.h"

namespace samc::onnx {
namespace {

bool is_structural(const Node& node) { return node.domain.empty() && (node.op == "Constant" || node.op == "If"); }

// The nearest way out for operators that people meet. `otherwise` is that of all others.
std::string way_out(const std::string& op, const char* otherwise) {
  static const std::map<std::string, std::string> ways = {
      {"Loop", "unroll it when exporting"},
      {"Scan", "unroll it when exporting"},
      {"GridSample", "replace it by Resize where the grid is regular"},
      {"QuantizeLinear", "export the float model"},
      {"DequantizeLinear", "export the float model"},
      {"Einsum", "export with opset 17 and matmul in place of einsum"},
  };
  const auto found = ways.find(op);
  return found == ways.end() ? otherwise : found->second;
}

void collect_unknown(const Graph& graph, UnknownList& found) {
  for (const Node& node : graph.nodes) {
    for (const auto& [name, attribute] : node.attributes)
      if (attribute.graph != nullptr) collect_unknown(*attribute.graph, found);
    if (!is_known(node)) found.add(node, "samc transform cuts the graph before it with --output_names");
  }
}

}  // namespace

bool is_known(const Node& node) {
  return is_structural(node) || (node.domain.empty() && find_operator(node.op) != nullptr);
}

std::string full_name(const Node& node) { return node.domain.empty() ? node.op : node.domain + "." + node.op; }

void UnknownList::add(const Node& node, const char* otherwise) {
  const auto [found, is_new] = places_.try_emplace(full_name(node), list_.size());
  if (is_new) list_.push_back({found->first, 0, node.place(), way_out(found->first, otherwise)});
  ++list_[found->second].count;
}

Status UnknownList::report() const {
  std::string list;
  for (const UnknownOperator& op : list_)
    list += fmt::format("{}{} ({}x, first {}; {})", list.empty() ? "" : ", ", op.name, op.count, op.first_place,
                        op.way_out);
  return unsupported(fmt::format("operators that samc does not have: {}", list));
}

std::vector<UnknownOperator> unknown_operators(const Model& model) {
  UnknownList found;
  collect_unknown(model.graph, found);
  return found.list();
}

}  // namespace samc::onnx
