#include <algorithm>
#include <set>

#include "onnx/graph.h"

namespace samc::onnx {
namespace {

constexpr const char* kHint = "the file is damaged, or its exporter is at fault: onnx.checker says more";

// Every name that the node reads, those that its subgraphs read from outside among them.
void collect_reads(const Node& node, std::set<std::string>& reads) {
  for (const std::string& name : node.inputs)
    if (!name.empty()) reads.insert(name);
  for (const auto& [key, attribute] : node.attributes) {
    if (attribute.graph == nullptr) continue;
    const Graph& graph = *attribute.graph;
    std::set<std::string> inner;
    std::set<std::string> defined;
    for (const ValueType& input : graph.inputs) defined.insert(input.name);
    for (const auto& [name, constant] : graph.initialisers) defined.insert(name);
    for (const Node& child : graph.nodes) {
      collect_reads(child, inner);
      defined.insert(child.outputs.begin(), child.outputs.end());
    }
    for (const ValueType& output : graph.outputs) inner.insert(output.name);
    for (const std::string& name : inner)
      if (defined.count(name) == 0) reads.insert(name);
  }
}

class Checker {
 public:
  // outer: of the graph that this one is an attribute in; null for the model's own.
  Checker(Graph& graph, const Checker* outer) : graph_(graph), outer_(outer) {}

  Status run() {
    for (const ValueType& input : graph_.inputs) SAMC_TRY(define(input.name, kGiven));
    for (const auto& [name, constant] : graph_.initialisers) SAMC_TRY(define(name, kGiven));
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      for (const std::string& name : graph_.nodes[i].outputs)
        if (!name.empty()) SAMC_TRY(define(name, static_cast<int64_t>(i)));
    SAMC_TRY(sort());
    for (const ValueType& output : graph_.outputs)
      if (!sees(output.name))
        return invalid_input(fmt::format("the graph's output {} is made by no node", output.name), kHint);
    return check_subgraphs();
  }

 private:
  static constexpr int64_t kGiven = -1;

  // Here or in a graph around this one.
  bool sees(const std::string& name) const {
    for (const Checker* scope = this; scope != nullptr; scope = scope->outer_)
      if (scope->defined_.count(name) != 0) return true;
    return false;
  }

  Status define(const std::string& name, int64_t node) {
    if (name.empty()) return invalid_input("an input of the graph has no name", kHint);
    if (!defined_.emplace(name, node).second)
      return invalid_input(fmt::format("the name {} is defined twice", name), kHint);
    return Status::ok();
  }

  // The order of the file where it is right, as it nearly always is; else the nearest one that is.
  Status sort() {
    const size_t count = graph_.nodes.size();
    std::vector<std::vector<size_t>> readers(count);
    std::vector<size_t> missing(count, 0);
    for (size_t i = 0; i < count; ++i) {
      std::set<std::string> reads;
      collect_reads(graph_.nodes[i], reads);
      for (const std::string& name : reads) {
        const auto found = defined_.find(name);
        if (found == defined_.end()) {
          if (sees(name)) continue;
          return invalid_input(fmt::format("{} reads {}, which nothing defines", graph_.nodes[i].place(), name), kHint);
        }
        if (found->second == kGiven) continue;
        readers[static_cast<size_t>(found->second)].push_back(i);
        ++missing[i];
      }
    }
    std::set<size_t> ready;
    for (size_t i = 0; i < count; ++i)
      if (missing[i] == 0) ready.insert(i);
    std::vector<Node> sorted;
    sorted.reserve(count);
    while (!ready.empty()) {
      const size_t next = *ready.begin();
      ready.erase(ready.begin());
      for (const size_t reader : readers[next])
        if (--missing[reader] == 0) ready.insert(reader);
      sorted.push_back(std::move(graph_.nodes[next]));
    }
    if (sorted.size() != count) {
      const size_t stuck = static_cast<size_t>(
          std::find_if(missing.begin(), missing.end(), [](size_t number) { return number != 0; }) - missing.begin());
      return invalid_input(
          fmt::format("the graph has a cycle: {} waits for its own result", graph_.nodes[stuck].place()), kHint);
    }
    graph_.nodes = std::move(sorted);
    return Status::ok();
  }

  Status check_subgraphs() {
    for (Node& node : graph_.nodes)
      for (auto& [key, attribute] : node.attributes)
        if (attribute.graph != nullptr) SAMC_TRY(Checker(*attribute.graph, this).run().at(node.place()));
    return Status::ok();
  }

  Graph& graph_;
  const Checker* outer_;
  std::map<std::string, int64_t> defined_;
};

}  // namespace

Status check_and_sort(Graph& graph) { return Checker(graph, nullptr).run(); }

}  // namespace samc::onnx
