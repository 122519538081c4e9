// Rewrites that pico's encoder has no use for, on graphs of their own.

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_waves.h"
#include "ir/graph_builder.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "passes/top_passes.h"
#include "targets/sophgo/passes/passes.h"

namespace samc::sophgo {
namespace {

class Passes : public ::testing::Test {
 protected:
  Passes()
      : context_(mlir::MLIRContext::Threading::DISABLED),
        module_(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_))),
        builder_(*module_, weights_) {}

  mlir::Value linear(const std::string& name, mlir::Value x, int64_t columns, double step) {
    const int64_t rows = GraphBuilder::dim(x, -1);
    return builder_.linear(name, x, builder_.constant(name + ".weight", waves({columns, rows}, step)),
                           builder_.constant(name + ".bias", waves({columns}, step + 1)));
  }

  // Runs the pass on the function of one input and one output, which must keep its values.
  void rewrite(mlir::LogicalResult (*pass)(mlir::ModuleOp, WeightStore&), const Shape& input) {
    ASSERT_TRUE(builder_.is_ok()) << builder_.status().to_string();
    const auto function = module_->lookupSymbol<mlir::func::FuncOp>("main");
    const Tensor x = waves(input, 0.7);
    const auto before = interpret(function, {{"x", x.view()}}, weights_);
    ASSERT_TRUE(before.is_ok()) << before.status().to_string();
    ASSERT_TRUE(mlir::succeeded(pass(*module_, weights_)));
    const auto after = interpret(function, {{"x", x.view()}}, weights_);
    ASSERT_TRUE(after.is_ok()) << after.status().to_string();
    const auto a = before.value().at("out").f32(), b = after.value().at("out").f32();
    ASSERT_EQ(a.size(), b.size());
    float largest = 0, difference = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      largest = std::max(largest, std::fabs(a[i]));
      difference = std::max(difference, std::fabs(a[i] - b[i]));
    }
    EXPECT_LT(difference, 1e-6f * largest);
  }

  template <class Op>
  std::vector<Op> all() {
    std::vector<Op> ops;
    module_->walk([&](Op op) { ops.push_back(op); });
    return ops;
  }

  mlir::MLIRContext context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  WeightStore weights_;
  GraphBuilder builder_;
};

TEST_F(Passes, JoinWindowsTakes64TokensAtOnce) {
  // 8 windows of 16 tokens, 2 heads of 4
  mlir::Value x = builder_.begin_function("main", {{"x", {8, 16, 8}}})[0];
  const auto heads = [&](const std::string& name, double step, const Shape& order) {
    const mlir::Value part = builder_.reshape(name + "_parts", linear(name, x, 8, step), {8, 16, 2, 4});
    return builder_.permute(name + "_heads", part, order);
  };
  const mlir::Value q = heads("q", 0.3, {0, 2, 1, 3}), k = heads("k", 0.5, {0, 2, 3, 1});
  const mlir::Value v = heads("v", 0.9, {0, 2, 1, 3});
  const mlir::Value mixed = builder_.matmul("mixed", builder_.softmax("softmax", builder_.matmul("scores", q, k)), v);
  x = builder_.reshape("tokens", builder_.permute("mixed_tokens", mixed, {0, 2, 1, 3}), {8, 16, 8});
  ASSERT_TRUE(builder_.end_function({{"out", x}}).is_ok());
  rewrite(
      [](mlir::ModuleOp module, WeightStore& weights) {
        return mlir::failure(mlir::failed(fuse_attention(module, weights)) ||
                             mlir::failed(join_windows(module, weights)));
      },
      {8, 16, 8});
  ASSERT_EQ(all<top::SoftmaxOp>().size(), 1u);
  EXPECT_EQ(shape_of(all<top::SoftmaxOp>()[0].getOutput()), (Shape{2, 2, 64, 64}));
}

TEST_F(Passes, SplitPerceptronsMakesWeightsSmaller) {
  const mlir::Value x = builder_.begin_function("main", {{"x", {2, 512}}})[0];
  const mlir::Value hidden = builder_.gelu("gelu", linear("up", x, 2048, 0.01));
  ASSERT_TRUE(builder_.end_function({{"out", linear("down", hidden, 512, 0.02)}}).is_ok());
  rewrite(split_perceptrons, {2, 512});
  EXPECT_EQ(all<top::GELUOp>().size(), 4u);
  EXPECT_EQ(all<top::MatMulOp>().size(), 8u);
}

TEST_F(Passes, FoldNormsLeavesBareNormalisations) {
  const mlir::Value x = builder_.begin_function("main", {{"x", {4, 16}}})[0];
  const mlir::Value norm = builder_.layer_norm("norm", x, builder_.constant("gain", waves({16}, 0.4)),
                                               builder_.constant("shift", waves({16}, 0.6)), 1e-6);
  const mlir::Value sum = builder_.add("sum", linear("a", norm, 8, 0.3), linear("b", norm, 8, 0.8));
  ASSERT_TRUE(builder_.end_function({{"out", sum}}).is_ok());
  rewrite(fold_norms, {4, 16});
  ASSERT_EQ(all<top::LayerNormOp>().size(), 1u);
  EXPECT_TRUE(is_none(all<top::LayerNormOp>()[0].getWeight()));
  EXPECT_TRUE(is_none(all<top::LayerNormOp>()[0].getBias()));
}

TEST_F(Passes, BatchTokensFillsTheLanes) {
  const mlir::Value x = builder_.begin_function("main", {{"x", {32, 4, 4, 8}}})[0];
  const mlir::Value y = builder_.add("residual", x, builder_.gelu("gelu", linear("product", x, 8, 0.3)));
  ASSERT_TRUE(builder_.end_function({{"out", y}}).is_ok());
  rewrite(batch_tokens, {32, 4, 4, 8});
  for (const mlir::Value value :
       {all<top::MatMulOp>()[0].getOutput(), all<top::GELUOp>()[0].getOutput(), all<top::AddOp>()[0].getOutput()})
    EXPECT_EQ(shape_of(value), (Shape{8, 64, 8}));
  EXPECT_EQ(all<top::ReshapeOp>().size(), 3u);  // x for the product and for the sum, and the result
}

TEST_F(Passes, TransposeWeightsLeavesNone) {
  const mlir::Value x = builder_.begin_function("main", {{"x", {4, 16}}})[0];
  ASSERT_TRUE(builder_.end_function({{"out", linear("product", x, 8, 0.3)}}).is_ok());
  rewrite(transpose_weights, {4, 16});
  EXPECT_FALSE(all<top::MatMulOp>()[0].getRightTranspose());
}

}  // namespace
}  // namespace samc::sophgo
