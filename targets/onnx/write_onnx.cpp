#include "targets/onnx/write_onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/files.h"
#include "ir/values.h"
#include "targets/onnx/emit_graph.h"

namespace samc::onnx_target {
namespace {

constexpr int32_t kFloatType = 1, kInt64Type = 7;

// The version of ONNX's file format that came with the opset.
int64_t ir_version(int64_t opset) { return opset < 15 ? 7 : opset < 19 ? 8 : 9; }

Status differ(const std::string& what) {
  return unsupported(fmt::format("the two versions differ in more than the free number: {}", what));
}

// Element i of both: the extent, or -1 where they differ.
Shape merge_extents(const Shape& a, const Shape& b) {
  Shape merged = a;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) merged[i] = -1;
  return merged;
}

using Values = std::vector<std::pair<std::string, Shape>>;

Status merge_values(Values& values, const Values& other) {
  if (values.size() != other.size()) return differ("the numbers of inputs or outputs");
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].first != other[i].first || values[i].second.size() != other[i].second.size())
      return differ(values[i].first);
    values[i].second = merge_extents(values[i].second, other[i].second);
  }
  return Status::ok();
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.shape == b.shape && (a.data == b.data || std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0);
}

// Makes `graph` the graph of any number, of which it and `other` are two cases.
Status merge(EmittedGraph& graph, const EmittedGraph& other, const WeightStore& weights,
             const WeightStore& other_weights) {
  SAMC_TRY(merge_values(graph.inputs, other.inputs));
  SAMC_TRY(merge_values(graph.outputs, other.outputs));
  if (graph.nodes.size() != other.nodes.size()) return differ("the numbers of nodes");
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].SerializeAsString() != other.nodes[i].SerializeAsString()) return differ(graph.nodes[i].name());
  if (graph.scalars != other.scalars || graph.weights != other.weights) return differ("constants");
  for (const auto& [name, initialiser] : graph.weights)
    if (!same_bytes(weights.view(initialiser.weight), other_weights.view(initialiser.weight)))
      return differ(initialiser.weight);
  for (auto& [name, values] : graph.integers) {
    const auto found = other.integers.find(name);
    if (found == other.integers.end() || found->second.size() != values.size()) return differ(name);
    const std::vector<int64_t> merged = merge_extents(values, found->second);
    if (merged == values) continue;
    if (graph.reshapes.count(name) == 0 || std::count(merged.begin(), merged.end(), -1) != 1) return differ(name);
    values = merged;
  }
  return Status::ok();
}

void declare(onnx::ValueInfoProto& value, const std::string& name, const Shape& shape, const std::string& free) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(kFloatType);
  type.mutable_shape();
  for (const int64_t extent : shape) {
    auto& dimension = *type.mutable_shape()->add_dim();
    if (extent >= 0)
      dimension.set_dim_value(extent);
    else
      dimension.set_dim_param(free);
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

onnx::ModelProto make_model(const EmittedGraph& graph, const WeightStore& weights, const std::string& name,
                            const WriteOptions& options) {
  onnx::ModelProto model;
  model.set_ir_version(ir_version(options.opset));
  model.set_producer_name("samc");
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(options.opset);
  onnx::GraphProto& proto = *model.mutable_graph();
  proto.set_name(name);
  for (const auto& [input, shape] : graph.inputs) declare(*proto.add_input(), input, shape, options.free_dimension);
  for (const auto& [output, shape] : graph.outputs) declare(*proto.add_output(), output, shape, options.free_dimension);
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
                                const std::string& path) {
  SAMC_CHECK(versions.size() == 1 || versions.size() == 2, "{} versions", versions.size());
  mlir::func::FuncOp function = versions[0].function;
  SAMC_ASSIGN(EmittedGraph graph, Emitter(function, *versions[0].weights, options.opset).run());
  if (versions.size() == 2) {
    SAMC_ASSIGN(const EmittedGraph other, Emitter(versions[1].function, *versions[1].weights, options.opset).run());
    SAMC_TRY(merge(graph, other, *versions[0].weights, *versions[1].weights).at(function.getName().str()));
  }
  const onnx::ModelProto model = make_model(graph, *versions[0].weights, function.getName().str(), options);
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return unsupported(fmt::format("{} would have more than 2 GB, which protobuf files cannot", path));
  const std::string bytes = model.SerializeAsString();
  SAMC_TRY(write_file(path, bytes));
  return WrittenModel{static_cast<int64_t>(graph.nodes.size()), static_cast<int64_t>(bytes.size())};
}

}  // namespace samc::onnx_target
