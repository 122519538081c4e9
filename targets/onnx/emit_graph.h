#pragma once
// Top ops to ONNX nodes, one function at a time: what emit_ops.cpp and write_onnx.cpp share.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "onnx/onnx.pb.h"

namespace samc::onnx_target {

// A weight of the function as an initialiser: its data under this shape, the last two axes exchanged, or the first two.
struct Initialiser {
  enum class Order { kAsStored, kLastTwoExchanged, kFirstTwoExchanged };
  std::string weight;
  Shape shape;  // before the exchange
  Order order = Order::kAsStored;

  bool operator==(const Initialiser&) const = default;
};

struct EmittedGraph {
  std::vector<std::pair<std::string, Shape>> inputs;
  std::vector<std::pair<std::string, Shape>> outputs;
  std::vector<onnx::NodeProto> nodes;
  std::map<std::string, Initialiser> weights;
  std::map<std::string, std::vector<int64_t>> integers;  // shapes, axes, indices
  std::map<std::string, float> scalars;
  // Lists of `integers` that are the shape of a Reshape: one extent that differs between versions becomes -1.
  std::set<std::string> reshapes;
};

class Emitter {
 public:
  Emitter(mlir::func::FuncOp function, const WeightStore& weights, int64_t opset)
      : function_(function), weights_(weights), opset_(opset) {}
  Result<EmittedGraph> run();

 private:
  using Names = std::vector<std::string>;
  using Handler = Status (Emitter::*)(mlir::Operation&);
  static const std::map<std::string, Handler, std::less<>>& handlers();

  // emit_ops.cpp, one for each kind of op.
  Status unary(mlir::Operation& op);
  Status relu(mlir::Operation& op);
  Status gelu(mlir::Operation& op);
  Status sigmoid(mlir::Operation& op);
  Status variadic(mlir::Operation& op);    // Add, Mul, Max, Min
  Status difference(mlir::Operation& op);  // Sub, Div
  Status with_constant(mlir::Operation& op);
  Status const_minus(mlir::Operation& op);  // SubConst
  Status reciprocal(mlir::Operation& op);
  Status clip(mlir::Operation& op);
  Status power(mlir::Operation& op);
  Status compare(mlir::Operation& op);
  Status where(mlir::Operation& op);
  Status conv(mlir::Operation& op);
  Status deconv(mlir::Operation& op);
  Status matmul(mlir::Operation& op);
  Status norm(mlir::Operation& op);  // LayerNorm, PixelNorm
  Status softmax(mlir::Operation& op);
  Status pool(mlir::Operation& op);
  Status interp(mlir::Operation& op);
  Status reshape(mlir::Operation& op);  // Reshape, Squeeze, Unsqueeze
  Status permute(mlir::Operation& op);
  Status concat(mlir::Operation& op);
  Status slice(mlir::Operation& op);
  Status expand(mlir::Operation& op);
  Status tile(mlir::Operation& op);
  Status pad(mlir::Operation& op);
  Status reduce(mlir::Operation& op);
  Status gather(mlir::Operation& op);

  // The name under which a value stands in the graph.
  std::string value(mlir::Value value);
  std::string weight(mlir::Value value, const Shape& shape, Initialiser::Order order = Initialiser::Order::kAsStored);
  std::string list(const std::string& name, std::vector<int64_t> values);
  std::string scalar(double value);
  std::string result(mlir::Operation& op);
  std::string part(mlir::Operation& op, const std::string& what) { return result(op) + "/" + what; }
  // Adds a node of one result; returns the result's name.
  std::string node(const std::string& op, const Names& inputs, const std::string& output);
  onnx::NodeProto& last() { return graph_.nodes.back(); }
  // The node whose result is the op's, but for a Relu that run() adds where the op has do_relu.
  Status finish(mlir::Operation& op, const std::string& onnx_op, const Names& inputs);
  // The op's result, or what its own Relu reads.
  std::string before_relu(mlir::Operation& op);
  void add_relu(mlir::Operation& op);
  std::string mean(const std::string& name, const std::string& x, int64_t axis);

  mlir::func::FuncOp function_;
  const WeightStore& weights_;
  int64_t opset_;
  EmittedGraph graph_;
  std::map<std::string, std::string> renamed_;  // a value that is an output -> the output's name
  std::set<std::string> taken_;
};

void set_attribute(onnx::NodeProto& node, const std::string& name, int64_t value);
void set_attribute(onnx::NodeProto& node, const std::string& name, const std::vector<int64_t>& values);
void set_attribute(onnx::NodeProto& node, const std::string& name, float value);
void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& value);

}  // namespace samc::onnx_target
