// The functions by which pico tracks, each alone, against the official code's outputs for inputs of a formula
// (tests/data/video/README.md): natively, with no pass that is optional, and at other image sizes than its own.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "media/npz.h"
#include "package/model_names.h"
#include "runtime/module_video_model.h"
#include "targets/cpu/compile_model.h"

namespace samc {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";
constexpr double kTolerance = 2e-5;  // of the key's largest value

Tensor formula(uint32_t seed, Shape shape, float amplitude = 1.0f) {
  Tensor tensor(std::move(shape));
  uint32_t i = 0;
  for (float& value : tensor.f32()) {
    uint32_t h = ++i * 2654435761u + seed;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    value = (static_cast<float>(h >> 8) / 8388608.0f - 1.0f) * amplitude;
  }
  return tensor;
}

Tensor rounded(const Tensor& exact) {
  Tensor result(DType::kBF16, exact.shape());
  std::ranges::transform(exact.f32(), result.as<uint16_t>().begin(), f32_to_bf16);
  return result;
}

struct Variant {
  const char* name;
  bool without_optional_passes = false;
  int64_t image_size = 256;  // pico's own; its rotary tables say 16 x 16 whatever the size, as the official YAMLs do
  const char* expected = "functions.npz";
};

class VideoFunctions : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / fmt::format("samc_video_functions_{}.samc", ::getpid())).string();
    CompileOptions options;
    options.model = kData + "pico/pico.pt";
    options.image_size = size_;
    if (GetParam().without_optional_passes)
      for (const Pass& pass : cpu_pipeline().passes)
        if (!pass.required) options.disabled_passes.insert(pass.name);
    const Result<CompileReport> report = compile_model(options, path_);
    ASSERT_TRUE(report.is_ok()) << report.status().to_string();
    auto module = Module::load(path_);
    ASSERT_TRUE(module.is_ok()) << module.status().to_string();
    auto model = make_video_model(module.value(), 2);
    ASSERT_TRUE(model.is_ok()) << model.status().to_string();
    model_ = std::move(model).value();
    auto expected = Npz::read(kData + "video/" + GetParam().expected);
    ASSERT_TRUE(expected.is_ok()) << expected.status().to_string();
    expected_ = std::move(expected).value();
    features_.vision_features = formula(1, {1, kC, side_, side_});
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void expect(const std::string& key, std::span<const float> found) {
    const Tensor* known = expected_.find(key);
    ASSERT_NE(known, nullptr) << key;
    const std::span<const float> wanted = known->f32();
    double largest = 0, error = 0;
    for (size_t k = 0; k < wanted.size(); ++k) {
      const size_t at = wanted.size() == found.size() ? k : k * 2654435761u % found.size();
      largest = std::max(largest, static_cast<double>(std::abs(wanted[k])));
      error = std::max(error, static_cast<double>(std::abs(wanted[k] - found[at])));
    }
    EXPECT_LE(error, kTolerance * largest) << key << ", whose largest value is " << largest;
  }

  struct Remembered {
    uint32_t frame;
    int64_t time;
  };
  struct Pointed {
    uint32_t frame;
    float frames_between;
  };
  void expect_attention(const std::string& key, const std::vector<Remembered>& memories,
                        const std::vector<Pointed>& pointers) {
    std::vector<Tensor> kept;
    kept.reserve(memories.size() + pointers.size());
    MemoryBank bank;
    for (const auto& [frame, time] : memories)
      bank.memories.push_back({&kept.emplace_back(rounded(formula(100 + frame, {1, side_ * side_, kM}))), time});
    for (const auto& [frame, between] : pointers)
      bank.pointers.push_back({&kept.emplace_back(formula(200 + frame, {1, kC})), between / 15.0f});
    Tensor conditioned;
    const Status status = model_->attend(features_, bank, conditioned);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    expect("memory_attention." + key, conditioned.f32());
  }

  static constexpr int64_t kC = 64, kM = 16;
  const int64_t size_ = GetParam().image_size, side_ = size_ / 16;
  std::string path_;
  std::unique_ptr<VideoModel> model_;
  Npz expected_;
  FrameFeatures features_;
};

TEST_P(VideoFunctions, memory_attention) {
  expect_attention("memories1_pointers0", {{9, 0}}, {});
  expect_attention("memories1_pointers1", {{0, 0}}, {{0, 3}});
  expect_attention("memories3_pointers0", {{15, 0}, {16, 0}, {17, 0}}, {});
  expect_attention("memories3_pointers1", {{1, 0}, {15, 0}, {16, 0}}, {{1, 2}});
  expect_attention("memories3_pointers5", {{0, 0}, {9, 4}, {11, 6}}, {{0, 12}, {11, 1}, {9, 3}, {4, 8}, {2, 10}});
  expect_attention("memories1_pointers1_ahead", {{15, 0}}, {{15, -12}});
}

// The memory comes rounded to bf16, half a unit of its last place from the exact one at most.
TEST_P(VideoFunctions, memory_encoder) {
  Tensor logits = formula(2, {1, 1, size_, size_}, 8);
  Tensor certain(logits.shape());
  std::ranges::transform(logits.f32(), certain.f32().begin(),
                         [](float logit) { return logit > 0 ? kCertainLogit : -kCertainLogit; });
  const auto expect_memory = [&](const std::string& key, const Tensor& mask, float score) {
    Tensor memory;
    const Status status =
        model_->encode_memory(features_, mask.view(), TensorView{DType::kF32, {1, 1}, &score}, memory);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    const Tensor* known = expected_.find("memory_encoder." + key);
    ASSERT_NE(known, nullptr) << key;
    const std::span<const float> wanted = known->f32();
    float largest = 0;
    for (const float value : wanted) largest = std::max(largest, std::abs(value));
    for (size_t k = 0; k < wanted.size(); ++k) {
      const size_t at = wanted.size() == static_cast<size_t>(memory.count())
                            ? k
                            : k * 2654435761u % static_cast<size_t>(memory.count());
      const float found = bf16_to_f32(memory.as<uint16_t>()[at]);
      ASSERT_NEAR(found, wanted[k], std::abs(wanted[k]) / 256 + kTolerance * largest) << key << " " << k;
    }
  };
  expect_memory("present", logits, 3);
  expect_memory("absent", logits, -3);
  expect_memory("binarized", certain, 3);
}

TEST_P(VideoFunctions, object_pointer) {
  const Tensor token = formula(3, {1, kC});
  const auto expect_pointer = [&](const std::string& key, float score, bool object_is_in_mask) {
    Tensor pointer;
    const Status status =
        model_->object_pointer(token.view(), TensorView{DType::kF32, {1, 1}, &score}, object_is_in_mask, pointer);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    expect("object_pointer." + key, pointer.f32());
  };
  expect_pointer("present", 3, true);
  expect_pointer("absent", -3, true);
  expect_pointer("mask_present", 3, true);
  expect_pointer("mask_absent", -3, true);
  expect_pointer("empty_mask_present", 3, false);
  expect_pointer("empty_mask_absent", -3, false);
}

TEST_P(VideoFunctions, mask_downsample) {
  Tensor mask = formula(2, {1, 1, size_, size_}, 8);
  for (float& value : mask.f32()) value = value > 0 ? 1.0f : 0.0f;
  Tensor low_res;
  const Status status = model_->downsample_mask(mask.view(), low_res);
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  expect("mask_downsample", low_res.f32());
}

// The decoder of several objects: the same bits as of one after the other.
TEST_P(VideoFunctions, decode_all) {
  const ImageModelShapes& shapes = model_->shapes();
  features_.high_res_feats_0 = formula(4, shapes.high_res_feats_0);
  features_.high_res_feats_1 = formula(5, shapes.high_res_feats_1);
  const Tensor mask = formula(6, {1, 1, shapes.low_height, shapes.low_width}, 8);
  const DecoderPoints none{{0, 0}, {-1}}, two{{20, 30, 200, 100, 0, 0}, {1, 0, -1}};
  std::vector<Tensor> embeds;
  for (uint32_t object = 0; object < 5; ++object) embeds.push_back(formula(10 + object, shapes.image_embed));
  std::vector<DecoderOutputs> found(embeds.size());
  std::vector<DecodeRequest> requests;
  for (size_t i = 0; i < embeds.size(); ++i)
    requests.push_back({&embeds[i], i == 1 ? &two : &none, i == 2 ? mask.view() : TensorView{}, &found[i]});
  EXPECT_EQ(model_->objects_at_once(), 2);
  for (int turn = 0; turn < 2; ++turn) {
    const Status status = model_->decode_all(features_, requests);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    for (const DecodeRequest& request : requests) {
      DecoderOutputs alone;
      const Status one = model_->decode(features_, *request.image_embed, *request.points, request.mask_input, alone);
      ASSERT_TRUE(one.is_ok()) << one.to_string();
      for (const auto part : {&DecoderOutputs::low_res_logits, &DecoderOutputs::iou_predictions,
                              &DecoderOutputs::object_score, &DecoderOutputs::mask_tokens})
        EXPECT_TRUE(std::ranges::equal((request.outputs->*part).f32(), (alone.*part).f32()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, VideoFunctions,
                         testing::Values(Variant{"compiled"}, Variant{"without_optional_passes", true},
                                         Variant{"of_512", false, 512, "functions_512.npz"},
                                         Variant{"of_768", false, 768, "functions_768.npz"}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace samc
