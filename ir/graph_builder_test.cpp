#include "ir/graph_builder.h"

#include <gtest/gtest.h>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

namespace samc {
namespace {

Tensor filled(Shape shape, float value) {
  Tensor tensor(std::move(shape));
  for (float& element : tensor.f32()) element = value;
  return tensor;
}

std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, mlir::OpPrintingFlags().enableDebugInfo(true));
  return text;
}

class GraphBuilderTest : public testing::Test {
 protected:
  GraphBuilderTest() : module_(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_))) {}

  // A stem, a windowed reshape, attention and an upsampling: one op of each family.
  Status build() {
    GraphBuilder builder(*module_, weights_);
    const auto inputs = builder.begin_function("encoder", {{"image", {1, 3, 16, 16}}});
    mlir::Value x =
        builder.conv("stem", inputs[0], builder.constant("stem.weight", filled({8, 3, 7, 7}, 0.01f)),
                     builder.constant("stem.bias", filled({8}, 0.1f)), {.strides = {4, 4}, .pads = {3, 3, 3, 3}});
    EXPECT_EQ(GraphBuilder::shape(x), (Shape{1, 8, 4, 4}));
    x = builder.permute("nhwc", x, {0, 2, 3, 1});
    x = builder.layer_norm("norm", x, builder.constant("norm.weight", filled({8}, 1.0f)), {}, 1e-6);
    x = builder.reshape("tokens", x, {1, -1, 8});
    EXPECT_EQ(GraphBuilder::shape(x), (Shape{1, 16, 8}));
    mlir::Value qkv = builder.linear("qkv", x, builder.constant("qkv.weight", filled({24, 8}, 0.1f)));
    const auto parts = builder.split({"q", "k", "v"}, qkv, -1, {8, 8, 8});
    mlir::Value scores = builder.matmul("scores", parts[0], parts[1], {}, true);
    scores = builder.softmax("weights", builder.mul_const("scaled", scores, 0.25));
    x = builder.matmul("attended", scores, parts[2]);
    x = builder.reshape("grid", builder.permute("channels_first", x, {0, 2, 1}), {1, 8, 4, 4});
    x = builder.interp("up", x, 8, 8, InterpMode::kNearest, CoordMode::kAsymmetric);
    mlir::Value half = builder.slice("half", x, 1, -4, 8);
    EXPECT_EQ(GraphBuilder::dim(half, 1), 4);
    return builder.end_function({{"embedding", x}, {"half_embedding", half}});
  }

  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  WeightStore weights_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

TEST_F(GraphBuilderTest, builds_what_the_verifier_accepts) {
  const Status status = build();
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_TRUE(mlir::succeeded(mlir::verify(*module_)));
  EXPECT_TRUE(verify_weights(*module_, weights_).is_ok());
  auto function = module_->lookupSymbol<mlir::func::FuncOp>("encoder");
  EXPECT_EQ(input_names(function), std::vector<std::string>{"image"});
  EXPECT_EQ(output_names(function), (std::vector<std::string>{"embedding", "half_embedding"}));
}

TEST_F(GraphBuilderTest, print_parse_print_is_identical) {
  ASSERT_TRUE(build().is_ok());
  const std::string first = print(*module_);
  auto parsed = mlir::parseSourceString<mlir::ModuleOp>(first, &context_);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(print(*parsed), first);
}

TEST_F(GraphBuilderTest, prints_what_tpuc_opt_reads) {
  ASSERT_TRUE(build().is_ok());
  const std::string text = print(*module_);
  EXPECT_EQ(text.find("<{"), std::string::npos);
  EXPECT_NE(text.find("axis = -1 : si32"), std::string::npos);
  EXPECT_NE(text.find("\"top.Weight\"() : () -> tensor<8x3x7x7xf32>"), std::string::npos);
}

TEST_F(GraphBuilderTest, an_error_sticks_and_names_the_value) {
  GraphBuilder builder(*module_, weights_);
  const auto inputs = builder.begin_function("broken", {{"x", {2, 3}}});
  mlir::Value y = builder.matmul("product", inputs[0], inputs[0]);
  EXPECT_FALSE(y);
  EXPECT_FALSE(builder.relu("activated", y));
  const Status status = builder.end_function({{"y", y}});
  EXPECT_EQ(status.code(), StatusCode::kInvalidInput);
  EXPECT_EQ(status.message(), "product (MatMul): matrix product of (2, 3) and (2, 3)");
  EXPECT_FALSE(module_->lookupSymbol("broken"));
}

TEST_F(GraphBuilderTest, refuses_a_name_used_twice_and_a_missing_weight) {
  GraphBuilder twice(*module_, weights_);
  const auto inputs = twice.begin_function("twice", {{"x", {2, 3}}});
  twice.sin("x", inputs[0]);
  EXPECT_EQ(twice.end_function({}).message(), "two values are called x");

  GraphBuilder missing(*module_, weights_);
  missing.begin_function("missing", {{"x", {2, 3}}});
  missing.weight("nothing");
  EXPECT_EQ(missing.end_function({}).message(), "there is no weight nothing");
}

TEST_F(GraphBuilderTest, the_verifier_refuses_wrong_result_types) {
  load_dialects(context_);
  std::string message;
  const mlir::ScopedDiagnosticHandler handler(&context_, [&](mlir::Diagnostic& diagnostic) {
    message += diagnostic.str();
    return mlir::success();
  });
  const auto parse = [&](const std::string& op) {
    message.clear();
    return static_cast<bool>(mlir::parseSourceString<mlir::ModuleOp>(
        "func.func @main(%x: tensor<2x3xf32>) {\n %y = " + op + "\n return }", &context_));
  };
  EXPECT_TRUE(parse("\"top.Relu\"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>")) << message;
  EXPECT_TRUE(parse("\"top.Relu\"(%x) : (tensor<2x3xf32>) -> tensor<*xf32>")) << message;
  EXPECT_FALSE(parse("\"top.Relu\"(%x) : (tensor<2x3xf32>) -> tensor<3x2xf32>"));
  EXPECT_FALSE(parse("\"top.Permute\"(%x) {order = [0, 0]} : (tensor<2x3xf32>) -> tensor<*xf32>"));
  EXPECT_NE(message.find("(2, 3) permuted by (0, 0)"), std::string::npos) << message;
  EXPECT_FALSE(parse("\"top.Softmax\"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>"));
  EXPECT_NE(message.find("requires attribute 'axis'"), std::string::npos) << message;
  EXPECT_FALSE(
      parse("\"top.Reduce\"(%x) {axes = [1], keepdims = true, mode = \"mean\"} : (tensor<2x3xf32>) -> "
            "tensor<2x1xf32>"));
  EXPECT_NE(message.find("one of ReduceMin"), std::string::npos) << message;
}

}  // namespace
}  // namespace samc
