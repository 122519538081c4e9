#include <gtest/gtest.h>

#include "onnx/test_model.h"

namespace samc::onnx {
namespace {

TEST(OnnxParameters, opsets_differ) {
  TestModel squeeze11(11);  // axes as an attribute
  squeeze11.integers("x", {4}).output("y");
  set(squeeze11.node("Unsqueeze", {"x"}, {"u"}), "axes", std::vector<int64_t>{0});
  squeeze11.node("Shape", {"u"}, {"y"});
  EXPECT_EQ(constant_output(squeeze11), (Doubles{1, 1}));
  TestModel squeeze13(13);  // as an operand
  squeeze13.integers("x", {4}).integers("axes", {0}).output("y").node("Unsqueeze", {"x", "axes"}, {"u"});
  squeeze13.node("Shape", {"u"}, {"y"});
  EXPECT_EQ(constant_output(squeeze13), (Doubles{1, 1}));

  TestModel reduce18(18);
  reduce18.reals("x", {1, 2, 3}).integers("axes", {0}).output("y");
  set(reduce18.node("ReduceMean", {"x", "axes"}, {"y"}), "keepdims", int64_t{0});
  EXPECT_EQ(constant_output(reduce18), Doubles{2});
  TestModel reduce13(13);
  reduce13.reals("x", {1, 2, 3}).output("y");
  set(reduce13.node("ReduceMean", {"x"}, {"y"}), "axes", std::vector<int64_t>{0});
  EXPECT_EQ(constant_output(reduce13), Doubles{2});

  TestModel split18(18);  // the last part may be smaller
  split18.integers("x", {1, 2, 3}).output("b");
  set(split18.node("Split", {"x"}, {"a", "b"}), "num_outputs", int64_t{2});
  EXPECT_EQ(constant_output(split18), Doubles{3});
  TestModel split13(13);
  split13.integers("x", {1, 2, 3}).output("b").node("Split", {"x"}, {"a", "b"});
  EXPECT_HOLDS(simplify_error(split13), "3 elements do not split into 2 parts");

  TestModel pad18(18);
  pad18.integers("x", {1, 2}).integers("pads", {1, 0}).integers("v", {9}, true).integers("axes", {-1}).output("y");
  pad18.node("Pad", {"x", "pads", "v", "axes"}, {"y"});
  EXPECT_EQ(constant_output(pad18), (Doubles{9, 1, 2}));
}

}  // namespace
}  // namespace samc::onnx
