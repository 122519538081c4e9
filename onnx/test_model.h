#pragma once
// ONNX models in a few lines, for tests.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "onnx/edit_model.h"
#include "onnx/simplify.h"

namespace samc::onnx {

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
  TestModel& input(const std::string& name, const Shape& shape, int type = kFloatType) {
    declare(*graph().add_input(), name, shape, type);
    return *this;
  }
  TestModel& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }
  TestModel& integers(const std::string& name, const std::vector<int64_t>& values, bool scalar = false) {
    add_integers(graph(), name, values, scalar);
    return *this;
  }
  TestModel& reals(const std::string& name, const std::vector<float>& values, bool scalar = false) {
    const std::vector<int64_t> list{static_cast<int64_t>(values.size())};
    add_reals(graph(), name, values, scalar ? std::vector<int64_t>{} : list);
    return *this;
  }
  NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs) {
    return add_node(graph(), op, inputs, outputs);
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
