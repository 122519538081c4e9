// What export writes is read again by onnx/ and computes what the official export computes. scripts/onnx_route asks
// ONNX Runtime and onnx.checker the same.

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/test_folder.h"
#include "targets/onnx/export_model.h"
#include "targets/onnx/testing_export.h"
#include "tests/support/pico_export.h"

namespace samc::onnx_target {
namespace {

constexpr double kTolerance = 1e-4;  // of the largest value

// What a decoder is asked: so many points, with a mask or without.
struct Question {
  explicit Question(int64_t points) : coordinates({1, points, 2}), labels({1, points}), has_mask(Shape{1}) {
    for (size_t i = 0; i < coordinates.f32().size(); ++i) coordinates.f32()[i] = static_cast<float>(i) * 23 + 20;
    for (size_t i = 0; i < labels.f32().size(); ++i) labels.f32()[i] = static_cast<float>(i % 4);
    has_mask.f32()[0] = points == 5 ? 1.0f : 0.0f;
    shapes.dimensions = {{"num_labels", 1}, {"num_points", points}};
  }
  Tensor coordinates, labels, has_mask;
  onnx::SimplifyOptions shapes;
};

class Export : public testing::TestWithParam<int64_t> {
 protected:
  // The official export and what it gives.
  struct Official {
    TestFolder folder;
    Tensor image = scaled("test.image", {1, 3, 256, 256}, 256);
    Tensor mask = scaled("test.mask", {1, 1, 64, 64}, 64);
    NamedTensors features;
    std::vector<Question> questions;
    std::vector<NamedTensors> answers;
  };
  static void SetUpTestSuite() {
    official_ = std::make_unique<Official>();
    ASSERT_TRUE(test::write_pico_export(official_->folder.path("")).is_ok());
    official_->features = encode(official_->folder.path(""));
    for (const int64_t points : {1, 5}) {
      official_->questions.emplace_back(points);
      official_->answers.push_back(decode(official_->folder.path(""), official_->questions.back()));
    }
  }
  static void TearDownTestSuite() { official_.reset(); }

  static NamedTensors encode(const std::string& folder) {
    return run(folder + "/encoder.onnx", {}, {{"image", official_->image.view()}});
  }
  static NamedTensors decode(const std::string& folder, const Question& question) {
    NamedViews inputs = {{"point_coords", question.coordinates.view()},
                         {"point_labels", question.labels.view()},
                         {"mask_input", official_->mask.view()},
                         {"has_mask_input", question.has_mask.view()}};
    for (const auto& [name, tensor] : official_->features) inputs[name] = tensor.view();
    return run(folder + "/decoder.onnx", question.shapes, inputs);
  }

  // Exports the model at the opset of the test and compares both files with the official ones.
  static void export_and_compare(const std::string& model) {
    const TestFolder folder;
    ExportOptions options;
    options.model = model;
    options.opset = GetParam();
    const auto files = export_model(options, folder.path("new"));
    ASSERT_TRUE(files.is_ok()) << files.status().to_string();
    for (const char* part : {"new/encoder.onnx", "new/decoder.onnx"}) {
      const onnx::Model written = onnx::Model::load(folder.path(part)).value();
      EXPECT_EQ(written.opset, GetParam());
      const std::map<std::string, int64_t> counts = onnx::count_operators(written.graph);
      for (const char* gone : {"Mod", "Size", "If", "Shape", "Loop", "ConstantOfShape", "Range", "ScatterND"})
        EXPECT_EQ(counts.count(gone), 0u) << gone << " in " << part;
    }
    expect_equal(official_->features, encode(folder.path("new")), kTolerance);
    for (size_t i = 0; i < official_->questions.size(); ++i)
      expect_equal(official_->answers[i], decode(folder.path("new"), official_->questions[i]), kTolerance);
  }

  static inline std::unique_ptr<Official> official_;
};

TEST_P(Export, of_a_checkpoint_computes_what_the_official_export_computes) {
  export_and_compare(SAMC_SOURCE_DIR "/tests/data/pico/pico.pt");
}

TEST_P(Export, of_the_official_export_computes_the_same) { export_and_compare(official_->folder.path("")); }

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

// Files belong together: no file is replaced when one cannot be.
TEST(ExportModel, that_fails_leaves_an_older_one_as_it_is) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("encoder.onnx"), "older").is_ok());
  std::filesystem::create_directory(folder.path("decoder.onnx"));
  ExportOptions options;
  options.model = SAMC_SOURCE_DIR "/tests/data/pico/pico.pt";
  const auto files = export_model(options, folder.path(""));
  EXPECT_NE(files.status().to_string().find("decoder.onnx: it is a folder"), std::string::npos);
  EXPECT_EQ(read_text_file(folder.path("encoder.onnx"), 1000).value(), "older");
  EXPECT_EQ(folder.count(), 2u);
}

}  // namespace
}  // namespace samc::onnx_target
