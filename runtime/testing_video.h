#pragma once
// For the tests of video predictors: a model of a few sums, in which what is remembered shows in the masks, and frames
// from a formula. tests/data/video_predictor/fake_model.py puts the same model below the official predictor.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "runtime/prompt_points.h"
#include "runtime/video_model.h"
#include "runtime/video_predictor.h"

namespace samc {

constexpr int64_t kFakeSize = 32;
constexpr int64_t kFakeLow = 8;
constexpr int64_t kFakeChannels = 4;

// "num_maskmem=7 pred_obj_scores=1 ..."
inline std::map<std::string, int64_t> read_settings(const std::string& line) {
  std::map<std::string, int64_t> result;
  std::istringstream words(line);
  for (std::string word; words >> word;)
    if (const size_t sign = word.find('='); sign != std::string::npos)
      result[word.substr(0, sign)] = std::stoll(word.substr(sign + 1));
  return result;
}

inline VideoFacts read_facts(const std::string& line) {
  const std::map<std::string, int64_t> values = read_settings(line);
  VideoFacts facts;
  facts.num_maskmem = values.at("num_maskmem");
  facts.max_cond_frames_in_attn = values.at("max_cond_frames_in_attn");
  facts.memory_temporal_stride_for_eval = values.at("memory_temporal_stride_for_eval");
  facts.binarize_mask_from_pts_for_mem_enc = values.at("binarize_mask_from_pts_for_mem_enc") != 0;
  facts.use_mask_input_as_output_without_sam = values.at("use_mask_input_as_output_without_sam") != 0;
  facts.multimask_output_in_sam = values.at("multimask_output_in_sam") != 0;
  facts.multimask_min_pt_num = values.at("multimask_min_pt_num");
  facts.multimask_max_pt_num = values.at("multimask_max_pt_num");
  facts.multimask_output_for_tracking = values.at("multimask_output_for_tracking") != 0;
  facts.use_multimask_token_for_obj_ptr = values.at("use_multimask_token_for_obj_ptr") != 0;
  facts.use_obj_ptrs_in_encoder = values.at("use_obj_ptrs_in_encoder") != 0;
  facts.max_obj_ptrs_in_encoder = values.at("max_obj_ptrs_in_encoder");
  facts.use_signed_tpos_enc_to_obj_ptrs = values.at("use_signed_tpos_enc_to_obj_ptrs") != 0;
  facts.only_obj_ptrs_in_the_past_for_eval = values.at("only_obj_ptrs_in_the_past_for_eval") != 0;
  facts.pred_obj_scores = values.at("pred_obj_scores") != 0;
  facts.non_overlap_masks_for_mem_enc = values.at("non_overlap_masks_for_mem_enc") != 0;
  return facts;
}

// What tests watch and set, beyond the model's own life.
struct FakeLog {
  int64_t encoded = 0;      // frames
  int64_t remembered = 0;   // memories
  int64_t fail_after = -1;  // calls of the model; then all are errors, or std::bad_alloc
  bool fail_by_exception = false;
  bool nonfinite = false;  // of the decoder's logits
  int64_t calls = 0;
  size_t memories = 0;                           // of the last bank
  std::vector<float> mask_input;                 // of the last decode()
  std::vector<std::vector<float>> memory_masks;  // what encode_memory() was given
};

class FakeVideoModel : public VideoModel {
 public:
  explicit FakeVideoModel(const VideoFacts& facts, std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>(),
                          int64_t most_memories = 1000)
      : log_(std::move(log)), most_memories_(most_memories) {
    info_.name = "fake";
    info_.image_size = kFakeSize;
    info_.video = facts;
    shapes_ = {.high_res_feats_0 = {1, 1, kFakeLow, kFakeLow},
               .high_res_feats_1 = {1, 1, 4, 4},
               .image_embed = {1, kFakeChannels, 1, 1},
               .size = kFakeSize,
               .masks = 4,
               .single_mask = true,
               .low_height = kFakeLow,
               .low_width = kFakeLow};
  }

  ModelInfo& changed_info() { return info_; }
  const ModelInfo& info() const override { return info_; }
  const ImageModelShapes& shapes() const override { return shapes_; }
  ThreadPool& pool() override { return pool_; }
  int64_t most_memories() const override { return most_memories_; }
  int64_t most_pointers() const override { return 1000; }

  Status encode(const TensorView& image, FrameFeatures& features) override {
    features.image_embed = Tensor::zeros(shapes_.image_embed);  // spoilt, if it fails
    features.vision_features = Tensor::zeros(shapes_.image_embed);
    SAMC_TRY(called());
    ++log_->encoded;
    const std::span<const float> pixels = image.f32();
    const auto mean = [&](int64_t channel, int64_t top, int64_t left, int64_t side) {
      double sum = 0;
      for (int64_t y = top; y < top + side; ++y)
        for (int64_t x = left; x < left + side; ++x)
          sum += pixels[static_cast<size_t>((channel * kFakeSize + y) * kFakeSize + x)];
      return sum / static_cast<double>(side * side);
    };
    features.high_res_feats_0 = Tensor(shapes_.high_res_feats_0);
    for (int64_t y = 0; y < kFakeLow; ++y)
      for (int64_t x = 0; x < kFakeLow; ++x)
        features.high_res_feats_0.f32()[static_cast<size_t>(y * kFakeLow + x)] =
            static_cast<float>(mean(0, 4 * y, 4 * x, 4));
    features.high_res_feats_1 = Tensor::zeros(shapes_.high_res_feats_1);
    const std::array<double, 4> vision = {mean(0, 0, 0, kFakeSize), mean(1, 0, 0, kFakeSize), mean(2, 0, 0, kFakeSize),
                                          (mean(0, 0, 0, 16) + mean(1, 0, 0, 16) + mean(2, 0, 0, 16)) / 3};
    features.vision_features = Tensor(shapes_.image_embed);
    features.image_embed = Tensor(shapes_.image_embed);
    for (size_t c = 0; c < 4; ++c) {
      features.vision_features.f32()[c] = static_cast<float>(vision[c]);
      features.image_embed.f32()[c] = features.vision_features.f32()[c] + kNoMemory[c];
    }
    return Status::ok();
  }

  Status attend(const FrameFeatures& features, const MemoryBank& bank, Tensor& conditioned) override {
    SAMC_TRY(called());
    conditioned = Tensor(shapes_.image_embed);
    log_->memories = bank.memories.size();
    const auto maskmem = static_cast<double>(info_.video->num_maskmem);
    for (size_t c = 0; c < 4; ++c) {
      double total = 0.5 * features.vision_features.f32()[c];
      double order = 1.0;  // a weight, so that it counts
      for (const MemoryView& memory : bank.memories) {
        SAMC_CHECK(!memory.features->empty() && static_cast<double>(memory.time) < maskmem, "a memory is missing");
        const double weight = 0.5 / (1.0 + static_cast<double>(memory.time));
        total += bf16_to_f32(memory.features->as<uint16_t>()[c]) * weight * order;
        order += 1.0 / 64.0;
      }
      for (const PointerView& pointer : bank.pointers) {
        total += pointer.pointer->f32()[c] * (0.0625 + 0.25 * static_cast<double>(pointer.time)) * order;
        order += 1.0 / 64.0;
      }
      conditioned.f32()[c] = static_cast<float>(2.0 * total / (1.0 + std::abs(total)));
    }
    return Status::ok();
  }

  void forget_frame() override {}

  Status decode(const FrameFeatures& features, const Tensor& image_embed, const DecoderPoints& points,
                const TensorView& mask_input, DecoderOutputs& outputs) override {
    SAMC_TRY(called());
    log_->mask_input.clear();
    if (mask_input.data != nullptr) log_->mask_input.assign(mask_input.f32().begin(), mask_input.f32().end());
    const std::span<const float> embed = image_embed.f32();
    outputs.low_res_logits = Tensor({1, 4, kFakeLow, kFakeLow});
    outputs.iou_predictions = Tensor({1, 4});
    outputs.mask_tokens = Tensor({1, 4, kFakeChannels});
    outputs.object_score = Tensor({1, 1});
    constexpr size_t kPixels = kFakeLow * kFakeLow;
    for (size_t mask = 0; mask < 4; ++mask) {
      double shift = 0;
      for (size_t c = 0; c < 4; ++c) shift += kMask[mask][c] * embed[c];
      for (size_t pixel = 0; pixel < kPixels; ++pixel) {
        const double dense = mask_input.data == nullptr ? 0.0 : mask_input.f32()[pixel];
        const double red = features.high_res_feats_0.f32()[pixel];
        const auto step = static_cast<double>(mask);
        outputs.low_res_logits.f32()[mask * kPixels + pixel] = static_cast<float>(
            red * (0.8 + 0.2 * step) + shift + 0.125 * dense + clicks(points, pixel) * (1.0 - 0.1 * step));
      }
      const double score =
          (embed[0] * 3.3 + embed[1] * 1.7 + embed[2] * 2.9 + embed[3] * 0.7) * static_cast<double>(mask + 1);
      const double iou = score - std::floor(score);
      outputs.iou_predictions.f32()[mask] = static_cast<float>(iou);
      for (size_t c = 0; c < 4; ++c)
        outputs.mask_tokens.f32()[mask * 4 + c] =
            static_cast<float>(embed[c] * 0.5 + iou * static_cast<double>(c + 1) * 0.25);
    }
    const auto positive =
        static_cast<double>(std::ranges::count_if(points.labels, [](float label) { return label > 0; }));
    outputs.object_score.f32()[0] =
        info_.video->pred_obj_scores ? static_cast<float>(2.0 * embed[3] + embed[0] + 0.6 * positive - 1.0) : 10.0f;
    if (log_->nonfinite) outputs.low_res_logits.f32()[5] = std::nanf("");
    return Status::ok();
  }

  Status object_pointer(const TensorView& token, const TensorView& score, bool object_is_in_mask,
                        Tensor& pointer) override {
    SAMC_TRY(called());
    pointer = Tensor({1, kFakeChannels});
    for (size_t c = 0; c < 4; ++c) {
      const bool is_seen = !info_.video->pred_obj_scores || (score.f32()[0] > 0.0f && object_is_in_mask);
      pointer.f32()[c] = is_seen ? token.f32()[c] * 2.0f + 0.125f : kNoPointer[c];
    }
    return Status::ok();
  }

  Status encode_memory(const FrameFeatures& features, const TensorView& mask, const TensorView& score,
                       Tensor& memory) override {
    SAMC_TRY(called());
    ++log_->remembered;
    log_->memory_masks.emplace_back(mask.f32().begin(), mask.f32().end());
    double count = 0, sum = 0;
    for (const float logit : mask.f32()) {
      const float probability = 1.0f / (1.0f + std::exp(-logit));
      count += probability > 0.5f ? 1 : 0;
      sum += probability;
    }
    const std::span<const float> vision = features.vision_features.f32();
    const std::array<double, 4> values = {std::floor(count / 1024.0 * 256.0) / 256.0,
                                          std::floor(sum / 1024.0 * 32.0 + 0.5) / 32.0,
                                          std::floor(vision[0] * 16.0) / 16.0, std::floor(vision[1] * 16.0) / 16.0};
    memory = Tensor(DType::kBF16, {1, 1, kFakeChannels});
    for (size_t c = 0; c < 4; ++c)
      memory.as<uint16_t>()[c] =
          f32_to_bf16(static_cast<float>(values[c]) + (score.f32()[0] > 0.0f ? 0.0f : kNoObject[c]));
    return Status::ok();
  }

  Status downsample_mask(const TensorView& mask, Tensor& low_res) override {
    SAMC_TRY(called());
    low_res = Tensor({1, 1, kFakeLow, kFakeLow});
    for (size_t y = 0; y < kFakeLow; ++y) {
      for (size_t x = 0; x < kFakeLow; ++x) {
        double sum = 0;
        for (size_t pixel = 0; pixel < 16; ++pixel)
          sum += mask.f32()[(4 * y + pixel / 4) * kFakeSize + 4 * x + pixel % 4];
        low_res.f32()[y * kFakeLow + x] = static_cast<float>(sum / 16.0 * 20.0 - 10.0);
      }
    }
    return Status::ok();
  }

 private:
  static constexpr std::array<float, 4> kNoMemory = {0.125f, -0.25f, 0.375f, 0.0625f};
  static constexpr std::array<float, 4> kNoPointer = {-0.5f, 0.75f, -0.25f, 0.5f};
  static constexpr std::array<float, 4> kNoObject = {0.5f, -0.25f, 0.125f, 0.25f};
  static constexpr double kMask[4][4] = {
      {0.9, -0.6, 0.4, 0.3}, {-0.5, 0.8, 0.7, -0.2}, {0.6, 0.5, -0.9, 0.4}, {0.2, -0.7, 0.6, 0.8}};

  static double clicks(const DecoderPoints& points, size_t pixel) {
    static constexpr std::array<double, 5> kWeights = {0.05, -3.0, 3.0, 1.0, 1.5};  // of labels -1 to 3
    const size_t row = pixel / kFakeLow;
    const double x = static_cast<double>(pixel % kFakeLow) * 4 + 2, y = static_cast<double>(row) * 4 + 2;
    double sum = 0;
    for (size_t point = 0; point < points.labels.size(); ++point) {
      const double distance =
          std::abs(points.coordinates[2 * point] - x) + std::abs(points.coordinates[2 * point + 1] - y);
      sum += kWeights[static_cast<size_t>(points.labels[point] + 1)] * std::max(0.0, 1.0 - distance / 16.0);
    }
    return sum;
  }

  Status called() {
    if (log_->fail_after < 0 || log_->calls++ < log_->fail_after) return Status::ok();
    if (log_->fail_by_exception) throw std::bad_alloc();
    return io_error("the model failed");
  }

  std::shared_ptr<FakeLog> log_;
  int64_t most_memories_;
  ModelInfo info_;
  ImageModelShapes shapes_;
  ThreadPool pool_{2};
};

// frame_pixels() of fake_model.py.
inline Image fake_frame(int64_t index, int64_t width, int64_t height) {
  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.rgb.push_back(static_cast<uint8_t>(
            (x * (13 + 5 * c) + y * (7 + 3 * c) + index * (11 + 8 * c) + (x * y) % (3 + c) * 9 + c * 40) % 256));
  return image;
}

class FakeFrames : public VideoFrames {
 public:
  FakeFrames(int64_t count, int64_t width, int64_t height) : count_(count), width_(width), height_(height) {}
  int64_t count() const override { return count_; }
  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  Result<RgbView> frame(int64_t index) override {
    if (index == broken) return io_error("frame broken");
    image_ = fake_frame(index, width_ + (index == wider ? 1 : 0), height_);
    return RgbView(image_);
  }
  int64_t broken = -1;  // which frame is an error
  int64_t wider = -1;   // which has another size

 private:
  int64_t count_, width_, height_;
  Image image_;
};

inline VideoPrompt click(float x, float y, int label = 1) {
  VideoPrompt prompt;
  prompt.points = {{x, y, label}};
  return prompt;
}

}  // namespace samc
