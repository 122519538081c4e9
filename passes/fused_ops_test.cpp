// What the fused phase makes of top ops computes the same in the interpreter.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_waves.h"
#include "ir/graph_builder.h"
#include "ir/interpreter.h"
#include "ir/vision_dialect.h"
#include "passes/toolkit/windows.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

class FusedOps : public testing::Test {
 protected:
  FusedOps() : module_(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_))), graph_(*module_, weights_) {}

  // The output of the function before and after a pass.
  void expect_same(const NamedViews& inputs, mlir::LogicalResult (*pass)(mlir::ModuleOp, WeightStore&)) {
    const auto function = module_->lookupSymbol<mlir::func::FuncOp>("main");
    const auto before = interpret(function, inputs, weights_);
    ASSERT_TRUE(before.is_ok()) << before.status().to_string();
    ASSERT_TRUE(mlir::succeeded(pass(*module_, weights_)));
    const auto after = interpret(function, inputs, weights_);
    ASSERT_TRUE(after.is_ok()) << after.status().to_string();
    const auto a = before.value().at("out").f32(), b = after.value().at("out").f32();
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-6) << i;
  }

  template <class Op>
  size_t count() {
    size_t number = 0;
    module_->walk([&](Op) { ++number; });
    return number;
  }

  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  WeightStore weights_;
  GraphBuilder graph_;
};

TEST_F(FusedOps, attention) {
  const auto in = graph_.begin_function("main", {{"q", {2, 3, 5, 4}}, {"k", {2, 3, 4, 7}}, {"v", {2, 3, 7, 6}}});
  const mlir::Value scores = graph_.mul_const("scaled", graph_.matmul("scores", in[0], in[1]), 0.7);
  ASSERT_TRUE(graph_.end_function({{"out", graph_.matmul("mixed", graph_.softmax("weights", scores), in[2])}}).is_ok());
  const Tensor q = waves({2, 3, 5, 4}, 0.7), k = waves({2, 3, 4, 7}, 0.3), v = waves({2, 3, 7, 6}, 1.1);
  expect_same({{"q", q.view()}, {"k", k.view()}, {"v", v.view()}}, fuse_attention);
  EXPECT_EQ(count<vision::AttentionOp>(), 1u);
  EXPECT_EQ(count<top::SoftmaxOp>(), 0u);
}

TEST_F(FusedOps, windows) {
  const auto in = graph_.begin_function("main", {{"x", {1, 4, 6, 3}}});
  mlir::Value x = graph_.permute("order", graph_.reshape("grid", in[0], {1, 2, 2, 2, 3, 3}), {0, 1, 3, 2, 4, 5});
  x = graph_.softmax("inside", graph_.reshape("windows", x, {4, 2, 3, 3}), 1);  // differs from window to window
  x = graph_.permute("back", graph_.reshape("parts", x, {1, 2, 2, 2, 3, 3}), {0, 1, 3, 2, 4, 5});
  ASSERT_TRUE(graph_.end_function({{"out", graph_.reshape("map", x, {1, 4, 6, 3})}}).is_ok());
  const Tensor map = waves({1, 4, 6, 3}, 0.7);
  expect_same({{"x", map.view()}}, fuse_windows);
  EXPECT_EQ(count<vision::WindowPartitionOp>(), 1u);
  EXPECT_EQ(count<vision::WindowUnpartitionOp>(), 1u);
  EXPECT_EQ(count<top::PermuteOp>(), 0u);
}

// Positions outside the map are the padding row, and cropping leaves them out.
TEST_F(FusedOps, windows_that_reach_over_the_edge) {
  const auto in = graph_.begin_function("main", {{"x", {1, 3, 3, 1}}});
  const float outside = waves({1}, 0.5).f32()[0];
  const mlir::Value row = graph_.constant("row", waves({1}, 0.5));
  ASSERT_TRUE(graph_.end_function({{"out", graph_.relu("end", in[0])}}).is_ok());
  mlir::Operation* end = *in[0].getUsers().begin();
  mlir::OpBuilder builder(end);
  const mlir::Value windows = make_partition(builder, std::string("windows"), end->getOperand(0), 2, 2, row, false);
  auto function = module_->lookupSymbol<mlir::func::FuncOp>("main");
  const Tensor x = waves({1, 3, 3, 1}, 0.2);
  const auto compute = [&](mlir::Value result) {
    auto terminator = mlir::cast<mlir::func::ReturnOp>(function.getBody().front().getTerminator());
    terminator.setOperand(0, result);
    auto outputs = interpret(function, {{"x", x.view()}}, weights_);
    EXPECT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    return Tensor::copy_of(outputs.value().at("out").view());
  };
  const Tensor cut = compute(windows);
  ASSERT_EQ(cut.shape(), (Shape{4, 2, 2, 1}));
  EXPECT_EQ(cut.f32()[3], x.f32()[4]);  // the middle
  EXPECT_EQ(cut.f32()[4], x.f32()[2]);  // the upper right corner, and beside it
  EXPECT_EQ(cut.f32()[5], outside);
  EXPECT_EQ(cut.f32()[15], outside);
  const Tensor back = compute(make_unpartition(builder, std::string("map"), windows, {1, 3, 3, 1}));
  EXPECT_TRUE(std::ranges::equal(back.f32(), x.f32()));
}

}  // namespace
}  // namespace samc
