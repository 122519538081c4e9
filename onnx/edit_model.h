#pragma once
// For tests: ONNX models made and edited as protobuf, in a few lines.

#include <cstdint>
#include <string>
#include <vector>

#include "onnx/onnx.pb.h"

namespace samc::onnx {

// TensorProto.DataType
constexpr int kFloatType = 1;
constexpr int kByteType = 2;
constexpr int kInt64Type = 7;
constexpr int kBoolType = 9;

inline NodeProto& add_node(GraphProto& graph, const std::string& op, const std::vector<std::string>& inputs,
                           const std::vector<std::string>& outputs) {
  NodeProto& node = *graph.add_node();
  node.set_op_type(op);
  for (const std::string& name : inputs) node.add_input(name);
  for (const std::string& name : outputs) node.add_output(name);
  return node;
}
inline NodeProto& add_node(GraphProto& graph, const std::string& op, const std::vector<std::string>& inputs,
                           const std::string& output) {
  return add_node(graph, op, inputs, std::vector<std::string>{output});
}

inline void set(NodeProto& node, const std::string& name, int64_t value) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(2);
  attribute.set_i(value);
}
inline void set(NodeProto& node, const std::string& name, const std::vector<int64_t>& values) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(7);
  for (const int64_t value : values) attribute.add_ints(value);
}

// An extent of -1 is dynamic, under the name "n".
inline void declare(ValueInfoProto& value, const std::string& name, const std::vector<int64_t>& shape,
                    int type = kFloatType) {
  value.set_name(name);
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();
  for (const int64_t extent : shape) {
    auto& dimension = *tensor.mutable_shape()->add_dim();
    if (extent >= 0)
      dimension.set_dim_value(extent);
    else
      dimension.set_dim_param("n");
  }
}

// An initialiser without values yet.
inline TensorProto& add_tensor(GraphProto& graph, const std::string& name, const std::vector<int64_t>& shape,
                               int type) {
  TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const int64_t extent : shape) tensor.add_dims(extent);
  return tensor;
}
// Both give the name.
inline std::string add_reals(GraphProto& graph, const std::string& name, const std::vector<float>& values,
                             const std::vector<int64_t>& shape = {}) {
  TensorProto& tensor = add_tensor(graph, name, shape, kFloatType);
  for (const float value : values) tensor.add_float_data(value);
  return name;
}
inline std::string add_integers(GraphProto& graph, const std::string& name, const std::vector<int64_t>& values,
                                bool scalar = false) {
  const std::vector<int64_t> list{static_cast<int64_t>(values.size())};
  TensorProto& tensor = add_tensor(graph, name, scalar ? std::vector<int64_t>{} : list, kInt64Type);
  for (const int64_t value : values) tensor.add_int64_data(value);
  return name;
}

}  // namespace samc::onnx
