#pragma once
// From a model to the graph that runs: static shapes everywhere, all that is known before the model runs evaluated
// exactly, `If` with a known condition replaced by its branch. What remains is arithmetic on the data.

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "onnx/graph.h"
#include "onnx/ops.h"

namespace samc::onnx {

struct SimplifyOptions {
  std::map<std::string, Shape> input_shapes = {};     // for the inputs that are not static, or to confirm one that is
  std::map<std::string, int64_t> dimensions = {};     // values of named dimensions, such as num_points
  std::map<std::string, Constant> fixed_inputs = {};  // inputs that are known, such as has_mask_input = 1
  // Results of single-result nodes that become inputs: what computes them is left out.
  std::vector<std::string> cuts = {};
  int64_t most_constant_bytes = int64_t{1} << 30;  // of all evaluated constants together
  std::vector<std::string> outputs = {};           // values to compute; empty: the model's outputs
  // Whether who reads a message can give shapes and outputs on the command line: only then a hint advises it.
  bool has_flags = false;
};

struct SimpleInput {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};

struct SimpleOutput {
  std::string name;
  std::string value;  // what holds it: a node's result, an input or a constant
};

struct SimpleGraph {
  int64_t opset = 0;
  std::vector<SimpleInput> inputs;
  std::vector<SimpleOutput> outputs;
  std::vector<Node> nodes;              // sorted; none reads constants alone, unless it has no evaluation
  std::map<std::string, Value> values;  // of every name that nodes and outputs use

  const Value& value(const std::string& name) const;
  NodeContext context(const Node& node) const;
};

// How often each operator stands in the model (in branches too) and in the graph that runs.
std::map<std::string, int64_t> count_operators(const Graph& graph);
std::map<std::string, int64_t> count_operators(const SimpleGraph& graph);

// The model must outlive the result, whose constants may borrow from it.
Result<SimpleGraph> simplify(const Model& model, const SimplifyOptions& options = {});

// Nodes whose results nothing uses, and values that nothing reads.
void remove_dead(SimpleGraph& graph);

// Operators that samc does not know, how often each stands in the model, where first, and what one can do.
struct UnknownOperator {
  std::string name;  // with its domain
  int64_t count = 0;
  std::string first_place;
  std::string way_out;
};
std::vector<UnknownOperator> unknown_operators(const Model& model);

}  // namespace samc::onnx
