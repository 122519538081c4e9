// INT8 in one go: deploy-all calibrates pico and mini on sixteen images and compiles both parts. What the simulator of
// the chip gives for images of another kind is held against f32 on this processor: the encoder's outputs, and the masks
// of twenty prompts. Takes minutes. Skipped where there is no tpuc-opt.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/test_folder.h"
#include "media/image.h"
#include "runtime/image_predictor.h"
#include "targets/cpu/compile_model.h"
#include "targets/sophgo/device/bmodel_model.h"
#include "targets/sophgo/device/similarity.h"
#include "targets/sophgo/tools/tpu_mlir.h"
#include "tests/support/calibration_images.h"
#include "tests/support/process.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr double kCosine = 0.9985, kMeanIou = 0.95;

// Groceries, of which none was calibrated on.
std::vector<Image> test_images() {
  auto image = read_image(SAMC_SOURCE_DIR "/tests/data/images/groceries.jpg");
  EXPECT_TRUE(image.is_ok()) << image.status().to_string();
  const Image& whole = image.value();
  using test::cropped;
  return {cropped(whole, 0, 0, 1), cropped(whole, 0, 0, 0.6), cropped(whole, 0.4, 0.4, 0.6),
          cropped(whole, 0.25, 0.25, 0.5)};
}

// Three clicks and two boxes.
std::vector<ObjectPrompt> prompts_of(const Image& image) {
  const auto w = static_cast<float>(image.width), h = static_cast<float>(image.height);
  std::vector<ObjectPrompt> prompts;
  for (const auto& [x, y] : {std::pair{0.3f, 0.35f}, {0.7f, 0.4f}, {0.5f, 0.75f}})
    prompts.push_back({{{x * w, y * h, 1}}, {}, {}});
  prompts.push_back({{}, BoxPrompt{0.1f * w, 0.1f * h, 0.5f * w, 0.6f * h}, {}});
  prompts.push_back({{}, BoxPrompt{0.45f * w, 0.3f * h, 0.95f * w, 0.9f * h}, {}});
  return prompts;
}

NamedTensors tensors_of(const ImageEmbedding& embedding) {
  NamedTensors tensors;
  tensors["high_res_feats_0"] = Tensor::copy_of(embedding.high_res_feats_0.view());
  tensors["high_res_feats_1"] = Tensor::copy_of(embedding.high_res_feats_1.view());
  tensors["image_embed"] = Tensor::copy_of(embedding.image_embed.view());
  return tensors;
}

// Of the mask that f32 thinks best.
double iou_of_best(const Prediction& wanted, const Prediction& given) {
  const auto scores = wanted.iou_predictions.f32();
  const auto best = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  const auto a = wanted.masks.as<uint8_t>(), b = given.masks.as<uint8_t>();
  const size_t pixels = a.size() / scores.size();
  int64_t common = 0, either = 0;
  for (size_t i = best * pixels; i < (best + 1) * pixels; ++i) {
    common += a[i] & b[i];
    either += a[i] | b[i];
  }
  return either == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(either);
}

class Int8 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto tools = find_tpu_mlir({}); !tools.is_ok()) GTEST_SKIP() << "SKIPPED: " << tools.status().to_string();
    fs::create_directories(folder_.path("images"));
    const Status written = test::write_calibration_images(folder_.path("images"));
    ASSERT_TRUE(written.is_ok()) << written.to_string();
  }

  ImagePredictor on_processor(const std::string& checkpoint) {
    CompileOptions compile;
    compile.model = checkpoint;
    EXPECT_TRUE(compile_model(compile, folder_.path("model.samc")).is_ok());
    auto module = Module::load(folder_.path("model.samc"));
    EXPECT_TRUE(module.is_ok()) << module.status().to_string();
    auto predictor = ImagePredictor::create(std::shared_ptr<const Module>(module.value()));
    EXPECT_TRUE(predictor.is_ok()) << predictor.status().to_string();
    return std::move(predictor).value();
  }
  ImagePredictor in_simulator() {
    BmodelModelOptions options;
    options.encoder = folder_.path("bmodels/encoder.bmodel");
    options.decoder = folder_.path("bmodels/decoder.bmodel");
    options.device = "sim";
    options.runner = SAMC_RUN_BMODEL;
    auto model = make_bmodel_model(options, nullptr);
    EXPECT_TRUE(model.is_ok()) << model.status().to_string();
    auto predictor = ImagePredictor::create(std::move(model).value());
    EXPECT_TRUE(predictor.is_ok()) << predictor.status().to_string();
    return std::move(predictor).value();
  }

  void check(const std::string& checkpoint) {
    const test::ProcessResult made =
        test::run_process({SAMC_BINARY, "deploy-all", checkpoint, "--chip", "bm1688", "--quantize", "INT8", "--images",
                           folder_.path("images"), "-o", folder_.path("bmodels")});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ImagePredictor exact = on_processor(checkpoint), quantised = in_simulator();
    const bool prints = std::getenv("SAMC_PRINT") != nullptr;
    if (prints) fmt::print("{}", made.out);
    double sum = 0;
    int count = 0;
    for (const Image& image : test_images()) {
      ASSERT_TRUE(exact.set_image(image).is_ok());
      const Status encoded = quantised.set_image(image);
      ASSERT_TRUE(encoded.is_ok()) << encoded.to_string();
      const auto outputs =
          compare_outputs(tensors_of(*exact.embedding().value()), tensors_of(*quantised.embedding().value()));
      ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
      for (const auto& output : outputs.value()) {
        EXPECT_GE(output.similarity.cosine, kCosine) << output.name;
        if (prints) fmt::print("{}: cosine {:.6f}\n", output.name, output.similarity.cosine);
      }
      for (const ObjectPrompt& prompt : prompts_of(image)) {
        const auto wanted = exact.predict(prompt), given = quantised.predict(prompt);
        ASSERT_TRUE(wanted.is_ok() && given.is_ok()) << given.status().to_string();
        const double iou = iou_of_best(wanted.value(), given.value());
        if (prints) fmt::print("prompt {}: IoU {:.5f}\n", count, iou);
        sum += iou;
        ++count;
      }
    }
    EXPECT_EQ(count, 20);
    EXPECT_GE(sum / count, kMeanIou);
    if (prints) fmt::print("mean IoU {:.5f}\n", sum / count);
  }

  const TestFolder folder_;
};

TEST_F(Int8, Pico) { check(SAMC_SOURCE_DIR "/tests/data/pico/pico.pt"); }
TEST_F(Int8, Mini) { check(SAMC_SOURCE_DIR "/models/mini/mini.pt"); }

}  // namespace
}  // namespace samc::sophgo
