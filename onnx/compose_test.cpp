#include "onnx/compose.h"

#include <gtest/gtest.h>

#include "onnx/test_model.h"

namespace samc::onnx {
namespace {

TEST(OnnxCompose, expands_move_behind_what_broadcasts) {
  TestModel test;
  test.input("x", {1, 4, 1}).input("w", {1, 4, 3}).output("y").output("z").integers("to", {1, 4, 3});
  test.reals("one", {1}, true);
  test.node("Expand", {"x", "to"}, {"a"});
  test.node("Equal", {"a", "one"}, {"b"});
  test.node("Not", {"b"}, {"c"});
  set(test.node("Cast", {"c"}, {"d"}), "to", 1);
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

// What the official code writes as zeros_like(points) + row: a constant whose extents follow the number of points.
TEST(OnnxCompose, constants_that_repeat_become_narrow) {
  TestModel test;
  test.input("x", {1, -1, 3}).input("c", {1, -1, 1}, kBoolType).output("y").output("z");
  test.reals("row", {5, 6, 7});
  test.node("Shape", {"x"}, {"extents"});
  test.node("ConstantOfShape", {"extents"}, {"zeros"});
  test.node("Add", {"zeros", "row"}, {"rows"});
  test.node("Where", {"c", "rows", "x"}, {"y"});
  set(test.node("Concat", {"x", "rows"}, {"z"}), "axis", int64_t{1});  // needs them all
  const Model model = test.load().value();
  SimpleGraph graph = simplify(model, {.dimensions = {{"n", 4}}}).value();
  compose(graph);
  ASSERT_EQ(graph.nodes.size(), 2u);
  const Value& narrow = graph.value(graph.nodes[0].inputs[1]);
  ASSERT_TRUE(narrow.constant.has_value());
  EXPECT_EQ(narrow.shape, (Shape{1, 1, 3}));
  EXPECT_EQ(narrow.constant->real(2), 7);
  EXPECT_EQ(graph.value(graph.nodes[1].inputs[1]).shape, (Shape{1, 4, 3}));
}

TEST(OnnxCompose, a_constant_that_makes_the_result_wide_stays_wide) {
  TestModel test;
  test.input("x", {1, 1, 3}).output("y").reals("row", {5, 6, 7}).integers("shape", {1, 4, 3});
  test.node("Expand", {"row", "shape"}, {"rows"});
  test.node("Mul", {"x", "rows"}, {"y"});
  const Model model = test.load().value();
  SimpleGraph graph = simplify(model).value();
  compose(graph);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.value(graph.nodes[0].inputs[1]).shape, (Shape{1, 4, 3}));
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
  set(test.node("ReduceMean", {"g"}, {"m"}), "axes", std::vector<int64_t>{1});
  test.node("Sub", {"g", "m"}, {"c"});
  test.node("Pow", {"c", "two"}, {"q"});
  set(test.node("ReduceMean", {"q"}, {"v"}), "axes", std::vector<int64_t>{1});
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
