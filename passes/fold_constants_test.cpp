#include <gtest/gtest.h>

#include "ir/graph_builder.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/Diagnostics.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

Tensor counting(Shape shape) {
  Tensor tensor(std::move(shape));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.f32()[static_cast<size_t>(i)] = static_cast<float>(i);
  return tensor;
}

TEST(FoldConstants, computes_what_depends_on_weights_alone) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  WeightStore weights;
  GraphBuilder builder(*module, weights);
  // As Hiera's position embedding: a small one resized, and another tiled.
  const auto inputs = builder.begin_function("main", {{"x", {1, 1, 4, 4}}});
  mlir::Value embedding =
      builder.interp("resized", builder.constant("pos", counting({1, 1, 2, 2})), 4, 4, InterpMode::kCubic);
  const mlir::Value window = builder.tile("tiled", builder.constant("window", counting({1, 1, 2, 2})), {1, 1, 2, 2});
  embedding = builder.add("embedding", embedding, window);
  ASSERT_TRUE(builder.end_function({{"out", builder.add("sum", inputs[0], embedding)}}).is_ok());

  const auto function = module->lookupSymbol<mlir::func::FuncOp>("main");
  const Tensor x = counting({1, 1, 4, 4});
  const auto before = interpret(function, {{"x", x.view()}}, weights);
  ASSERT_TRUE(before.is_ok());
  ASSERT_TRUE(mlir::succeeded(fold_constants(*module, weights)));
  EXPECT_EQ(count_operations(*module), 1);
  EXPECT_EQ(weights.names(), std::vector<std::string>{"embedding"});
  const auto after = interpret(function, {{"x", x.view()}}, weights);
  ASSERT_TRUE(after.is_ok()) << after.status().to_string();
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(after.value().at("out").f32()[i], before.value().at("out").f32()[i]);
  }
}

// A few bytes of a model can ask for hours: a product's k and a window's extent count too.
TEST(FoldConstants, work_without_end_is_an_error) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  std::string said;
  const mlir::ScopedDiagnosticHandler listen(&context, [&](mlir::Diagnostic& diagnostic) { said += diagnostic.str(); });
  WeightStore weights;
  GraphBuilder builder(*module, weights);
  const auto inputs = builder.begin_function("main", {{"x", {3000, 3000}}});
  const mlir::Value row = builder.constant("row", counting({1, 3000}));
  const mlir::Value square = builder.tile("square", row, {3000, 1});
  const mlir::Value product = builder.matmul("product", square, square);  // 2.7e10 multiplications
  ASSERT_TRUE(builder.end_function({{"out", builder.add("sum", inputs[0], product)}}).is_ok());
  EXPECT_TRUE(mlir::failed(fold_constants(*module, weights)));
  EXPECT_NE(said.find("take more work to evaluate than any model needs"), std::string::npos) << said;
}

}  // namespace
}  // namespace samc
