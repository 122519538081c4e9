// pico tracks an object through eight frames by bmodels in the simulator, as it does on the CPU target. Skipped where
// there is no tpuc-opt.

#include "runtime/video_predictor.h"
#include "targets/sophgo/device/bmodel_video_model.h"
#include "targets/sophgo/tpu_fixture.h"
#include "targets/sophgo/video_fixture.h"
#include "tests/support/image_clip.h"

namespace samc::sophgo {
namespace {

constexpr int64_t kFrames = 8;
constexpr double kIou = 0.97;

class Track : public TpuTest {
 protected:
  static void SetUpTestSuite() {
    TpuTest::SetUpTestSuite();
    if (!has_tools()) return;
    CompileOptions heads;
    heads.model = kPicoCheckpoint;
    heads.only_video_heads = true;
    const auto compiled = compile_model(heads, file("heads.samc"));
    ASSERT_TRUE(compiled.is_ok()) << compiled.status().to_string();
    for (const ModelPart part :
         {ModelPart::kEncoder, ModelPart::kDecoder, ModelPart::kMemoryAttention, ModelPart::kMemoryEncoder}) {
      TransformOptions options = pico_part(part);
      options.for_video = !is_memory_part(part);
      options.memory.form = MemoryForm::kDealt;
      ASSERT_NE(transformed(options), nullptr);
      bmodels_.push_back(deployed(options.model_name, "bm1688", "F16"));
    }
  }
  static void TearDownTestSuite() {
    bmodels_.clear();
    TpuTest::TearDownTestSuite();
  }

  static BmodelVideoOptions options() {
    BmodelVideoOptions options;
    options.encoder = bmodels_[0];
    options.decoder = bmodels_[1];
    options.memory_attention = bmodels_[2];
    options.memory_encoder = bmodels_[3];
    options.heads = file("heads.samc");
    options.info.name = "pico";
    options.device = "sim";
    options.runner = SAMC_RUN_BMODEL;
    return options;
  }

  // Of one object, by two points on the first of frames of 160 x 90.
  static std::vector<VideoMasks> tracked(std::unique_ptr<VideoModel> model) {
    std::vector<VideoMasks> frames;
    auto clip = test::ImageClip::read(std::string(SAMC_SOURCE_DIR) + "/tests/data/video/bedroom", kFrames);
    EXPECT_TRUE(clip.is_ok()) << clip.status().to_string();
    auto predictor = VideoPredictor::create(std::move(model), {});
    EXPECT_TRUE(predictor.is_ok()) << predictor.status().to_string();
    EXPECT_TRUE(predictor.value().init_state(clip.value()).is_ok());
    VideoPrompt prompt;
    prompt.points = {{80, 45, 1}, {8, 8, 0}};
    const auto prompted = predictor.value().add_new_points_or_box(0, 1, prompt);
    EXPECT_TRUE(prompted.is_ok()) << prompted.status().to_string();
    auto propagation = predictor.value().propagate_in_video();
    EXPECT_TRUE(propagation.is_ok()) << propagation.status().to_string();
    for (;;) {
      auto masks = propagation.value().next();
      EXPECT_TRUE(masks.is_ok()) << masks.status().to_string();
      if (!masks.is_ok() || !masks.value().has_value()) return frames;
      frames.push_back(std::move(*masks.value()));
    }
  }

  static inline std::vector<std::string> bmodels_;
};

double iou(std::span<const float> a, std::span<const float> b) {
  int64_t common = 0, either = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    common += a[i] > 0 && b[i] > 0;
    either += a[i] > 0 || b[i] > 0;
  }
  return either == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(either);
}

TEST_F(Track, EightFramesAsOnTheProcessor) {
  BmodelDevice device;
  auto model = make_bmodel_video_model(options(), &device);
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  EXPECT_EQ(model.value()->most_memories(), 7);
  EXPECT_EQ(model.value()->most_pointers(), 16);
  const std::vector<VideoMasks> given = tracked(std::move(model).value());
  const std::vector<VideoMasks> wanted = tracked(pico_on_processor(file("pico.samc")));
  ASSERT_EQ(wanted.size(), static_cast<size_t>(kFrames));
  ASSERT_EQ(given.size(), wanted.size());
  int64_t pixels = 0;  // of the masks
  for (size_t i = 0; i < wanted.size(); ++i) {
    const float a = wanted[i].outputs[0]->object_score.f32()[0], b = given[i].outputs[0]->object_score.f32()[0];
    EXPECT_EQ(a > 0, b > 0) << "frame " << i << ": " << a << " and " << b;
    const double same = iou(wanted[i].logits.f32(), given[i].logits.f32());
    EXPECT_GE(same, kIou) << "frame " << i;
    pixels += std::ranges::count_if(wanted[i].logits.f32(), [](float value) { return value > 0; });
    if (std::getenv("SAMC_PRINT") != nullptr) fmt::print("frame {}: score {:.3f} {:.3f}, IoU {:.5f}\n", i, a, b, same);
  }
  EXPECT_GT(pixels, 1000);  // there is something to compare
}

// Scores that the exponentials without a shift cannot hold are an error, not a mask.
TEST_F(Track, ScoresThatAreTooLargeAreNamed) {
  auto model = make_bmodel_video_model(options(), nullptr);
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  FrameFeatures features = wave_features();
  WaveBank given(1, 1);
  Tensor large = Tensor::copy_of(given.bank.memories[0].features->view());
  for (uint16_t& value : large.as<uint16_t>()) value = f32_to_bf16(1000.0f * bf16_to_f32(value));
  given.bank.memories[0].features = &large;
  Tensor conditioned;
  const Status status = model.value()->attend(features, given.bank, conditioned);
  EXPECT_NE(status.to_string().find("--memory_form maximum"), std::string::npos) << status.to_string();
}

TEST_F(Track, MissingAndForeignPartsAreNamed) {
  const auto message = [](const auto& change) {
    BmodelVideoOptions changed = options();
    change(changed);
    const auto model = make_bmodel_video_model(changed, nullptr);
    EXPECT_FALSE(model.is_ok());
    return model.status().to_string();
  };
  EXPECT_NE(message([](auto& o) { o.memory_encoder = "/nonexistent.bmodel"; }).find("/nonexistent.bmodel"),
            std::string::npos);
  EXPECT_NE(message([](auto& o) { o.memory_attention = o.memory_encoder; }).find("is no memory attention of SAM 2"),
            std::string::npos);
  EXPECT_NE(message([](auto& o) { o.heads = o.encoder; }).find(bmodels_[0]), std::string::npos);
  const std::string image_encoder = "image_encoder";
  TransformOptions image = pico_part(ModelPart::kEncoder);
  image.model_name = image_encoder;
  ASSERT_NE(transformed(image), nullptr);
  const std::string without = deployed(image_encoder, "bm1688", "F16");
  EXPECT_NE(message([&](auto& o) { o.encoder = without; }).find("deploy-all --video"), std::string::npos);
}

// A simulator that takes longer than it may is given up.
TEST_F(Track, ARunThatTakesTooLongIsGivenUp) {
  BmodelVideoOptions hurried = options();
  hurried.seconds = 0.01;
  auto model = make_bmodel_video_model(hurried, nullptr);
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  FrameFeatures features;
  const Status status = model.value()->encode(Tensor::zeros({1, 3, 256, 256}).view(), features);
  ASSERT_FALSE(status.is_ok());
  EXPECT_NE(status.to_string().find("0.01"), std::string::npos) << status.to_string();
}

}  // namespace
}  // namespace samc::sophgo
