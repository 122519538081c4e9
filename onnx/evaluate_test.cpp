#include "onnx/evaluate.h"

#include <gtest/gtest.h>

#include <limits>

#include "onnx/test_model.h"

namespace samc::onnx {
namespace {

TEST(OnnxEvaluate, integers_are_exact) {
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

TEST(OnnxEvaluate, casts) {
  const auto cast = [](float value, int64_t to) {
    TestModel test;
    test.reals("a", {value}).output("y");
    set(test.node("Cast", {"a"}, {"y"}), "to", to);
    return constant_output(test)[0];
  };
  EXPECT_EQ(cast(2.9f, 7), 2);
  EXPECT_EQ(cast(-2.9f, 7), -2);
  EXPECT_EQ(cast(0.5f, 9), 1);
  EXPECT_EQ(cast(0.0f, 9), 0);
  EXPECT_EQ(cast(300.0f, 6), 300);
}

TEST(OnnxEvaluate, slices) {
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

TEST(OnnxEvaluate, constants_move) {
  TestModel test;
  test.integers("x", {0, 1, 2, 3, 4, 5}).integers("shape", {2, -1}).integers("twice", {2, 1}).integers("order", {1, 0});
  test.output("y").node("Reshape", {"x", "shape"}, {"matrix"});
  test.node("Transpose", {"matrix"}, {"turned"});
  test.node("Tile", {"turned", "twice"}, {"tiled"});
  set(test.node("Concat", {"tiled", "turned"}, {"joined"}), "axis", int64_t{0});
  set(test.node("Gather", {"joined", "order"}, {"y"}), "axis", int64_t{0});
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

}  // namespace
}  // namespace samc::onnx
