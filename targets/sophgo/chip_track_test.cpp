// The four bmodels of tracking on a chip, with a stand-in for Sophgo's runtime: what is loaded, launched and copied,
// each call failing in turn, a chip that stops answering. The small functions on the processor are pico's own; what
// the stand-in computes is no mask of anything, so values are only compared with each other.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "package/model_names.h"
#include "runtime/video_predictor.h"
#include "targets/sophgo/device/bmodel_video_model.h"
#include "targets/sophgo/device/bmrt_api.h"
#include "targets/sophgo/device/stand_in/stand_in_fixture.h"
#include "targets/sophgo/device/stand_in/write_bmodel.h"
#include "targets/sophgo/video_fixture.h"
#include "tests/support/image_clip.h"

namespace samc::sophgo {
namespace {

constexpr int64_t kFrames = 4;

class ChipTrack : public StandInTest {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder;
    CompileOptions heads;
    heads.model = kPicoCheckpoint;
    heads.only_video_heads = true;
    const auto compiled = compile_model(heads, folder_->path("heads.samc"));
    ASSERT_TRUE(compiled.is_ok()) << compiled.status().to_string();
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  void SetUp() override {
    StandInTest::SetUp();
    write(kBmF32);
  }

  // As pico's bmodels describe themselves. taken: the type of what the other parts take of the encoder.
  static void write(uint32_t taken) {
    using Tensors = std::vector<BmodelTensor>;
    const int64_t memories = kPicoPlaces.memories, pointers = kPicoPlaces.pointers;
    const auto tensor = [](const char* name, const Shape& shape, uint32_t type = kBmF32) {
      return BmodelTensor{name, type, shape};
    };
    const auto part = [](const char* name, const Tensors& inputs, const Tensors& outputs) {
      ASSERT_TRUE(write_bmodel(folder_->path(std::string(name) + ".bmodel"), "BM1688", name, inputs, outputs).is_ok());
    };
    const Shape map = {1, 64, 16, 16}, fine = {1, 8, 64, 64}, middle = {1, 16, 32, 32}, mask = {1, 1, 64, 64};
    part("encoder", {tensor(kImage, {1, 3, 256, 256})},
         {tensor(kHighResFeats0, fine), tensor(kHighResFeats1, middle), tensor(kImageEmbed, map),
          tensor(kVisionFeatures, map)});
    part("decoder",
         {tensor(kImageEmbed, map, taken), tensor(kHighResFeats0, fine, taken), tensor(kHighResFeats1, middle, taken),
          tensor(kPointCoords, {1, 8, 2}), tensor(kPointLabels, {1, 8}), tensor(kMaskInput, mask),
          tensor(kHasMaskInput, {1})},
         {tensor(kLowResLogits, {1, 4, 64, 64}), tensor(kIouPredictions, {1, 4}), tensor(kObjectScore, {1, 1}),
          tensor(kMaskTokens, {1, 4, 64})});
    part("memory_attention",
         {tensor(kVisionFeatures, map, taken),
          tensor(kMemory, {1, memories * kPicoPlaces.positions, kPicoPlaces.memory_channels}),
          tensor(kMemoryTimes, {1, memories}), tensor(kMemoryPresent, {1, memories}),
          tensor(kObjectPointers, {1, pointers, 64}), tensor(kPointerTimes, {1, pointers}),
          tensor(kPointerPresent, {1, pointers})},
         {tensor(kImageEmbed, map)});
    part("memory_encoder",
         {tensor(kVisionFeatures, map, taken), tensor(kMaskLogits, {1, 1, 256, 256}), tensor(kObjectScore, {1, 1})},
         {tensor(kMemory, {1, kPicoPlaces.positions, kPicoPlaces.memory_channels})});
  }

  static BmodelVideoOptions options() {
    BmodelVideoOptions options;
    options.encoder = folder_->path("encoder.bmodel");
    options.decoder = folder_->path("decoder.bmodel");
    options.memory_attention = folder_->path("memory_attention.bmodel");
    options.memory_encoder = folder_->path("memory_encoder.bmodel");
    options.heads = folder_->path("heads.samc");
    options.info.name = "pico";
    options.device = "chip";
    options.threads = 1;
    return options;
  }

  // Everything of `objects` on kFrames frames.
  static Result<std::vector<float>> tracked(int objects) {
    SAMC_ASSIGN(auto model, make_bmodel_video_model(options(), nullptr));
    SAMC_ASSIGN(auto clip, test::ImageClip::read(std::string(SAMC_SOURCE_DIR) + "/tests/data/video/bedroom", kFrames));
    SAMC_ASSIGN(auto predictor, VideoPredictor::create(std::move(model), {}));
    SAMC_TRY(predictor.init_state(clip));
    for (int object = 1; object <= objects; ++object) {
      VideoPrompt prompt;
      prompt.points = {{20.0f * static_cast<float>(object), 45, 1}};
      SAMC_TRY(predictor.add_new_points_or_box(0, object, prompt).status());
    }
    SAMC_ASSIGN(auto propagation, predictor.propagate_in_video());
    std::vector<float> all;
    for (;;) {
      SAMC_ASSIGN(const auto masks, propagation.next());
      if (!masks.has_value()) return all;
      const auto logits = masks->logits.f32();
      all.insert(all.end(), logits.begin(), logits.end());
    }
  }

  static inline TestFolder* folder_ = nullptr;
};

TEST_F(ChipTrack, EachPartIsLoadedOnceAndWhatTheEncoderGaveStaysOnTheChip) {
  auto made = make_bmodel_video_model(options(), nullptr);
  ASSERT_TRUE(made.is_ok()) << made.status().to_string();
  VideoModel& model = *made.value();
  EXPECT_EQ(stand_in_->count("bmrt_load_bmodel"), 4);
  FrameFeatures features;
  DecoderOutputs outputs;
  Tensor conditioned, memory;
  const DecoderPoints points{{3, 4, 0, 0}, {1, -1}};
  const WaveBank given(2, 2);
  const Tensor mask = waves({1, 1, 256, 256}, 0.7), score = waves({1, 1}, 0.3);
  int buffers = 0;
  for (int frame = 0; frame < 3; ++frame) {
    SCOPED_TRACE(frame);
    const int first = frame == 0 ? 1 : 0;  // what is sent in the first call alone, since it does not change
    ASSERT_TRUE(model.encode(waves({1, 3, 256, 256}, 0.1 + frame).view(), features).is_ok());
    EXPECT_EQ(calls_since(), (Calls{1, 1, 4})) << "the frame goes up";
    ASSERT_TRUE(model.attend(features, given.bank, conditioned).is_ok());
    EXPECT_EQ(calls_since(), (Calls{1, 6 * first, 1})) << "the bank goes up, the frame's features are there";
    ASSERT_TRUE(model.decode(features, conditioned, points, {}, outputs).is_ok());
    EXPECT_EQ(calls_since(), (Calls{1, 1 + 4 * first, 4})) << "the conditioned embedding, and the prompt once";
    ASSERT_TRUE(model.decode(features, features.image_embed, points, {}, outputs).is_ok());
    EXPECT_EQ(calls_since(), (Calls{1, 0, 4})) << "the frame's own embedding is there";
    ASSERT_TRUE(model.encode_memory(features, mask.view(), score.view(), memory).is_ok());
    EXPECT_EQ(calls_since(), (Calls{1, 2 * first, 1})) << "mask and score";
    if (frame == 0) buffers = stand_in_->count("bm_malloc_device_byte");
  }
  EXPECT_EQ(stand_in_->count("bm_malloc_device_byte"), buffers);
  EXPECT_EQ(stand_in_->count("bmrt_load_bmodel"), 4);
  EXPECT_EQ(stand_in_->count("bm_dev_request"), 1);
}

// Two frames of which both are kept: each is read where it lies.
TEST_F(ChipTrack, SeveralFramesStayOnTheChip) {
  auto made = make_bmodel_video_model(options(), nullptr);
  ASSERT_TRUE(made.is_ok()) << made.status().to_string();
  FrameFeatures first, second;
  ASSERT_TRUE(made.value()->encode(waves({1, 3, 256, 256}, 0.3).view(), first).is_ok());
  ASSERT_TRUE(made.value()->encode(waves({1, 3, 256, 256}, 0.8).view(), second).is_ok());
  const DecoderPoints points{{3, 4, 0, 0}, {1, -1}};
  const auto scores = [&](const FrameFeatures& features) {
    DecoderOutputs outputs;
    const Status status = made.value()->decode(features, features.image_embed, points, {}, outputs);
    EXPECT_TRUE(status.is_ok()) << status.to_string();
    const auto values = outputs.iou_predictions.f32();
    return std::vector<float>(values.begin(), values.end());
  };
  const auto a = scores(first), b = scores(second);
  EXPECT_NE(a, b);
  EXPECT_EQ(scores(first), a);
  // The same values from elsewhere go up, and give the same.
  FrameFeatures copied;
  copied.high_res_feats_0 = Tensor::copy_of(first.high_res_feats_0.view());
  copied.high_res_feats_1 = Tensor::copy_of(first.high_res_feats_1.view());
  copied.image_embed = Tensor::copy_of(first.image_embed.view());
  (void)calls_since();
  EXPECT_EQ(scores(copied), a);
  EXPECT_EQ(calls_since(), (Calls{1, 3, 4}));
}

TEST_F(ChipTrack, PartsThatTakeAnotherTypeGetTheFeaturesAnew) {
  const auto same = tracked(1);
  ASSERT_TRUE(same.is_ok()) << same.status().to_string();
  write(kBmF16);
  const auto rounded = tracked(1);
  ASSERT_TRUE(rounded.is_ok()) << rounded.status().to_string();
  EXPECT_EQ(same.value().size(), rounded.value().size());
  write(kBmF32);
}

TEST_F(ChipTrack, MappedMemoryGivesTheSame) {
  const auto copied = tracked(2);
  ASSERT_TRUE(copied.is_ok()) << copied.status().to_string();
  EXPECT_EQ(copied.value().size(), size_t{2 * kFrames * 160 * 90});
  stand_in_->reset();
  stand_in_->can_map = true;
  const auto mapped = tracked(2);
  ASSERT_TRUE(mapped.is_ok()) << mapped.status().to_string();
  EXPECT_EQ(mapped.value(), copied.value());
  EXPECT_EQ(stand_in_->count("bm_memcpy_s2d") + stand_in_->count("bm_memcpy_d2s"), 0);
}

TEST_F(ChipTrack, EachCallThatFailsIsOneLineAndNothingIsKept) {
  expect_each_failure_to_be_one_line([] { return tracked(1); }, 100);
}

TEST_F(ChipTrack, AChipThatStopsAnsweringIsGivenUp) {
  BmodelVideoOptions hurried = options();
  hurried.seconds = 0.5;
  auto made = make_bmodel_video_model(hurried, nullptr);
  ASSERT_TRUE(made.is_ok()) << made.status().to_string();
  FrameFeatures features;
  const Tensor image = waves({1, 3, 256, 256}, 0.3);
  ASSERT_TRUE(made.value()->encode(image.view(), features).is_ok());
  {
    const std::lock_guard lock(stand_in_->mutex);
    stand_in_->hangs = "bm_thread_sync";
  }
  const WaveBank given(1, 1);
  Tensor conditioned;
  const std::string refused = made.value()->attend(features, given.bank, conditioned).to_string();
  EXPECT_NE(refused.find("memory_attention.bmodel: no answer of the chip within 0.5 s"), std::string::npos) << refused;
  const std::string later = made.value()->encode(image.view(), features).to_string();
  EXPECT_NE(later.find("the chip has stopped answering"), std::string::npos) << later;
  // What was left behind ends when it wants to; the chip's things stay its own.
  features = {};
  made = unsupported("gone");
  stand_in_->reset();
  for (int i = 0; i < 200 && stand_in_->count("bm_memcpy_d2s") < 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(stand_in_->count("bm_memcpy_d2s"), 1);
  EXPECT_EQ(stand_in_->devices, 1);
  stand_in_->devices = stand_in_->runtimes = 0;
  stand_in_->memory_used = 0;
}

}  // namespace
}  // namespace samc::sophgo
