#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <limits>

#include "base/files.h"
#include "base/test_folder.h"
#include "onnx/compose.h"
#include "onnx/onnx.pb.h"
#include "onnx/simplify.h"

namespace samc::onnx {
namespace {

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
  Result<Model> load(const std::string& folder = "/nonexistent") const {
    const std::string bytes = proto_.SerializeAsString();
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
std::vector<double> constant_output(const TestModel& test, const SimplifyOptions& options = {}) {
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

std::string simplify_error(const TestModel& test, const SimplifyOptions& options = {}) {
  const Result<Model> model = test.load();
  if (!model.is_ok()) return model.status().to_string();
  const Result<SimpleGraph> graph = simplify(model.value(), options);
  return graph.is_ok() ? "" : graph.status().to_string();
}

using Doubles = std::vector<double>;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

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
  tensor.set_data_type(kFloat);
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
    tensor.set_data_type(kFloat);
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

TEST(OnnxSimplify, shape_arithmetic_vanishes) {
  // window padding as the official exports compute it: (8 - height % 8) % 8
  TestModel test;
  test.input("x", {1, -1, 14, 3}).output("pad").integers("one", {1}, true).integers("eight", {8}, true);
  test.node("Shape", {"x"}, {"shape"});
  test.node("Gather", {"shape", "one"}, {"height"});
  test.node("Mod", {"height", "eight"}, {"rest"});
  test.node("Sub", {"eight", "rest"}, {"missing"});
  test.node("Mod", {"missing", "eight"}, {"pad"});
  EXPECT_EQ(constant_output(test, {.input_shapes = {{"x", {1, 14, 14, 3}}}}), Doubles{2});
  EXPECT_EQ(constant_output(test, {.input_shapes = {}, .dimensions = {{"n", 17}}}), Doubles{7});
}

TEST(OnnxSimplify, integers_are_exact) {
  const auto binary = [](const std::string& op, int64_t a, int64_t b) {
    TestModel test;
    test.integers("a", {a}).integers("b", {b}).output("y").node(op, {"a", "b"}, {"y"});
    const Model model = test.load().value();
    const SimpleGraph graph = simplify(model).value();
    return graph.value("y").constant->integer(0);
  };
  const int64_t large = (int64_t{1} << 53) + 1;  // no double holds it
  EXPECT_EQ(binary("Add", large, 1), large + 1);
  EXPECT_EQ(binary("Mul", large, 3), large * 3);
  EXPECT_EQ(binary("Div", -7, 2), -3);
  EXPECT_EQ(binary("Mod", -7, 3), 2);
  EXPECT_EQ(binary("Mod", 7, -3), -2);
  EXPECT_EQ(binary("Pow", 3, 4), 81);
  EXPECT_EQ(binary("Max", large, large - 1), large);
  EXPECT_EQ(binary("Equal", large, large - 1), 0);
  EXPECT_EQ(binary("Greater", large, large - 1), 1);
  EXPECT_EQ(binary("Add", std::numeric_limits<int64_t>::max(), 1), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(binary("Div", std::numeric_limits<int64_t>::min(), -1), std::numeric_limits<int64_t>::min());
  TestModel by_zero;
  by_zero.integers("a", {1}).integers("b", {0}).output("y").node("Div", {"a", "b"}, {"y"});
  EXPECT_HOLDS(simplify_error(by_zero), "divides an integer by 0");
}

TEST(OnnxSimplify, casts) {
  const auto cast = [](float value, int64_t to) {
    TestModel test;
    test.reals("a", {value}).output("y");
    TestModel::set(test.node("Cast", {"a"}, {"y"}), "to", to);
    return constant_output(test)[0];
  };
  EXPECT_EQ(cast(2.9f, 7), 2);
  EXPECT_EQ(cast(-2.9f, 7), -2);
  EXPECT_EQ(cast(0.5f, 9), 1);
  EXPECT_EQ(cast(0.0f, 9), 0);
  EXPECT_EQ(cast(300.0f, 6), 300);
}

TEST(OnnxSimplify, slices) {
  const auto slice = [](int64_t start, int64_t end, int64_t step) {
    TestModel test;
    test.integers("x", {0, 1, 2, 3, 4})
        .integers("s", {start})
        .integers("e", {end})
        .integers("a", {0})
        .integers("k", {step});
    test.output("y").node("Slice", {"x", "s", "e", "a", "k"}, {"y"});
    return constant_output(test);
  };
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(slice(1, 3, 1), (Doubles{1, 2}));
  EXPECT_EQ(slice(3, kMost, 1), (Doubles{3, 4}));
  EXPECT_EQ(slice(-2, kMost, 1), (Doubles{3, 4}));
  EXPECT_EQ(slice(0, -1, 2), (Doubles{0, 2}));
  EXPECT_EQ(slice(4, 1, 1), Doubles{});
  EXPECT_EQ(slice(-1, kLeast, -1), (Doubles{4, 3, 2, 1, 0}));
  EXPECT_EQ(slice(kLeast, kMost, 3), (Doubles{0, 3}));
}

TEST(OnnxSimplify, constants_move) {
  TestModel test;
  test.integers("x", {0, 1, 2, 3, 4, 5}).integers("shape", {2, -1}).integers("twice", {2, 1}).integers("order", {1, 0});
  test.output("y").node("Reshape", {"x", "shape"}, {"matrix"});
  test.node("Transpose", {"matrix"}, {"turned"});
  test.node("Tile", {"turned", "twice"}, {"tiled"});
  TestModel::set(test.node("Concat", {"tiled", "turned"}, {"joined"}), "axis", int64_t{0});
  TestModel::set(test.node("Gather", {"joined", "order"}, {"y"}), "axis", int64_t{0});
  EXPECT_EQ(constant_output(test), (Doubles{1, 4, 0, 3}));

  TestModel scatter;
  scatter.integers("x", {0, 0, 0, 0}).integers("u", {7, 8}).output("y").integers("i", {3, 1}).integers("as", {2, 1});
  scatter.node("Reshape", {"i", "as"}, {"places"});
  scatter.node("ScatterND", {"x", "places", "u"}, {"y"});
  EXPECT_EQ(constant_output(scatter), (Doubles{0, 8, 0, 7}));

  TestModel expand;
  expand.integers("x", {5}).integers("to", {2, 3}).output("y").node("Expand", {"x", "to"}, {"y"});
  EXPECT_EQ(constant_output(expand), (Doubles(6, 5)));

  TestModel range;
  range.integers("a", {1}, true).integers("b", {8}, true).integers("c", {3}, true).output("y");
  range.node("Range", {"a", "b", "c"}, {"y"});
  EXPECT_EQ(constant_output(range), (Doubles{1, 4, 7}));

  TestModel where;
  where.integers("a", {1, 2, 3}).integers("b", {1, 0, 3}).integers("no", {-1}, true).output("y");
  where.node("Equal", {"a", "b"}, {"same"});
  where.node("Where", {"same", "a", "no"}, {"y"});
  EXPECT_EQ(constant_output(where), (Doubles{1, -1, 3}));
}

TEST(OnnxSimplify, opsets_differ) {
  TestModel squeeze11(11);  // axes as an attribute
  squeeze11.integers("x", {4}).output("y");
  TestModel::set(squeeze11.node("Unsqueeze", {"x"}, {"u"}), "axes", std::vector<int64_t>{0});
  squeeze11.node("Shape", {"u"}, {"y"});
  EXPECT_EQ(constant_output(squeeze11), (Doubles{1, 1}));
  TestModel squeeze13(13);  // as an operand
  squeeze13.integers("x", {4}).integers("axes", {0}).output("y").node("Unsqueeze", {"x", "axes"}, {"u"});
  squeeze13.node("Shape", {"u"}, {"y"});
  EXPECT_EQ(constant_output(squeeze13), (Doubles{1, 1}));

  TestModel reduce18(18);
  reduce18.reals("x", {1, 2, 3}).integers("axes", {0}).output("y");
  TestModel::set(reduce18.node("ReduceMean", {"x", "axes"}, {"y"}), "keepdims", int64_t{0});
  EXPECT_EQ(constant_output(reduce18), Doubles{2});
  TestModel reduce13(13);
  reduce13.reals("x", {1, 2, 3}).output("y");
  TestModel::set(reduce13.node("ReduceMean", {"x"}, {"y"}), "axes", std::vector<int64_t>{0});
  EXPECT_EQ(constant_output(reduce13), Doubles{2});

  TestModel split18(18);  // the last part may be smaller
  split18.integers("x", {1, 2, 3}).output("b");
  TestModel::set(split18.node("Split", {"x"}, {"a", "b"}), "num_outputs", int64_t{2});
  EXPECT_EQ(constant_output(split18), Doubles{3});
  TestModel split13(13);
  split13.integers("x", {1, 2, 3}).output("b").node("Split", {"x"}, {"a", "b"});
  EXPECT_HOLDS(simplify_error(split13), "3 elements do not split into 2 parts");

  TestModel pad18(18);
  pad18.integers("x", {1, 2}).integers("pads", {1, 0}).integers("v", {9}, true).integers("axes", {-1}).output("y");
  pad18.node("Pad", {"x", "pads", "v", "axes"}, {"y"});
  EXPECT_EQ(constant_output(pad18), (Doubles{9, 1, 2}));
}

TestModel with_if(bool known) {
  TestModel test;
  test.input("x", {2, 3}).output("y").integers("two", {2}, true).integers("zero", {0}, true);
  if (known) {
    test.node("Shape", {"x"}, {"shape"});
    test.node("Gather", {"shape", "zero"}, {"rows"});
    test.node("Equal", {"rows", "two"}, {"condition"});
  } else {
    test.input("condition", {1}, kBool);
  }
  NodeProto& node = test.node("If", {"condition"}, {"y"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(5);
    const std::string inner = std::string(branch) + "_out";
    TestModel::add_node(*attribute.mutable_g(), branch == std::string("then_branch") ? "Neg" : "TopK", {"x"}, {inner});
    attribute.mutable_g()->add_output()->set_name(inner);
  }
  return test;
}

TEST(OnnxSimplify, an_if_with_a_known_condition_becomes_its_branch) {
  const Model model = with_if(true).load().value();
  const SimpleGraph graph = simplify(model).value();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op, "Neg");
  EXPECT_EQ(graph.outputs[0].name, "y");
  EXPECT_EQ(graph.outputs[0].value, "then_branch_out");
  EXPECT_HOLDS(simplify_error(with_if(false)), "its condition depends on the data");
}

TEST(OnnxSimplify, what_changes_nothing_vanishes) {
  TestModel test;
  test.input("x", {2, 3}).output("y").integers("same", {2, 3}).integers("once", {1, 1}).integers("none", {0, 0, 0, 0});
  test.node("Identity", {"x"}, {"a"});
  test.node("Reshape", {"a", "same"}, {"b"});
  test.node("Tile", {"b", "once"}, {"c"});
  test.node("Pad", {"c", "none"}, {"d"});
  test.node("Expand", {"d", "same"}, {"e"});
  test.reals("zeros", {0, 0, 0}).reals("one", {1}, true);
  test.node("Add", {"zeros", "e"}, {"f"});
  test.node("Mul", {"f", "one"}, {"g"});
  test.node("Div", {"g", "one"}, {"h"});
  test.node("Sub", {"h", "zeros"}, {"i"});
  test.node("Relu", {"i"}, {"y"});
  test.node("Neg", {"e"}, {"unused"});
  const Model model = test.load().value();
  const SimpleGraph graph = simplify(model).value();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].inputs[0], "x");
}

TEST(OnnxSimplify, what_only_looks_neutral_stays) {
  TestModel test;
  test.input("x", {3}).input("z", {1}).output("y").reals("zeros", {0, 0, 0}).reals("ones", {1, 1, 2});
  test.node("Sub", {"zeros", "x"}, {"a"});
  test.node("Mul", {"a", "ones"}, {"b"});
  test.node("Add", {"z", "zeros"}, {"c"});  // makes three of one
  test.node("Add", {"b", "c"}, {"y"});
  const Model model = test.load().value();
  EXPECT_EQ(simplify(model).value().nodes.size(), 4u);
}

TEST(OnnxSimplify, unknown_operators_are_reported_together) {
  TestModel test;
  test.input("x", {2, 3}).output("y").node("TopK", {"x"}, {"a"});
  test.node("TopK", {"a"}, {"b"});
  test.node("Add", {"a", "b"}, {"c"});
  test.node("Loop", {"c"}, {"y"}).set_name("my_loop");
  const std::string error = simplify_error(test);
  EXPECT_HOLDS(error, "TopK (2x, first TopK node 'a'");
  EXPECT_HOLDS(error, "Loop (1x, first Loop node 'my_loop'");
  const Model model = test.load().value();
  EXPECT_EQ(unknown_operators(model).size(), 2u);
}

TEST(OnnxSimplify, input_shapes_that_do_not_fit) {
  TestModel test;
  test.input("x", {2, -1}).output("y").node("Relu", {"x"}, {"y"});
  EXPECT_HOLDS(simplify_error(test), "axis 1 of the input x is not known (n)");
  EXPECT_HOLDS(simplify_error(test, {.input_shapes = {{"x", {3, 4}}}}), "axis 0 is 2");
  EXPECT_HOLDS(simplify_error(test, {.input_shapes = {{"x", {2}}}}), "which has 2 axes");
  EXPECT_HOLDS(simplify_error(test, {.input_shapes = {{"z", {2}}}}), "no input z; its inputs are x");
  SimplifyOptions options{.input_shapes = {{"x", {2, 4}}}};
  EXPECT_EQ(simplify_error(test, options), "");
  options.outputs = {"nothing"};
  EXPECT_HOLDS(simplify_error(test, options), "no value nothing; its outputs are y");
}

TEST(OnnxSimplify, inputs_are_fixed_and_values_become_inputs) {
  TestModel test;
  test.input("x", {2}).input("flag", {1}).output("y").node("Neg", {"x"}, {"a"});
  test.node("Exp", {"a"}, {"b"});
  test.node("Mul", {"b", "flag"}, {"y"});
  const Model model = test.load().value();
  SimplifyOptions options;
  Tensor two(Shape{1});
  two.f32()[0] = 2.0f;
  options.fixed_inputs["flag"] = Constant::of(std::move(two));
  options.cuts = {"b"};
  const SimpleGraph graph = simplify(model, options).value();
  ASSERT_EQ(graph.nodes.size(), 1u);
  ASSERT_EQ(graph.inputs.size(), 2u);
  EXPECT_EQ(graph.inputs[1].name, "b");
  EXPECT_TRUE(graph.value("flag").constant.has_value());
  options.cuts = {"nothing"};
  EXPECT_HOLDS(simplify_error(test, options), "makes nothing");
  options.cuts = {};
  options.fixed_inputs["flag"] = Constant::of(Tensor(Shape{2}));
  EXPECT_HOLDS(simplify_error(test, options), "does not fit");
}

TEST(OnnxSimplify, shapes_that_do_not_fit) {
  TestModel add;
  add.input("x", {2, 3}).input("z", {4}).output("y").node("Add", {"x", "z"}, {"y"});
  EXPECT_HOLDS(simplify_error(add), "shapes (2, 3) and (4) do not broadcast");
  TestModel reshape;
  reshape.input("x", {2, 3}).integers("to", {4, -1}).output("y").node("Reshape", {"x", "to"}, {"y"});
  EXPECT_HOLDS(simplify_error(reshape), "(2, 3) does not reshape to (4, -1)");
  TestModel matmul;
  matmul.input("x", {2, 3}).input("z", {4, 5}).output("y").node("MatMul", {"x", "z"}, {"y"});
  EXPECT_HOLDS(simplify_error(matmul), "(2, 3) times (4, 5)");
  TestModel huge;
  huge.integers("to", {int64_t{1} << 40, int64_t{1} << 40}).output("y").node("ConstantOfShape", {"to"}, {"y"});
  EXPECT_HOLDS(simplify_error(huge), "no model needs one so large");
  TestModel dynamic;
  dynamic.input("x", {2, 3}).input("to", {2}, kInt64).output("y").node("Reshape", {"x", "to"}, {"y"});
  EXPECT_HOLDS(simplify_error(dynamic), "its operand to depends on the data");
}

TEST(OnnxCompose, expands_move_behind_what_broadcasts) {
  TestModel test;
  test.input("x", {1, 4, 1}).input("w", {1, 4, 3}).output("y").output("z").integers("to", {1, 4, 3});
  test.reals("one", {1}, true);
  test.node("Expand", {"x", "to"}, {"a"});
  test.node("Equal", {"a", "one"}, {"b"});
  test.node("Not", {"b"}, {"c"});
  TestModel::set(test.node("Cast", {"c"}, {"d"}), "to", 1);
  test.node("Mul", {"w", "d"}, {"y"});
  test.node("Identity", {"d"}, {"z"});  // the whole value is asked for
  const Model model = test.load().value();
  SimpleGraph graph = simplify(model).value();
  compose(graph);
  const std::map<std::string, int64_t> expected = {{"Equal", 1}, {"Not", 1}, {"Cast", 1}, {"Mul", 1}, {"Expand", 1}};
  EXPECT_EQ(count_operators(graph), expected);
  EXPECT_EQ(graph.nodes[0].op, "Equal");
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[0]).shape, (Shape{1, 4, 1}));
  for (const Node& node : graph.nodes)
    if (node.op == "Expand") {
      EXPECT_EQ(graph.value(node.inputs[0]).shape, (Shape{1, 4, 1}));
    }
  EXPECT_EQ(graph.value(graph.outputs[1].value).shape, (Shape{1, 4, 3}));
}

TEST(OnnxCompose, gelu_and_pixel_norm) {
  TestModel test;
  test.input("x", {1, 4, 2, 2})
      .output("y")
      .reals("root2", {1.41421354f}, true)
      .reals("one", {1}, true)
      .reals("half", {0.5f}, true);
  test.node("Div", {"x", "root2"}, {"d"});
  test.node("Erf", {"d"}, {"e"});
  test.node("Add", {"e", "one"}, {"s"});
  test.node("Mul", {"x", "s"}, {"p"});
  test.node("Mul", {"p", "half"}, {"g"});
  test.reals("eps", {1e-6f}, true).reals("two", {2}, true).reals("w", {1, 2, 3, 4}).reals("b", {1, 2, 3, 4});
  test.integers("column", {4, 1, 1});
  test.node("Reshape", {"w", "column"}, {"wc"});
  test.node("Reshape", {"b", "column"}, {"bc"});
  TestModel::set(test.node("ReduceMean", {"g"}, {"m"}), "axes", std::vector<int64_t>{1});
  test.node("Sub", {"g", "m"}, {"c"});
  test.node("Pow", {"c", "two"}, {"q"});
  TestModel::set(test.node("ReduceMean", {"q"}, {"v"}), "axes", std::vector<int64_t>{1});
  test.node("Add", {"v", "eps"}, {"ve"});
  test.node("Sqrt", {"ve"}, {"r"});
  test.node("Div", {"c", "r"}, {"n"});
  test.node("Mul", {"wc", "n"}, {"wn"});
  test.node("Add", {"wn", "bc"}, {"y"});
  const Model model = test.load().value();
  SimpleGraph graph = simplify(model).value();
  EXPECT_EQ(compose(graph), 2);
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[0].op, "Gelu");
  EXPECT_EQ(graph.nodes[1].op, kPixelNormalization);
}

}  // namespace
}  // namespace samc::onnx
