// pico's unmodified export against ONNX Runtime. The weights follow from the formula, so only their places are stored
// (tests/data/pico/onnx/weights.txt); expected.npz holds what ONNX Runtime gives.

#include "onnx/import.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_folder.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "media/npz.h"
#include "mlir/IR/MLIRContext.h"
#include "tests/support/hash_weights.h"
#include "tests/support/pico_export.h"

namespace samc::onnx {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/pico/onnx/";

class PicoExport : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder;
    ASSERT_TRUE(test::write_pico_export(folder_->path("")).is_ok());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static Tensor scaled(const std::string& name, const Shape& shape, float factor) {
    Tensor tensor = test::hash_weights(name, shape);
    for (float& value : tensor.f32()) value *= factor;
    return tensor;
  }
  static void expect_sampled(const std::string& key, const Tensor& tensor) {
    const Tensor& expected = *expected_->get(key).value();
    const size_t size = static_cast<size_t>(tensor.count());
    float largest = 0;
    float error = 0;
    for (size_t k = 0; k < static_cast<size_t>(expected.count()); ++k) {
      const float wanted = expected.f32()[k];
      largest = std::max(largest, std::fabs(wanted));
      error = std::max(error, std::fabs(wanted - tensor.f32()[k * 2654435761u % size]));
    }
    EXPECT_LE(error, 1e-4f * largest) << key;
  }
  Result<NamedTensors> run(const Model& model, const SimplifyOptions& options, const NamedViews& inputs) {
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_));
    WeightStore weights;
    GraphBuilder builder(*module, weights);
    SAMC_ASSIGN(const ImportReport report,
                import_model(model, options, {.function = "f", .weight_prefix = "f."}, builder));
    EXPECT_GT(report.patterns, 0);
    return interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs, weights);
  }
  mlir::MLIRContext context_;
  static inline TestFolder* folder_ = nullptr;
  static std::unique_ptr<Npz> expected_;
};
std::unique_ptr<Npz> PicoExport::expected_ = std::make_unique<Npz>(Npz::read(kData + "expected.npz").value());

TEST_F(PicoExport, only_arithmetic_on_the_data_remains) {
  for (const char* name : {"encoder.onnx", "decoder.onnx"}) {
    const Result<Model> model = Model::load(folder_->path(name));
    ASSERT_TRUE(model.is_ok()) << model.status().to_string();
    EXPECT_TRUE(unknown_operators(model.value()).empty());
    SimplifyOptions options;
    options.dimensions = {{"num_labels", 1}, {"num_points", 3}};
    const Result<SimpleGraph> graph = simplify(model.value(), options);
    ASSERT_TRUE(graph.is_ok()) << graph.status().to_string();
    const std::map<std::string, int64_t> counts = count_operators(graph.value());
    for (const char* gone : {"Mod", "Size", "If", "Shape", "ConstantOfShape", "Range", "Greater", "Less", "OneHot",
                             "Identity", "Constant"})
      EXPECT_EQ(counts.count(gone), 0u) << gone << " in " << name;
    EXPECT_LT(graph.value().nodes.size() * 3, model.value().graph.nodes.size());
  }
}

TEST_F(PicoExport, gives_what_onnx_runtime_gives) {
  const Result<Model> encoder = Model::load(folder_->path("encoder.onnx"));
  ASSERT_TRUE(encoder.is_ok()) << encoder.status().to_string();
  const Tensor image = scaled("test.image", {1, 3, 256, 256}, 256);
  Result<NamedTensors> features = run(encoder.value(), {}, {{"image", image.view()}});
  ASSERT_TRUE(features.is_ok()) << features.status().to_string();
  for (const auto& [name, tensor] : features.value()) expect_sampled("encoder." + name, tensor);

  const Result<Model> decoder = Model::load(folder_->path("decoder.onnx"));
  ASSERT_TRUE(decoder.is_ok()) << decoder.status().to_string();
  const Tensor mask = scaled("test.mask", {1, 1, 64, 64}, 64);
  for (const int64_t points : {1, 3}) {
    Tensor coordinates({1, points, 2});
    Tensor labels({1, points});
    Tensor has_mask(Shape{1});
    for (size_t i = 0; i < coordinates.f32().size(); ++i) coordinates.f32()[i] = static_cast<float>(i) * 37 + 20;
    for (size_t i = 0; i < labels.f32().size(); ++i) labels.f32()[i] = i == 1 ? 0.0f : 1.0f;
    has_mask.f32()[0] = points == 3 ? 1.0f : 0.0f;
    NamedViews inputs = {{"point_coords", coordinates.view()},
                         {"point_labels", labels.view()},
                         {"mask_input", mask.view()},
                         {"has_mask_input", has_mask.view()}};
    for (const auto& [name, tensor] : features.value()) inputs[name] = tensor.view();
    SimplifyOptions options;
    options.dimensions = {{"num_labels", 1}, {"num_points", points}};
    const Result<NamedTensors> masks = run(decoder.value(), options, inputs);
    ASSERT_TRUE(masks.is_ok()) << masks.status().to_string();
    for (const auto& [name, tensor] : masks.value()) expect_sampled(fmt::format("decoder{}.{}", points, name), tensor);
  }
}

TEST_F(PicoExport, an_intermediate_value_can_be_the_output) {
  const Model model = Model::load(folder_->path("encoder.onnx")).value();
  SimplifyOptions options;
  options.outputs = {"image_embed"};
  const size_t whole = simplify(model).value().nodes.size();
  EXPECT_LT(simplify(model, options).value().nodes.size(), whole);
}

}  // namespace
}  // namespace samc::onnx
