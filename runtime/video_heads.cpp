#include "runtime/video_heads.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/finite.h"
#include "runtime/postprocess.h"
#include "runtime/preprocess.h"
#include "runtime/prompt_points.h"
#include "runtime/video_masks.h"
#include "runtime/video_prompts.h"

namespace samc {
namespace {

// The logits of a mask prompt that is taken as it is, and the score of an object that it shows or does not show.
constexpr float kPromptedLogit = 10.0f;

}  // namespace

template <class Again>
Status VideoHeads::check_finite(const char* name, const Tensor& result, const Again& again) {
  if (allow_nonfinite_ || is_finite(result)) return Status::ok();
  model_.forget_frame();
  return explain_non_finite(model_, name, again);
}

Result<Tensor> VideoHeads::attend(const FrameFeatures& features, const MemoryBank& bank) {
  Tensor conditioned;
  const auto run = [&] { return model_.attend(features, bank, conditioned); };
  SAMC_TRY(run());
  SAMC_TRY(check_finite("memory attention", conditioned, run));
  return conditioned;
}

Status VideoHeads::decode(const FrameFeatures& features, std::span<const DecodeRequest> requests) {
  SAMC_TRY(model_.decode_all(features, requests));
  for (const DecodeRequest& request : requests) {
    const DecoderOutputs& decoded = *request.outputs;
    const auto again = [&] {
      return model_.decode(features, *request.image_embed, *request.points, request.mask_input, *request.outputs);
    };
    SAMC_TRY(check_finite("low_res_logits", decoded.low_res_logits, again));
    SAMC_TRY(check_finite("iou_predictions", decoded.iou_predictions, again));
    SAMC_TRY(check_finite("object_score", decoded.object_score, again));
    SAMC_TRY(check_finite("mask_tokens", decoded.mask_tokens, again));
  }
  return Status::ok();
}

Result<Tensor> VideoHeads::pointer(const DecoderOutputs& decoded, int64_t mask, bool object_is_in_mask) {
  const int64_t channels = model_.shapes().image_embed[1];
  if (!facts_.use_obj_ptrs_in_encoder) return Tensor::zeros({1, channels});
  Tensor result;
  const TensorView token = {DType::kF32, {1, channels}, decoded.mask_tokens.f32().data() + mask * channels};
  const auto run = [&] { return model_.object_pointer(token, decoded.object_score.view(), object_is_in_mask, result); };
  SAMC_TRY(run());
  SAMC_TRY(check_finite("object_pointer", result, run));
  return result;
}

Result<ObjectOutput> VideoHeads::segment(const FrameFeatures& features, const Tensor& image_embed,
                                         const DecoderPoints& points, const TensorView& mask_input, bool three_masks) {
  const std::array<DecodeRequest, 1> request = {{{&image_embed, &points, mask_input, &decoded_[0]}}};
  SAMC_TRY(decode(features, request));
  return choose_output(decoded_[0], three_masks);
}

Result<std::vector<ObjectOutput>> VideoHeads::segment_all(const FrameFeatures& features,
                                                          const std::vector<const Tensor*>& image_embeds) {
  const size_t count = image_embeds.size();
  const DecoderPoints no_points = with_pad_point(nullptr);
  if (decoded_.size() < count) decoded_.resize(count);
  std::vector<DecodeRequest> requests;
  for (size_t i = 0; i < count; ++i) requests.push_back({image_embeds[i], &no_points, {}, &decoded_[i]});
  SAMC_TRY(decode(features, requests));
  std::vector<ObjectOutput> outputs;
  for (size_t i = 0; i < count; ++i) {
    SAMC_ASSIGN(ObjectOutput output, choose_output(decoded_[i], uses_three_masks(facts_, false, 0)));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

Result<ObjectOutput> VideoHeads::choose_output(const DecoderOutputs& decoded, bool three_masks) {
  const std::span<const float> scores = decoded.iou_predictions.f32();
  const float object_score = decoded.object_score.f32()[0];
  const bool is_seen = !facts_.pred_obj_scores || object_score > 0.0f;
  const ModelInfo& info = model_.info();
  int64_t mask = 0;
  if (three_masks) {
    mask = std::max_element(scores.begin() + 1, scores.end()) - scores.begin();
  } else if (info.dynamic_multimask_via_stability) {
    mask = choose_single_mask(decoded.low_res_logits.f32(), scores, info.stability_delta, info.stability_threshold);
  }

  ObjectOutput output;
  const Shape& shape = decoded.low_res_logits.shape();
  output.low_res_logits = Tensor({1, 1, shape[2], shape[3]});
  const auto pixels = static_cast<size_t>(output.low_res_logits.count());
  if (is_seen) {
    std::ranges::copy(decoded.low_res_logits.f32().subspan(static_cast<size_t>(mask) * pixels, pixels),
                      output.low_res_logits.f32().begin());
  } else {
    std::ranges::fill(output.low_res_logits.f32(), kNoObjectLogit);
  }
  output.object_score = Tensor::copy_of(decoded.object_score.view());
  // The token of the single mask also where another mask took its place for being more stable.
  SAMC_ASSIGN(output.object_pointer,
              pointer(decoded, three_masks && facts_.use_multimask_token_for_obj_ptr ? mask : 0, true));
  return output;
}

Tensor VideoHeads::at_low_size(const Tensor& at_model_size) {
  const ImageModelShapes& shapes = model_.shapes();
  Tensor result({1, 1, shapes.low_height, shapes.low_width});
  resize_plane(at_model_size.f32(), shapes.size, shapes.size, shapes.low_height, shapes.low_width, model_.pool(),
               result.f32());
  return result;
}

Result<ObjectOutput> VideoHeads::segment_mask(const FrameFeatures& features, const Tensor& image_embed,
                                              const Tensor& mask, bool three_masks) {
  const Tensor low_res = at_low_size(mask);
  return segment(features, image_embed, with_pad_point(nullptr), low_res.view(), three_masks);
}

Result<ObjectOutput> VideoHeads::take_mask(const FrameFeatures& features, const Tensor& mask) {
  const ImageModelShapes& shapes = model_.shapes();
  const bool object_is_in_mask = std::ranges::any_of(mask.f32(), [](float value) { return value > 0.0f; });
  ObjectOutput output;
  if (facts_.use_obj_ptrs_in_encoder) {
    Tensor low_res;
    const auto run = [&] { return model_.downsample_mask(mask.view(), low_res); };
    SAMC_TRY(run());
    SAMC_TRY(check_finite("mask_downsample", low_res, run));
    const DecoderPoints no_points = with_pad_point(nullptr);
    const std::array<DecodeRequest, 1> request = {
        {{&features.vision_features, &no_points, low_res.view(), &decoded_[0]}}};
    SAMC_TRY(decode(features, request));
  }
  SAMC_ASSIGN(output.object_pointer, pointer(decoded_[0], 0, object_is_in_mask));

  Tensor logits({1, 1, shapes.size, shapes.size});
  std::ranges::transform(mask.f32(), logits.f32().begin(),
                         [](float value) { return value * (2.0f * kPromptedLogit) - kPromptedLogit; });
  output.low_res_logits = at_low_size(logits);
  output.object_score = Tensor({1, 1});
  output.object_score.f32()[0] = object_is_in_mask ? kPromptedLogit : -kPromptedLogit;
  return output;
}

Tensor VideoHeads::at_model_size(const Tensor& low_res_logits) {
  const int64_t size = model_.shapes().size;
  Tensor result({1, 1, size, size});
  upscale_logits(low_res_logits.f32(), low_res_logits.shape()[2], low_res_logits.shape()[3], size, size, model_.pool(),
                 result.f32());
  return result;
}

Result<Tensor> VideoHeads::encode_memory(const FrameFeatures& features, Tensor& mask, const Tensor& object_score,
                                         bool is_prompted) {
  if (is_prompted && facts_.binarize_mask_from_pts_for_mem_enc)
    for (float& logit : mask.f32()) logit = logit > 0.0f ? kCertainLogit : -kCertainLogit;
  Tensor memory;
  const auto run = [&] { return model_.encode_memory(features, mask.view(), object_score.view(), memory); };
  SAMC_TRY(run());
  SAMC_TRY(check_finite("the memory encoder", memory, run));
  return memory;
}

}  // namespace samc
