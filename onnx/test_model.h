#pragma once
// ONNX models in a few lines, for tests.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "onnx/onnx.pb.h"
#include "onnx/simplify.h"

namespace samc::onnx {

constexpr int kFloat = 1;
constexpr int kInt64 = 7;
constexpr int kBool = 9;

// Builds models in a few lines.
class TestModel {
 public:
  explicit TestModel(int64_t opset = 17) {
    proto_.set_ir_version(8);
    proto_.add_opset_import()->set_version(opset);
    graph().set_name("test");
  }
  ModelProto& proto() { return proto_; }
  GraphProto& graph() { return *proto_.mutable_graph(); }

  // An extent of -1 is dynamic, under the name "n".
  TestModel& input(const std::string& name, const Shape& shape, int type = kFloat) {
    declare(*graph().add_input(), name, shape, type);
    return *this;
  }
  TestModel& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }
  TestModel& integers(const std::string& name, const std::vector<int64_t>& values, bool scalar = false) {
    TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(kInt64);
    if (!scalar) tensor.add_dims(static_cast<int64_t>(values.size()));
    for (const int64_t value : values) tensor.add_int64_data(value);
    return *this;
  }
  TestModel& reals(const std::string& name, const std::vector<float>& values, bool scalar = false) {
    TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(kFloat);
    if (!scalar) tensor.add_dims(static_cast<int64_t>(values.size()));
    for (const float value : values) tensor.add_float_data(value);
    return *this;
  }
  NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs) {
    return add_node(graph(), op, inputs, outputs);
  }
  static NodeProto& add_node(GraphProto& graph, const std::string& op, const std::vector<std::string>& inputs,
                             const std::vector<std::string>& outputs) {
    NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    for (const std::string& name : inputs) node.add_input(name);
    for (const std::string& name : outputs) node.add_output(name);
    return node;
  }
  static void set(NodeProto& node, const std::string& name, int64_t value) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(2);
    attribute.set_i(value);
  }
  static void set(NodeProto& node, const std::string& name, const std::vector<int64_t>& values) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(7);
    for (const int64_t value : values) attribute.add_ints(value);
  }
  static void declare(ValueInfoProto& value, const std::string& name, const Shape& shape, int type) {
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
  std::string proto_bytes() const { return proto_.SerializeAsString(); }
  Result<Model> load(const std::string& folder = "/nonexistent") const {
    const std::string bytes = proto_bytes();
    return Model::parse(std::as_bytes(std::span(bytes)), folder, "test.onnx");
  }
  std::string load_error(const std::string& folder = "/nonexistent") const {
    const Result<Model> model = load(folder);
    return model.is_ok() ? "" : model.status().to_string();
  }

 private:
  ModelProto proto_;
};

// The values of a constant output.
inline std::vector<double> constant_output(const TestModel& test, const SimplifyOptions& options = {}) {
  const Result<Model> model = test.load();
  if (!model.is_ok()) throw std::runtime_error(model.status().to_string());
  const Result<SimpleGraph> graph = simplify(model.value(), options);
  if (!graph.is_ok()) throw std::runtime_error(graph.status().to_string());
  const Value& value = graph.value().value(graph.value().outputs[0].value);
  if (!value.constant) throw std::runtime_error("the output is not constant");
  std::vector<double> values;
  for (int64_t i = 0; i < value.constant->count(); ++i) values.push_back(value.constant->real(i));
  return values;
}

inline std::string simplify_error(const TestModel& test, const SimplifyOptions& options = {}) {
  const Result<Model> model = test.load();
  if (!model.is_ok()) return model.status().to_string();
  const Result<SimpleGraph> graph = simplify(model.value(), options);
  return graph.is_ok() ? "" : graph.status().to_string();
}

using Doubles = std::vector<double>;

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

}  // namespace samc::onnx
