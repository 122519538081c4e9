// What export writes is read again by onnx/ and computes what the official export computes. scripts/onnx_route asks
// ONNX Runtime and onnx.checker the same.

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_folder.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/import.h"
#include "targets/onnx/export_model.h"
#include "tests/support/hash_weights.h"
#include "tests/support/pico_export.h"

namespace samc::onnx_target {
namespace {

constexpr double kTolerance = 1e-4;  // of the largest value

class Export : public testing::TestWithParam<int64_t> {
 protected:
  static void SetUpTestSuite() {
    official_ = new TestFolder;
    ASSERT_TRUE(test::write_pico_export(official_->path("")).is_ok());
  }
  static void TearDownTestSuite() {
    delete official_;
    official_ = nullptr;
  }

  NamedTensors run(const std::string& path, const onnx::SimplifyOptions& options, const NamedViews& inputs) {
    const onnx::Model model = onnx::Model::load(path).value();
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_));
    WeightStore weights;
    GraphBuilder builder(*module, weights);
    const Result<onnx::ImportReport> report = onnx::import_model(model, options, {}, builder);
    EXPECT_TRUE(report.is_ok()) << report.status().to_string();
    if (!report.is_ok()) return {};
    Result<NamedTensors> outputs = interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs, weights);
    EXPECT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    return outputs.is_ok() ? std::move(outputs).value() : NamedTensors();
  }

  static void expect_equal(const NamedTensors& wanted, const NamedTensors& given) {
    ASSERT_EQ(wanted.size(), given.size());
    for (const auto& [name, tensor] : wanted) {
      const Tensor& other = given.at(name);
      ASSERT_EQ(other.shape(), tensor.shape()) << name;
      double largest = 0, error = 0;
      for (size_t i = 0; i < tensor.f32().size(); ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(tensor.f32()[i])));
        error = std::max(error, std::abs(static_cast<double>(tensor.f32()[i] - other.f32()[i])));
      }
      EXPECT_LE(error, kTolerance * largest) << name;
    }
  }

  static Tensor scaled(const std::string& name, const Shape& shape, float factor) {
    Tensor tensor = test::hash_weights(name, shape);
    for (float& value : tensor.f32()) value *= factor;
    return tensor;
  }
  mlir::MLIRContext context_;
  static inline TestFolder* official_ = nullptr;
};

TEST_P(Export, computes_what_the_official_export_computes) {
  const TestFolder folder;
  ExportOptions options;
  options.model = SAMC_SOURCE_DIR "/tests/data/pico/pico.pt";
  options.opset = GetParam();
  const auto files = export_model(options, folder.path("new"));
  ASSERT_TRUE(files.is_ok()) << files.status().to_string();
  for (const char* part : {"new/encoder.onnx", "new/decoder.onnx"}) {
    const onnx::Model model = onnx::Model::load(folder.path(part)).value();
    EXPECT_EQ(model.opset, GetParam());
    const std::map<std::string, int64_t> counts = onnx::count_operators(model.graph);
    for (const char* gone : {"Mod", "Size", "If", "Shape", "Loop", "ConstantOfShape", "Range", "ScatterND"})
      EXPECT_EQ(counts.count(gone), 0u) << gone << " in " << part;
  }

  const Tensor image = scaled("test.image", {1, 3, 256, 256}, 256);
  load_dialects(context_);
  const NamedTensors features = run(official_->path("encoder.onnx"), {}, {{"image", image.view()}});
  expect_equal(features, run(folder.path("new/encoder.onnx"), {}, {{"image", image.view()}}));

  const Tensor mask = scaled("test.mask", {1, 1, 64, 64}, 64);
  for (const int64_t points : {1, 5}) {
    Tensor coordinates({1, points, 2});
    Tensor labels({1, points});
    Tensor has_mask(Shape{1});
    for (size_t i = 0; i < coordinates.f32().size(); ++i) coordinates.f32()[i] = static_cast<float>(i) * 23 + 20;
    for (size_t i = 0; i < labels.f32().size(); ++i) labels.f32()[i] = static_cast<float>(i % 4);
    has_mask.f32()[0] = points == 5 ? 1.0f : 0.0f;
    NamedViews inputs = {{"point_coords", coordinates.view()},
                         {"point_labels", labels.view()},
                         {"mask_input", mask.view()},
                         {"has_mask_input", has_mask.view()}};
    for (const auto& [name, tensor] : features) inputs[name] = tensor.view();
    onnx::SimplifyOptions shapes;
    shapes.dimensions = {{"num_labels", 1}, {"num_points", points}};
    expect_equal(run(official_->path("decoder.onnx"), shapes, inputs),
                 run(folder.path("new/decoder.onnx"), shapes, inputs));
  }
}

INSTANTIATE_TEST_SUITE_P(Opsets, Export, testing::Values(13, 17, 18, 20));

TEST(ExportModel, opsets_that_are_not_written) {
  ExportOptions options;
  options.model = SAMC_SOURCE_DIR "/tests/data/pico/pico.pt";
  for (const int64_t opset : {9, 99}) {
    options.opset = opset;
    const auto files = export_model(options, "/nonexistent");
    EXPECT_NE(files.status().to_string().find("samc writes 13 to 20"), std::string::npos);
  }
}

}  // namespace
}  // namespace samc::onnx_target
