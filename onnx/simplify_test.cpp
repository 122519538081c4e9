#include "onnx/simplify.h"

#include <gtest/gtest.h>

#include <functional>

#include "onnx/test_model.h"

namespace samc::onnx {
namespace {

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

TestModel with_if(bool known) {
  TestModel test;
  test.input("x", {2, 3}).output("y").integers("two", {2}, true).integers("zero", {0}, true);
  if (known) {
    test.node("Shape", {"x"}, {"shape"});
    test.node("Gather", {"shape", "zero"}, {"rows"});
    test.node("Equal", {"rows", "two"}, {"condition"});
  } else {
    test.input("condition", {1}, kBoolType);
  }
  NodeProto& node = test.node("If", {"condition"}, {"y"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(5);
    const std::string inner = std::string(branch) + "_out";
    add_node(*attribute.mutable_g(), branch == std::string("then_branch") ? "Neg" : "TopK", {"x"}, inner);
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

// y = if (yes) then -x else ?, z = if (yes) then exp(y) else ?: both branches call their result "inner", and the second
// has an If of its own that reads it.
TEST(OnnxSimplify, branches_side_by_side_may_share_names) {
  const auto add_branches = [](NodeProto& node, const std::function<void(GraphProto&)>& fill) {
    for (const char* branch : {"then_branch", "else_branch"}) {
      AttributeProto& attribute = *node.add_attribute();
      attribute.set_name(branch);
      attribute.set_type(5);
      fill(*attribute.mutable_g());
      attribute.mutable_g()->add_output()->set_name("inner");
    }
  };
  TestModel test;
  test.input("x", {2}).output("z").integers("yes", {1}, true);
  add_branches(test.node("If", {"yes"}, {"y"}), [](GraphProto& graph) { add_node(graph, "Neg", {"x"}, "inner"); });
  add_branches(test.node("If", {"yes"}, {"z"}), [&](GraphProto& graph) {
    add_node(graph, "Exp", {"y"}, "deep");
    add_branches(add_node(graph, "If", {"yes"}, "inner"),
                 [](GraphProto& deepest) { add_node(deepest, "Abs", {"deep"}, "inner"); });
  });
  const Model model = test.load().value();
  const Result<SimpleGraph> graph = simplify(model);
  ASSERT_TRUE(graph.is_ok()) << graph.status().to_string();
  const std::vector<Node>& nodes = graph.value().nodes;
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0].op, "Neg");
  EXPECT_EQ(nodes[1].op, "Exp");
  EXPECT_EQ(nodes[1].inputs[0], nodes[0].outputs[0]);
  EXPECT_EQ(nodes[2].op, "Abs");
  EXPECT_EQ(nodes[2].inputs[0], nodes[1].outputs[0]);
  EXPECT_EQ(graph.value().outputs[0].value, nodes[2].outputs[0]);
}

// (1, 32, n, n) of ones, made by three nodes.
TestModel large_constant() {
  TestModel test;
  test.input("x", {1, -1}).integers("axis", {1}).reals("one", {1}, true).reals("two", {2}, true);
  test.node("Shape", {"x"}, {"shape"});
  test.node("Gather", {"shape", "axis"}, {"n"});
  test.integers("channels", {1, 32});
  set(test.node("Concat", {"channels", "n", "n"}, {"extents"}), "axis", int64_t{0});
  test.node("Expand", {"one", "extents"}, {"ones"});
  test.node("Add", {"ones", "one"}, {"twos"});
  test.node("Div", {"twos", "two"}, {"large"});
  return test;
}

TEST(OnnxSimplify, large_constants_are_not_computed_for_their_shape) {
  TestModel test = large_constant();
  test.output("y").node("Shape", {"large"}, {"y"});
  SimplifyOptions options{.input_shapes = {{"x", {1, 512}}}};
  options.most_constant_bytes = 1000;  // the constants have 32 MB
  EXPECT_EQ(constant_output(test, options), (Doubles{1, 32, 512, 512}));
}

TEST(OnnxSimplify, large_constants_are_computed_for_what_reads_them) {
  TestModel sum = large_constant();
  sum.output("y");
  set(sum.node("ReduceSum", {"large"}, {"y"}), "keepdims", int64_t{0});
  const SimplifyOptions options{.input_shapes = {{"x", {1, 8}}}};
  EXPECT_EQ(constant_output(sum, options), Doubles{2048});
  TestModel whole = large_constant();
  whole.output("large");
  EXPECT_EQ(constant_output(whole, options), Doubles(2048, 1));
  TestModel of_data = large_constant();
  of_data.output("y").node("Mul", {"large", "x"}, {"y"});
  const Model model = of_data.load().value();
  EXPECT_EQ(simplify(model, options).value().value("large").constant->count(), 2048);
  TestModel wrong = large_constant();
  wrong.output("y").node("Reshape", {"large", "channels"}, {"y"});
  EXPECT_HOLDS(simplify_error(wrong, options), "Reshape node 'y'");
  SimplifyOptions little = options;
  little.most_constant_bytes = 1000;
  EXPECT_HOLDS(simplify_error(whole, little), "take more memory");
}

TEST(OnnxSimplify, a_second_result_that_is_not_evaluated) {
  TestModel test;
  test.reals("x", {1, 2}).output("z").node("Dropout", {"x"}, {"y", "kept"});
  test.node("Not", {"kept"}, {"z"});
  EXPECT_HOLDS(simplify_error(test), "its result kept is used");
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
  dynamic.input("x", {2, 3}).input("to", {2}, kInt64Type).output("y").node("Reshape", {"x", "to"}, {"y"});
  EXPECT_HOLDS(simplify_error(dynamic), "its operand to depends on the data");
}

// docs/limits.md. A few kB must not ask for hours: the same constant of 32 MB read by thousands of nodes.
TEST(SimplifyLimits, what_evaluation_reads_is_bounded) {
  TestModel test;
  test.integers("shape", {1 << 23}).output("y");
  test.node("ConstantOfShape", {"shape"}, {"zeros"});
  std::vector<std::string> sums;
  for (int i = 0; i < 3000; ++i) {
    sums.push_back(fmt::format("sum{}", i));
    test.node("Slice", {"zeros", "from", "to"}, {sums.back()});
  }
  test.integers("from", {0}).integers("to", {1});
  test.node("Concat", sums, {"y"});
  set(*test.graph().mutable_node(test.graph().node_size() - 1), "axis", 0);
  EXPECT_HOLDS(simplify_error(test), "more work to evaluate");
}

TEST(SimplifyLimits, one_large_constant_is_looked_through_once) {
  TestModel test;
  test.input("x", {1 << 23}).integers("shape", {1 << 23}).output("y0");
  test.node("ConstantOfShape", {"shape"}, {"zeros"});
  std::string last = "x";
  for (int i = 2000; i-- > 0;) {
    const std::string next = fmt::format("y{}", i);
    test.node("Add", {last, "zeros"}, {next});
    last = next;
  }
  EXPECT_EQ(simplify_error(test), "");
}

TEST(SimplifyLimits, unknown_operators_are_counted_in_linear_time) {
  constexpr int kNodes = 60'000;
  TestModel test;
  test.input("x", {2}).output("y");
  for (int i = 0; i < kNodes; ++i) test.node(fmt::format("Op{}", i), {"x"}, {fmt::format("r{}", i)});
  test.node("Op0", {"x"}, {"y"});
  const Model model = test.load().value();
  EXPECT_EQ(unknown_operators(model).size(), static_cast<size_t>(kNodes));
  EXPECT_EQ(unknown_operators(model)[0].count, 2);
}

TEST(SimplifyLimits, shapes_of_results_and_windows) {
  TestModel large;
  large.input("x", {1 << 16, 1}).input("z", {1, (1 << 15) + 1}).output("y").node("Add", {"x", "z"}, {"y"});
  EXPECT_HOLDS(simplify_error(large), "its result would have the shape (65536, 32769)");
  TestModel evaluated;
  evaluated.integers("shape", {1 << 24, 1}).integers("wide", {1, 4}).output("y");
  evaluated.node("ConstantOfShape", {"shape"}, {"zeros"});
  evaluated.node("Tile", {"zeros", "wide"}, {"y"});
  EXPECT_HOLDS(simplify_error(evaluated), "its result would have the shape (16777216, 4)");
  TestModel window;
  window.input("x", {1, 1, 8, 8}).output("y");
  NodeProto& pool = window.node("MaxPool", {"x"}, {"y"});
  set(pool, "kernel_shape", std::vector<int64_t>{2, 2});
  set(pool, "strides", std::vector<int64_t>{1, (1 << 20) + 1});
  EXPECT_HOLDS(simplify_error(window), "a window has the extent or step 1048577");
}

// A Split of parts that have no elements, as ONNX's own backend tests have it.
TestModel with_empty_part(const std::string& reader, const Shape& shape, const std::vector<int64_t>& sizes) {
  TestModel test;
  test.input("x", shape).output("y").integers("sizes", sizes);
  set(test.node("Split", {"x", "sizes"}, {"empty", "rest"}), "axis", 1);
  if (!reader.empty()) test.node(reader, {"empty"}, {"y"});
  return test;
}

TEST(OnnxSimplify, what_has_no_elements_is_known) {
  TestModel parts = with_empty_part("", {1, 4, 2, 2}, {0, 4});
  parts.node("ReduceSum", {"empty", "axes"}, {"sum"});
  parts.integers("axes", {1});
  parts.node("Add", {"rest", "sum"}, {"y"});
  const Model model = parts.load().value();
  const SimpleGraph graph = simplify(model).value();
  EXPECT_EQ(count_operators(graph), (std::map<std::string, int64_t>{{"Split", 1}}));  // x + 0 is x
  EXPECT_EQ(graph.value(graph.outputs[0].value).shape, (Shape{1, 4, 2, 2}));

  EXPECT_EQ(constant_output(with_empty_part("Relu", {1, 4, 2, 2}, {0, 4})), Doubles{});
  EXPECT_EQ(constant_output(with_empty_part("Relu", {1, 0, 2, 2}, {0, 0})), Doubles{});
}

TEST(OnnxSimplify, nothing_is_made_of_what_has_no_elements) {
  TestModel product;
  product.input("x", {4, 4}).output("y").integers("sizes", {0, 4});
  set(product.node("Split", {"x", "sizes"}, {"empty", "rest"}), "axis", 1);
  product.node("Transpose", {"empty"}, {"turned"});
  product.node("MatMul", {"empty", "turned"}, {"y"});
  EXPECT_HOLDS(simplify_error(product), "MatMul node 'y': its operand empty is (4, 0), which has no elements");
  TestModel largest = with_empty_part("", {4, 4}, {0, 4});
  set(largest.node("ArgMax", {"empty"}, {"y"}), "axis", 1);
  EXPECT_HOLDS(simplify_error(largest), "ArgMax node 'y': its operand empty is (4, 0), which has no elements");
  TestModel input;
  input.input("x", {1, 0, 4, 4}).output("y");
  input.node("GlobalAveragePool", {"x"}, {"pooled"});
  set(input.node("ArgMax", {"pooled"}, {"y"}), "axis", 1);
  EXPECT_HOLDS(simplify_error(input), "ArgMax node 'y': its operand pooled is (1, 0, 1, 1), which has no elements");
}

// Results that nothing reads may be named, and a result without a name is not the operand that is absent elsewhere.
TEST(OnnxSimplify, unread_and_unnamed_results) {
  for (const std::string read : {"y", "places"}) {
    TestModel pool;
    pool.input("x", {1, 4, 8, 8}).output(read);
    set(pool.node("MaxPool", {"x"}, {"y", "places"}), "kernel_shape", std::vector<int64_t>{2, 2});
    if (read == "y")
      EXPECT_EQ(simplify_error(pool), "");
    else
      EXPECT_HOLDS(simplify_error(pool), "MaxPool node 'y': its second result (indices) is used");
  }
  TestModel unnamed;
  unnamed.input("x", {2, 3}).output("y").reals("most", {1}, true);
  unnamed.node("Identity", {"x"}, {""});
  unnamed.node("TopK", {"x"}, {"", ""});
  unnamed.node("Clip", {"x", "", "most"}, {"y"});
  const Model model = unnamed.load().value();
  const SimpleGraph graph = simplify(model).value();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].inputs, (std::vector<std::string>{"x", "", "most"}));
}

}  // namespace
}  // namespace samc::onnx
