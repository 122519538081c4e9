#include "runtime/prompt_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "package/model_names.h"
#include "package/plan.h"

namespace samc {
Result<PromptDecoder> PromptDecoder::create(const Module& module) {
  const PlanModule& plan = module.plan();
  const PlanFunction* whole = plan.find(kMaskDecoder);
  if (whole == nullptr) return invalid_input(fmt::format("module {} has no {}", plan.info.name, kMaskDecoder));
  const Parts parts = {plan.find(kDecoderPicture), plan.find(kDecoderDense), plan.find(kDecoderPrompt),
                       plan.find(kDecoderFewPoints)};
  PromptDecoder decoder;
  decoder.tracks_ = gives_output(*whole, kObjectScore) && gives_output(*whole, kMaskTokens);
  if (parts.picture == nullptr && parts.dense == nullptr && parts.prompt == nullptr) return decoder;
  if (parts.picture == nullptr || parts.dense == nullptr || parts.prompt == nullptr)
    return invalid_input(fmt::format("module {} has some parts of {} but not all", plan.info.name, kMaskDecoder),
                         "compile the model again");
  PartsCheck check(*whole);
  SAMC_TRY(check.check_early(*parts.picture, {kImageEmbed, kHighResFeats0, kHighResFeats1}));
  SAMC_TRY(check.check_early(*parts.dense, {kDenseEmbed}));
  SAMC_TRY(check.check_last(*parts.prompt, {kPointCoords, kPointLabels}));
  if (parts.few_points != nullptr) SAMC_TRY(check.check_last(*parts.few_points, {kPointCoords, kPointLabels}, true));
  decoder.parts_ = parts;
  return decoder;
}

Status PromptDecoder::set_picture(Executor& executor, const DecoderMaps& maps) {
  if (no_mask_.empty()) {
    Tensor computed;  // kept when it is whole, and not after an error in between
    const std::array<NamedOutput, 1> outputs = {{{kDenseEmbed, &computed}}};
    SAMC_TRY(executor.run(kNoMask, {}, {}, outputs));
    no_mask_ = std::move(computed);
  }
  if (!parts_.has_value()) return Status::ok();
  const std::array<NamedInput, 4> given = {{{kImageEmbed, maps.image_embed},
                                            {kHighResFeats0, maps.high_res_feats_0},
                                            {kHighResFeats1, maps.high_res_feats_1},
                                            {kDenseEmbed, no_mask_.view()}}};
  SAMC_TRY(run_early(executor, *parts_->picture, inputs_of(*parts_->picture, given, {}), picture_));
  return run_early(executor, *parts_->dense, inputs_of(*parts_->dense, given, {&picture_}), without_mask_);
}

Status PromptDecoder::decode(Executor& executor, const DecoderMaps& maps, const PromptInputs& given_prompt,
                             PromptWork& work, DecoderOutputs& results) const {
  const DecoderPoints& points = given_prompt.points;
  const TensorView& mask = given_prompt.mask;
  const bool has_mask = mask.data != nullptr;
  if (has_mask) {
    const std::array<NamedInput, 1> inputs = {{{kMaskInput, mask}}};
    const std::array<NamedOutput, 1> outputs = {{{kDenseEmbed, &work.mask_dense}}};
    SAMC_TRY(executor.run(kMaskEncoder, {}, inputs, outputs));
  }
  const std::array<NamedInput, 6> given = {
      {{kImageEmbed, maps.image_embed},
       {kHighResFeats0, maps.high_res_feats_0},
       {kHighResFeats1, maps.high_res_feats_1},
       {kDenseEmbed, has_mask ? work.mask_dense.view() : no_mask_.view()},
       {kPointCoords, TensorView{DType::kF32, {1, points.count(), 2}, points.coordinates.data()}},
       {kPointLabels, TensorView{DType::kF32, {1, points.count()}, points.labels.data()}}}};
  const std::array<NamedOutput, 4> all = {{{kLowResLogits, &results.low_res_logits},
                                           {kIouPredictions, &results.iou_predictions},
                                           {kObjectScore, &results.object_score},
                                           {kMaskTokens, &results.mask_tokens}}};
  const std::span<const NamedOutput> outputs = std::span(all).first(tracks_ ? 4 : 2);
  GoOn go_on;
  if (given_prompt.wants_logits)
    go_on = {kIouPredictions, [&] { return given_prompt.wants_logits(results.iou_predictions.f32()); }};
  if (!parts_.has_value()) return executor.run(kMaskDecoder, {{kPoints, points.count()}}, given, outputs, go_on);
  if (has_mask)
    SAMC_TRY(run_early(executor, *parts_->dense, inputs_of(*parts_->dense, given, {&picture_}), work.with_mask));
  const KeptValues& dense = has_mask ? work.with_mask : without_mask_;
  const PlanFunction& prompt = parts_->few_points != nullptr && points.count() <= parts_->few_points->sizes[0].greatest
                                   ? *parts_->few_points
                                   : *parts_->prompt;
  return executor.run(prompt.name, {{kPoints, points.count()}}, inputs_of(prompt, given, {&picture_, &dense}), outputs,
                      go_on);
}

void PromptDecoder::forget_picture() {
  no_mask_ = Tensor();
  picture_.clear();
  without_mask_.clear();
  work_ = {};
}

size_t PromptDecoder::bytes() const {
  return static_cast<size_t>(no_mask_.bytes() + bytes_of(picture_) + bytes_of(without_mask_)) + work_.bytes();
}

}  // namespace samc
