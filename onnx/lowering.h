#pragma once
// One node of a simplified graph as top ops: what the lower_*.cpp files share.

#include <map>
#include <string>
#include <vector>

#include "ir/graph_builder.h"
#include "onnx/import.h"

namespace samc::onnx {

class Lowering {
 public:
  Lowering(const SimpleGraph& graph, const ImportOptions& options, GraphBuilder& builder)
      : graph_(graph), options_(options), builder_(builder) {}
  Status run();

 private:
  using Handler = Status (Lowering::*)(const Node&, const NodeContext&);
  static const std::map<std::string, Handler, std::less<>>& handlers();

  // Elementwise: lower_elementwise.cpp.
  Status unary(const Node& node, const NodeContext& context);
  Status binary(const Node& node, const NodeContext& context);
  Status extremum(const Node& node, const NodeContext& context);  // Max, Min
  Status compare(const Node& node, const NodeContext& context);
  Status logical(const Node& node, const NodeContext& context);  // And, Or, Xor, Not
  Status cast(const Node& node, const NodeContext& context);
  Status clip(const Node& node, const NodeContext& context);
  Status where(const Node& node, const NodeContext& context);
  // Neural network: lower_neural.cpp.
  Status conv(const Node& node, const NodeContext& context);
  Status conv_transpose(const Node& node, const NodeContext& context);
  Status matmul(const Node& node, const NodeContext& context);
  Status gemm(const Node& node, const NodeContext& context);
  Status pool(const Node& node, const NodeContext& context);
  Status global_pool(const Node& node, const NodeContext& context);
  Status resize(const Node& node, const NodeContext& context);
  Status softmax(const Node& node, const NodeContext& context);
  Status layer_norm(const Node& node, const NodeContext& context);
  Status pixel_norm(const Node& node, const NodeContext& context);
  Status batch_norm(const Node& node, const NodeContext& context);
  // Data movement: lower_movement.cpp.
  Status reshape(const Node& node, const NodeContext& context);  // Reshape, Flatten, Squeeze, Unsqueeze
  Status transpose(const Node& node, const NodeContext& context);
  Status concat(const Node& node, const NodeContext& context);
  Status slice(const Node& node, const NodeContext& context);
  Status split(const Node& node, const NodeContext& context);
  Status expand(const Node& node, const NodeContext& context);
  Status tile(const Node& node, const NodeContext& context);
  Status pad(const Node& node, const NodeContext& context);
  Status reduce(const Node& node, const NodeContext& context);
  Status cum_sum(const Node& node, const NodeContext& context);
  Status arg_max(const Node& node, const NodeContext& context);

  // Places: lower_indexed.cpp.
  Status gather(const Node& node, const NodeContext& context);
  Status gather_elements(const Node& node, const NodeContext& context);
  Status gather_nd(const Node& node, const NodeContext& context);
  Status scatter(const Node& node, const NodeContext& context);  // ScatterND, ScatterElements
  struct Run {  // of places along one axis; begin = end: all of the data
    int64_t axis = 0;
    int64_t begin = 0;
    int64_t end = 0;
  };
  static std::optional<Run> find_run(const std::vector<int64_t>& source, int64_t block, const Shape& shape);
  Status replace_run(const Node& node, const NodeContext& context, const Run& run);
  Status take_rows(const Node& node, mlir::Value x, const std::vector<int64_t>& rows, int64_t block);

  // The value under its ONNX name: a node's result, or a constant, which becomes a weight when it is first used.
  mlir::Value value(const std::string& name);
  // A constant under another shape of as many elements, as a weight of its own where that shape is not the first one
  // used.
  mlir::Value constant(const std::string& name, const Shape& shape);
  // A constant broadcast to this shape, which must not be narrower.
  mlir::Value broadcast_constant(const std::string& name, const Shape& shape);
  // A new constant that belongs to a node.
  mlir::Value new_constant(const std::string& name, Tensor tensor);
  void set(const std::string& name, mlir::Value value) { values_[name] = value; }
  Status finish(const Node& node, mlir::Value result);
  // The scalar that a constant of one element holds, where broadcasting it changes no shape.
  std::optional<double> scalar(const std::string& name, const Shape& result) const;
  std::string part(const Node& node, const std::string& what) const { return node.outputs[0] + "/" + what; }

  const SimpleGraph& graph_;
  const ImportOptions& options_;
  GraphBuilder& builder_;
  std::map<std::string, mlir::Value> values_;
};

}  // namespace samc::onnx
