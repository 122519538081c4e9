// pico in bf16 and in int8 beside pico in f32: masks, scores, a clip; the same bits for any number of threads and for
// the decoder in parts; a module of half the size or less.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/test_folder.h"
#include "media/image.h"
#include "package/model_names.h"
#include "package/reader.h"
#include "runtime/image_predictor.h"
#include "runtime/testing.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/agreement.h"

namespace samc::test {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";

// Both precisions beside f32.
class PicoPrecision : public testing::TestWithParam<Precision> {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder();
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      CompileOptions options;
      options.model = kData + "pico/pico.pt";
      options.precision = precision;
      const Result<CompileReport> report = compile_model(options, path(precision));
      ASSERT_TRUE(report.is_ok()) << report.status().to_string();
    }
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string path(Precision precision) {
    return folder_->path(fmt::format("{}.samc", precision_name(precision)));
  }

  const Bf16Everywhere bf16_everywhere_;
  static TestFolder* folder_;
};

TestFolder* PicoPrecision::folder_ = nullptr;

// pico has 32 channels where the official models have 256, and loses more to bf16 than they do (docs/precision.md). In
// PyTorch's own bf16 (autocast) 75 of its masks agree by 0.985 with those in f32, the worst by 0.945.
// In int8 it loses more again.
MaskAim aim_of_pico(Precision precision) {
  return precision == Precision::kInt8 ? MaskAim{0.97, 0.93} : MaskAim{0.98, 0.945};
}

TEST_P(PicoPrecision, masks_agree_with_those_in_f32) {
  const auto rows =
      compare_masks(path(Precision::kF32), path(GetParam()), kData + "pico/golden.npz", kData + "images/truck.jpg");
  ASSERT_TRUE(rows.is_ok()) << rows.status().to_string();
  EXPECT_EQ(rows.value().size(), 36u);  // five prompts of three masks and of one, and four boxes likewise
  const AgreementSummary summary = summarise(rows.value());
  EXPECT_GE(summary.masks, 12u) << "masks of nothing agree too easily";
  EXPECT_GE(summary.mean, aim_of_pico(GetParam()).mean);
  EXPECT_GE(summary.least, aim_of_pico(GetParam()).least) << summary.least_of;
  EXPECT_LE(summary.score_error, kScoreAgreement);
  // It did compute in something else.
  EXPECT_TRUE(std::ranges::any_of(rows.value(), [](const MaskAgreement& row) { return row.score_error > 0; }));
}

// What is lost on a frame goes into the memory of the next.
MaskAim aim_of_pico_on_a_clip(Precision precision) {
  return precision == Precision::kInt8 ? MaskAim{0.95, 0.92} : aim_of_pico(precision);
}

TEST_P(PicoPrecision, a_clip_agrees_with_that_in_f32) {
  const auto rows = compare_video_masks(path(Precision::kF32), path(GetParam()), kData + "images/bedroom", 6);
  ASSERT_TRUE(rows.is_ok()) << rows.status().to_string();
  EXPECT_EQ(rows.value().size(), 12u);  // 6 frames, 2 objects
  const AgreementSummary summary = summarise(rows.value());
  EXPECT_EQ(summary.masks, 12u);
  EXPECT_GE(summary.mean, aim_of_pico_on_a_clip(GetParam()).mean);
  EXPECT_GE(summary.least, aim_of_pico_on_a_clip(GetParam()).least) << summary.least_of;
}

TEST_P(PicoPrecision, weights_take_less) {
  const auto bytes = [](Precision precision) {
    return static_cast<double>(std::filesystem::file_size(path(precision)));
  };
  EXPECT_LT(bytes(GetParam()), (GetParam() == Precision::kBf16 ? 0.6 : 0.5) * bytes(Precision::kF32));
  const PlanModule plan = read_module(path(GetParam())).value();
  EXPECT_EQ(plan.precision(), GetParam());
  EXPECT_EQ(read_module(path(Precision::kF32)).value().precision(), Precision::kF32);
  EXPECT_TRUE(std::ranges::count(plan.info.notes,
                                 std::pair<std::string, std::string>("precision", precision_name(GetParam()))) == 1);
  // Functions take and give f32.
  for (const PlanFunction& function : plan.functions) {
    const bool is_whole = function.name != kDecoderPicture && function.name != kDecoderDense &&
                          function.name != kDecoderPrompt && function.name != kDecoderFewPoints &&
                          function.name != kMemoryAttentionFrame && function.name != kMemoryAttentionObject;
    if (!is_whole) continue;
    for (const auto* list : {&function.inputs, &function.outputs})
      for (const int32_t index : *list)
        EXPECT_EQ(function.values[static_cast<size_t>(index)].dtype, DType::kF32) << function.name;
  }
}

// The decoder in parts and whole, on one thread and on three.
TEST_P(PicoPrecision, the_same_bits_for_any_threads_and_in_parts) {
  const PlanModule in_parts = read_module(path(GetParam())).value();
  PlanModule whole = in_parts;
  std::erase_if(whole.functions, [](const PlanFunction& function) {
    return function.name == kDecoderPicture || function.name == kDecoderDense || function.name == kDecoderPrompt ||
           function.name == kDecoderFewPoints;
  });
  ASSERT_LT(whole.functions.size(), in_parts.functions.size());
  const Image picture = read_image(kData + "images/truck.jpg").value();
  std::vector<Prediction> predictions;
  for (const PlanModule* plan : {&in_parts, static_cast<const PlanModule*>(&whole)}) {
    for (const int threads : {1, 3}) {
      PredictorOptions options;
      options.threads = threads;
      ImagePredictor predictor = ImagePredictor::create(Module::from_plan(*plan).value(), options).value();
      ASSERT_TRUE(predictor.set_image(RgbView(picture)).is_ok());
      ObjectPrompt prompt;
      prompt.points = {{500, 375, 1}, {1125, 625, 0}};
      predictions.push_back(predictor.predict({prompt}, {}).value());
    }
  }
  for (const Prediction& prediction : predictions) {
    const Tensor &wanted = predictions[0].low_res_logits, &given = prediction.low_res_logits;
    ASSERT_EQ(wanted.bytes(), given.bytes());
    EXPECT_EQ(std::memcmp(wanted.data(), given.data(), static_cast<size_t>(wanted.bytes())), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, PicoPrecision, testing::Values(Precision::kBf16, Precision::kInt8),
                         [](const auto& precision) { return std::string(precision_name(precision.param)); });

}  // namespace
}  // namespace samc::test
