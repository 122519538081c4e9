#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "base/files.h"
#include "base/memory_budget.h"
#include "base/test_folder.h"
#include "onnx/test_model.h"
#include "onnx/wire_cost.h"

namespace samc::onnx {
namespace {

TEST(OnnxLoad, what_is_not_a_model_is_named) {
  EXPECT_HOLDS(Model::parse({}, "", "x").status().to_string(), "not an ONNX model");
  const std::string text = "hello world, this is text";
  EXPECT_FALSE(Model::parse(std::as_bytes(std::span(text)), "", "x").is_ok());
  EXPECT_HOLDS(Model::load("/no/such.onnx").status().to_string(), "cannot open");
  ModelProto no_graph;
  no_graph.set_ir_version(8);
  const std::string bytes = no_graph.SerializeAsString();
  EXPECT_HOLDS(Model::parse(std::as_bytes(std::span(bytes)), "", "x").status().to_string(), "holds no graph");
}

TEST(OnnxLoad, opsets) {
  for (const int64_t opset : {11, 13, 16, 17, 18, 20}) {
    TestModel test(opset);
    test.input("x", {2}).output("y").node("Relu", {"x"}, {"y"});
    EXPECT_EQ(test.load_error(), "") << opset;
  }
  for (const int64_t opset : {9, 10, 21, 99}) {
    TestModel test(opset);
    test.input("x", {2}).output("y").node("Relu", {"x"}, {"y"});
    EXPECT_HOLDS(test.load_error(), fmt::format("opset {}", opset));
  }
}

TEST(OnnxLoad, graphs_that_are_wrong) {
  TestModel cycle;
  cycle.input("x", {2}).output("a").node("Add", {"x", "b"}, {"a"});
  cycle.node("Relu", {"a"}, {"b"});
  EXPECT_HOLDS(cycle.load_error(), "cycle");
  TestModel dangling;
  dangling.input("x", {2}).output("y").node("Add", {"x", "nothing"}, {"y"});
  EXPECT_HOLDS(dangling.load_error(), "reads nothing, which nothing defines");
  TestModel twice;
  twice.input("x", {2}).output("y").node("Relu", {"x"}, {"y"});
  twice.node("Neg", {"x"}, {"y"});
  EXPECT_HOLDS(twice.load_error(), "the name y is defined twice");
  TestModel no_output;
  no_output.input("x", {2}).output("z").node("Relu", {"x"}, {"y"});
  EXPECT_HOLDS(no_output.load_error(), "output z is made by no node");
}

TEST(OnnxLoad, nodes_out_of_order_are_sorted) {
  TestModel test;
  test.input("x", {2}).output("z").node("Neg", {"y"}, {"z"});
  test.node("Relu", {"x"}, {"y"});
  const Model model = test.load().value();
  EXPECT_EQ(model.graph.nodes[0].op, "Relu");
  EXPECT_EQ(model.graph.nodes[1].op, "Neg");
}

TEST(OnnxLoad, initialisers_of_every_dtype) {
  const auto value_of = [](int type, const std::string& raw) {
    TestModel test;
    TensorProto& tensor = *test.graph().add_initializer();
    tensor.set_name("c");
    tensor.set_data_type(type);
    tensor.add_dims(1);
    tensor.set_raw_data(raw);
    test.output("c");
    return constant_output(test)[0];
  };
  using namespace std::string_literals;
  EXPECT_EQ(value_of(1, "\0\0\x40\x3f"s), 0.75);
  EXPECT_EQ(value_of(2, "\xfe"s), 254);
  EXPECT_EQ(value_of(3, "\xfe"s), -2);
  EXPECT_EQ(value_of(4, "\xfe\xff"s), 65534);
  EXPECT_EQ(value_of(5, "\xfe\xff"s), -2);
  EXPECT_EQ(value_of(6, "\xfe\xff\xff\xff"s), -2);
  EXPECT_EQ(value_of(7, "\xfe\xff\xff\xff\xff\xff\xff\xff"s), -2);
  EXPECT_EQ(value_of(9, "\x01"s), 1);
  EXPECT_EQ(value_of(10, "\0\x3a"s), 0.75);
  EXPECT_EQ(value_of(11, "\0\0\0\0\0\0\xe8\x3f"s), 0.75);
  EXPECT_EQ(value_of(12, "\xfe\xff\xff\xff"s), 4294967294.0);
  EXPECT_EQ(value_of(16, "\x40\x3f"s), 0.75);
  TestModel text;
  TensorProto& tensor = *text.graph().add_initializer();
  tensor.set_name("c");
  tensor.set_data_type(8);
  EXPECT_HOLDS(text.load_error(), "the tensor c holds string");
}

TEST(OnnxLoad, tensors_of_wrong_sizes) {
  TestModel test;
  TensorProto& tensor = *test.graph().add_initializer();
  tensor.set_name("c");
  tensor.set_data_type(kFloatType);
  tensor.add_dims(3);
  tensor.set_raw_data("12345678");
  EXPECT_HOLDS(test.load_error(), "8 bytes where its shape (3) needs 12");
  tensor.set_dims(0, -1);
  EXPECT_HOLDS(test.load_error(), "has the shape (-1)");
  tensor.set_dims(0, std::numeric_limits<int64_t>::max());
  tensor.add_dims(8);
  EXPECT_HOLDS(test.load_error(), "has the shape");
  tensor.clear_dims();
  tensor.add_dims(2);
  tensor.clear_raw_data();
  EXPECT_HOLDS(test.load_error(), "has 0 values");
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(folder_ + "/model"); }
  TestModel model(const std::string& location, const std::string& offset = "4", const std::string& length = "8") {
    TestModel test;
    TensorProto& tensor = *test.graph().add_initializer();
    tensor.set_name("c");
    tensor.set_data_type(kFloatType);
    tensor.add_dims(2);
    tensor.set_data_location(1);
    for (const auto& [key, value] : {std::pair("location", location), {"offset", offset}, {"length", length}}) {
      StringStringEntryProto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    test.output("c");
    return test;
  }
  TestFolder test_folder_;
  std::string folder_ = test_folder_.root().string();
};

TEST_F(ExternalData, is_mapped_from_the_models_folder) {
  const std::vector<float> values = {1, 2, 3};
  ASSERT_TRUE(write_file(folder_ + "/model/w.bin", values.data(), 12).is_ok());
  const Model loaded = model("w.bin").load(folder_ + "/model").value();
  EXPECT_EQ(loaded.graph.initialisers.at("c").real(0), 2.0);
  EXPECT_EQ(loaded.graph.initialisers.at("c").real(1), 3.0);
  const std::string where = folder_ + "/model";
  EXPECT_HOLDS(model("w.bin", "8").load_error(where), "which has 12");
  EXPECT_HOLDS(model("w.bin", "-4").load_error(where), "offset '-4'");
  EXPECT_HOLDS(model("w.bin", "4", "4").load_error(where), "4 bytes where its shape (2) needs 8");
  EXPECT_HOLDS(model("missing.bin").load_error(where), "put it beside the .onnx file");
}

TEST_F(ExternalData, numbers_that_are_too_large_or_none) {
  const std::vector<float> values = {1, 2, 3};
  ASSERT_TRUE(write_file(folder_ + "/model/w.bin", values.data(), 12).is_ok());
  const std::string where = folder_ + "/model";
  EXPECT_HOLDS(model("w.bin", "9223372036854775807").load_error(where), "needs 8 bytes at 9223372036854775807 of");
  EXPECT_HOLDS(model("w.bin", "9223372036854775808").load_error(where), "offset '9223372036854775808'");
  EXPECT_HOLDS(model("w.bin", " 4").load_error(where), "offset ' 4'");
  const std::string digits = model("w.bin", std::string(1'000'000, '9')).load_error(where);
  EXPECT_HOLDS(digits, "has the offset '9999");
  EXPECT_LT(digits.size(), 500u);
}

TEST_F(ExternalData, outside_the_folder_is_refused) {
  const std::vector<float> values = {1, 2, 3};
  ASSERT_TRUE(write_file(folder_ + "/secret.bin", values.data(), 12).is_ok());
  const std::string where = folder_ + "/model";
  std::filesystem::create_symlink(folder_ + "/secret.bin", folder_ + "/model/link.bin");
  EXPECT_HOLDS(model("../secret.bin").load_error(where), "outside the model's folder");
  EXPECT_HOLDS(model(folder_ + "/secret.bin").load_error(where), "outside the model's folder");
  EXPECT_HOLDS(model("").load_error(where), "outside the model's folder");
  EXPECT_HOLDS(model("link.bin").load_error(where), "a link out of the model's folder");
}

// A shape of 275 GB and no values: 82 bytes.
TEST(OnnxLoad, no_memory_is_taken_for_values_that_are_not_there) {
  for (const int type : {kFloatType, kInt64Type, kBoolType}) {
    TestModel test;
    TensorProto& tensor = *test.graph().add_initializer();
    tensor.set_name("w");
    tensor.set_data_type(type);
    for (int axis = 0; axis < 2; ++axis) tensor.add_dims(262'144);
    test.output("w");
    EXPECT_HOLDS(test.load_error(), "the tensor w has 0 values where its shape (262144, 262144) needs 68719476736");
  }
}

TEST(OnnxLoad, messages_are_bounded_whatever_the_names_are) {
  const std::string name(10'000'000, 'n');
  TestModel dangling;
  dangling.input("x", {2}).output("y").node("Relu", {name}, {"y"});
  EXPECT_HOLDS(dangling.load_error(), "which nothing defines");
  EXPECT_LT(dangling.load_error().size(), 4500u);
  TestModel twice;
  twice.input("x", {2}).output(name).node("Relu", {"x"}, {name});
  twice.node("Relu", {"x"}, {name});
  EXPECT_HOLDS(twice.load_error(), "is defined twice");
  EXPECT_LT(twice.load_error().size(), 4500u);
}

// Graphs within graphs that all read names from outside: each looks through the scopes around it, none copies them.
TEST(OnnxLoad, many_branches_see_the_names_outside_of_them) {
  constexpr int kNodes = 20'000;
  const std::string x = "x";
  TestModel test;
  test.input(x, {2}).output("y");
  for (int i = 0; i < kNodes; ++i) {
    NodeProto& node = test.node("If", {"x"}, {fmt::format("r{}", i)});
    AttributeProto& outer = *node.add_attribute();
    outer.set_name("then_branch");
    NodeProto& inside = *outer.mutable_g()->add_node();
    inside.set_op_type("If");
    inside.add_input(x);
    inside.add_output(fmt::format("i{}", i));
    AttributeProto& inner = *inside.add_attribute();
    inner.set_name("then_branch");
    add_node(*inner.mutable_g(), "Relu", {"x"}, fmt::format("j{}", i));
  }
  test.node("Relu", {"x"}, {"y"});
  EXPECT_EQ(test.load_error(), "");
}

// docs/limits.md
TEST(OnnxLoad, graphs_within_graphs_and_axes_are_bounded) {
  for (const int depth : {16, 17}) {
    TestModel test;
    test.input("x", {2}).output("y");
    GraphProto* graph = &test.graph();
    for (int i = 0; i < depth; ++i) {
      AttributeProto& attribute = *add_node(*graph, "If", {"x"}, fmt::format("r{}", i)).add_attribute();
      attribute.set_name("then_branch");
      graph = attribute.mutable_g();
      graph->set_name("inner");
    }
    test.node("Relu", {"x"}, {"y"});
    EXPECT_HOLDS(test.load_error(), depth == 16 ? "" : "graphs are nested too deeply");
    EXPECT_EQ(test.load_error().empty(), depth == 16);
  }
  TestModel axes;
  TensorProto& tensor = *axes.graph().add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(kFloatType);
  for (int i = 0; i < 65; ++i) tensor.add_dims(1);
  EXPECT_HOLDS(axes.output("w").load_error(), "the tensor w has 65 axes");
}

TEST(OnnxLoad, nodes_are_counted) {
  TestModel nodes;
  nodes.input("x", {2}).output("x");
  for (int i = 0; i <= 1 << 18; ++i) nodes.graph().add_node();
  EXPECT_HOLDS(nodes.load_error(), "262145 nodes, more than the 262144 that any model needs");
}

// Two bytes a node, each of which takes hundreds; and weights, which take what they are.
TEST(OnnxLoad, what_a_model_takes_is_known_before_it_is_parsed) {
  TestModel nodes;
  nodes.input("x", {2}).output("x");
  const std::string few = nodes.proto().SerializeAsString();
  for (int i = 0; i < 100'000; ++i) nodes.graph().add_node();
  const std::string many = nodes.proto().SerializeAsString();
  EXPECT_LT(many.size(), 210'000u);
  EXPECT_GT(wire_cost(std::as_bytes(std::span(many))), 50'000'000);
  EXPECT_LT(wire_cost(std::as_bytes(std::span(few))), 10'000);
  set_memory_limit(memory_taken() + (32 << 20));
  EXPECT_HOLDS(nodes.load_error(), "the ONNX model takes");
  set_memory_limit(0);
  EXPECT_FALSE(holds(nodes.load_error(), "takes"));

  TestModel weights;
  TensorProto& tensor = *weights.output("w").graph().add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(kFloatType);
  tensor.add_dims(1 << 20);
  tensor.set_raw_data(std::string(4 << 20, '\0'));
  const std::string bytes = weights.proto().SerializeAsString();
  EXPECT_LT(wire_cost(std::as_bytes(std::span(bytes))), (4 << 20) + 10'000);
  for (size_t size = 0; size < few.size(); ++size)
    EXPECT_GE(wire_cost(std::as_bytes(std::span(few)).first(size)), 0) << size;
}

}  // namespace
}  // namespace samc::onnx
