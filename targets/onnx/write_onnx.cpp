#include "targets/onnx/write_onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "ir/values.h"
#include "targets/onnx/emit_graph.h"

namespace samc::onnx_target {
namespace {

constexpr int32_t kFloatType = 1, kInt64Type = 7;

// The version of ONNX's file format that came with the opset.
int64_t ir_version(int64_t opset) { return opset < 15 ? 7 : opset < 19 ? 8 : 9; }

Status differ(const std::string& what) {
  return unsupported(fmt::format("two versions differ in more than the free number: {}", what));
}

// An input or an output. expressions: what each extent is of the free numbers; empty where it is fixed.
struct Declaration {
  std::string name;
  Shape shape;
  std::vector<std::string> expressions;
};

// extents: of one axis, in each version.
std::string expression(const std::vector<int64_t>& extents, const std::vector<FreeNumber>& free) {
  std::vector<std::string> terms;
  int64_t rest = extents[0];
  for (size_t i = 0; i < free.size(); ++i) {
    const int64_t times = extents[1 + i] - extents[0];
    rest -= times * free[i].first;
    if (times == 1) terms.push_back(free[i].name);
    if (times != 0 && times != 1) terms.push_back(fmt::format("{}*{}", times, free[i].name));
  }
  if (!terms.empty() && rest != 0) terms.push_back(fmt::format("{}", rest));
  return fmt::format("{}", fmt::join(terms, " + "));
}

using Values = std::vector<std::pair<std::string, Shape>>;

// graphs: of each version.
Result<std::vector<Declaration>> declarations(const std::vector<EmittedGraph>& graphs, Values EmittedGraph::*of_graph,
                                              const std::vector<FreeNumber>& free) {
  std::vector<Declaration> declared;
  for (const auto& [name, shape] : graphs[0].*of_graph) declared.push_back({name, shape, {}});
  for (const EmittedGraph& graph : graphs) {
    const Values& values = graph.*of_graph;
    if (values.size() != declared.size()) return differ("the numbers of inputs or outputs");
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i].first != declared[i].name || values[i].second.size() != declared[i].shape.size())
        return differ(declared[i].name);
  }
  for (size_t i = 0; i < declared.size(); ++i)
    for (size_t axis = 0; axis < declared[i].shape.size(); ++axis) {
      std::vector<int64_t> extents;
      extents.reserve(graphs.size());
      for (const EmittedGraph& graph : graphs) extents.push_back((graph.*of_graph)[i].second[axis]);
      declared[i].expressions.push_back(expression(extents, free));
    }
  return declared;
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.shape == b.shape && (a.data == b.data || std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0);
}

// An error where the two differ in more than extents.
Status compare(const EmittedGraph& graph, const EmittedGraph& other, const WeightStore& weights,
               const WeightStore& other_weights) {
  if (graph.nodes.size() != other.nodes.size()) return differ("the numbers of nodes");
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].SerializeAsString() != other.nodes[i].SerializeAsString()) return differ(graph.nodes[i].name());
  if (graph.scalars != other.scalars || graph.weights != other.weights) return differ("constants");
  for (const auto& [name, initialiser] : graph.weights)
    if (!same_bytes(weights.view(initialiser.weight), other_weights.view(initialiser.weight)))
      return differ(initialiser.weight);
  for (const auto& [name, values] : graph.integers) {
    const auto found = other.integers.find(name);
    if (found == other.integers.end() || found->second.size() != values.size()) return differ(name);
    if (found->second != values && graph.reshapes.count(name) == 0) return differ(name);
  }
  return Status::ok();
}

// Shapes of Reshapes serve every version: the extent that differs becomes -1.
Status free_reshapes(std::vector<EmittedGraph>& graphs) {
  for (const std::string& name : graphs[0].reshapes) {
    const std::vector<int64_t> first = graphs[0].integers[name];
    std::vector<int64_t>& merged = graphs[0].integers[name];
    for (const EmittedGraph& graph : graphs)
      for (size_t i = 0; i < first.size(); ++i)
        if (graph.integers.at(name)[i] != first[i]) merged[i] = -1;
    if (std::count(merged.begin(), merged.end(), -1) > 1) return differ(name);
  }
  return Status::ok();
}

void declare(onnx::ValueInfoProto& value, const Declaration& declaration) {
  value.set_name(declaration.name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(kFloatType);
  type.mutable_shape();
  for (size_t axis = 0; axis < declaration.shape.size(); ++axis) {
    auto& dimension = *type.mutable_shape()->add_dim();
    if (declaration.expressions[axis].empty())
      dimension.set_dim_value(declaration.shape[axis]);
    else
      dimension.set_dim_param(declaration.expressions[axis]);
  }
}

// The data in the order that the initialiser wants it.
void add_weight(onnx::GraphProto& graph, const std::string& name, const Initialiser& initialiser,
                const WeightStore& weights) {
  const float* source = weights.view(initialiser.weight).f32().data();
  Shape shape = initialiser.shape;
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(kFloatType);
  const auto count = static_cast<size_t>(element_count(shape));
  std::string& bytes = *tensor.mutable_raw_data();
  if (initialiser.order == Initialiser::Order::kAsStored) {
    bytes.assign(reinterpret_cast<const char*>(source), count * sizeof(float));
  } else {
    // (outer, a, b, inner) becomes (outer, b, a, inner).
    const size_t first = initialiser.order == Initialiser::Order::kFirstTwoExchanged ? 0 : shape.size() - 2;
    const auto a = static_cast<size_t>(shape[first]), b = static_cast<size_t>(shape[first + 1]);
    size_t outer = 1, inner = 1;
    for (size_t axis = 0; axis < first; ++axis) outer *= static_cast<size_t>(shape[axis]);
    for (size_t axis = first + 2; axis < shape.size(); ++axis) inner *= static_cast<size_t>(shape[axis]);
    std::vector<float> exchanged(count);
    for (size_t o = 0; o < outer; ++o)
      for (size_t i = 0; i < a; ++i)
        for (size_t j = 0; j < b; ++j)
          std::copy_n(source + ((o * a + i) * b + j) * inner, inner, exchanged.data() + ((o * b + j) * a + i) * inner);
    bytes.assign(reinterpret_cast<const char*>(exchanged.data()), count * sizeof(float));
    std::swap(shape[first], shape[first + 1]);
  }
  for (const int64_t extent : shape) tensor.add_dims(extent);
}

// What the file says of its inputs and outputs.
struct Interface {
  std::vector<Declaration> inputs;
  std::vector<Declaration> outputs;
};

onnx::ModelProto make_model(const EmittedGraph& graph, const Interface& interface, const WeightStore& weights,
                            const std::string& name, const WriteOptions& options) {
  onnx::ModelProto model;
  model.set_ir_version(ir_version(options.opset));
  model.set_producer_name("samc");
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(options.opset);
  for (const auto& [key, value] : options.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  onnx::GraphProto& proto = *model.mutable_graph();
  proto.set_name(name);
  for (const Declaration& input : interface.inputs) declare(*proto.add_input(), input);
  for (const Declaration& output : interface.outputs) declare(*proto.add_output(), output);
  for (const onnx::NodeProto& node : graph.nodes) *proto.add_node() = node;
  for (const auto& [weight, initialiser] : graph.weights) add_weight(proto, weight, initialiser, weights);
  for (const auto& [list, values] : graph.integers) {
    onnx::TensorProto& tensor = *proto.add_initializer();
    tensor.set_name(list);
    tensor.set_data_type(kInt64Type);
    tensor.add_dims(static_cast<int64_t>(values.size()));
    tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  }
  for (const auto& [constant, value] : graph.scalars) {
    onnx::TensorProto& tensor = *proto.add_initializer();
    tensor.set_name(constant);
    tensor.set_data_type(kFloatType);
    tensor.set_raw_data(&value, sizeof value);
  }
  return model;
}

}  // namespace

Result<WrittenModel> write_onnx(const std::vector<FunctionVersion>& versions, const WriteOptions& options,
                                FileWriter& writer) {
  SAMC_CHECK(versions.size() == 1 + options.free.size(), "{} versions", versions.size());
  mlir::func::FuncOp function = versions[0].function;
  const std::string name = function.getName().str();
  std::vector<EmittedGraph> graphs;
  for (const FunctionVersion& version : versions) {
    SAMC_ASSIGN(EmittedGraph emitted, Emitter(version.function, *version.weights, options.opset).run());
    graphs.push_back(std::move(emitted));
    SAMC_TRY(compare(graphs[0], graphs.back(), *versions[0].weights, *version.weights).at(name));
  }
  Interface interface;
  SAMC_ASSIGN(interface.inputs, declarations(graphs, &EmittedGraph::inputs, options.free));
  SAMC_ASSIGN(interface.outputs, declarations(graphs, &EmittedGraph::outputs, options.free));
  SAMC_TRY(free_reshapes(graphs).at(name));
  const EmittedGraph& graph = graphs[0];
  const onnx::ModelProto model = make_model(graph, interface, *versions[0].weights, name, options);
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return unsupported(fmt::format("{} would have more than 2 GB, which protobuf files cannot", name));
  const std::string bytes = model.SerializeAsString();
  SAMC_TRY(writer.write(bytes));
  return WrittenModel{static_cast<int64_t>(graph.nodes.size()), static_cast<int64_t>(bytes.size())};
}

}  // namespace samc::onnx_target
