#include "runtime/prompt_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/check.h"
#include "package/model_names.h"
#include "package/plan.h"

namespace samc {
namespace {

// What the decoder takes beside the points. dense_embed is of a mask, or of none.
std::vector<NamedInput> inputs_of_picture(const DecoderMaps& maps, const TensorView& dense_embed) {
  return {{kImageEmbed, maps.image_embed},
          {kHighResFeats0, maps.high_res_feats_0},
          {kHighResFeats1, maps.high_res_feats_1},
          {kDenseEmbed, dense_embed}};
}

}  // namespace

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
  const std::vector<NamedInput> given = inputs_of_picture(maps, no_mask_.view());
  SAMC_TRY(run_early(executor, *parts_->picture, inputs_of(*parts_->picture, given, {}), picture_));
  return run_early(executor, *parts_->dense, inputs_of(*parts_->dense, given, {&picture_}), without_mask_);
}

// The inputs and outputs of one prompt, for one run.
struct PromptDecoder::Call {
  std::vector<NamedInput> inputs;
  std::array<NamedOutput, 4> outputs;
  size_t output_count;
  GoOn go_on;

  // dense_embed is of the prompt's mask. part: the last of the decoder's parts, or nullptr for the whole.
  Call(const PromptDecoder& decoder, const DecoderMaps& maps, const PromptInputs& prompt, const TensorView& dense_embed,
       const KeptValues& dense, const PlanFunction* part, DecoderOutputs& results)
      : outputs{{{kLowResLogits, &results.low_res_logits},
                 {kIouPredictions, &results.iou_predictions},
                 {kObjectScore, &results.object_score},
                 {kMaskTokens, &results.mask_tokens}}},
        output_count(decoder.tracks_ ? 4 : 2) {
    const DecoderPoints& points = prompt.points;
    inputs = inputs_of_picture(maps, dense_embed);
    inputs.push_back({kPointCoords, TensorView{DType::kF32, {1, points.count(), 2}, points.coordinates.data()}});
    inputs.push_back({kPointLabels, TensorView{DType::kF32, {1, points.count()}, points.labels.data()}});
    if (part != nullptr) inputs = inputs_of(*part, inputs, {&decoder.picture_, &dense});
    if (prompt.wants_logits)
      go_on = {kIouPredictions, [&prompt, &results] { return prompt.wants_logits(results.iou_predictions.f32()); }};
  }

  FunctionRun run() const { return {inputs, std::span(outputs).first(output_count), go_on}; }
};

const PlanFunction* PromptDecoder::function_for(int64_t points) const {
  if (!parts_.has_value()) return nullptr;
  return parts_->few_points != nullptr && points <= parts_->few_points->sizes[0].greatest ? parts_->few_points
                                                                                          : parts_->prompt;
}

Status PromptDecoder::decode(Executor& executor, const DecoderMaps& maps, const PromptInputs& prompt, PromptWork& work,
                             DecoderOutputs& results) const {
  const TensorView& mask = prompt.mask;
  const bool has_mask = mask.data != nullptr;
  if (has_mask) {
    const std::array<NamedInput, 1> inputs = {{{kMaskInput, mask}}};
    const std::array<NamedOutput, 1> outputs = {{{kDenseEmbed, &work.mask_dense}}};
    SAMC_TRY(executor.run(kMaskEncoder, {}, inputs, outputs));
    if (parts_.has_value()) {
      const std::vector<NamedInput> given = inputs_of_picture(maps, work.mask_dense.view());
      SAMC_TRY(run_early(executor, *parts_->dense, inputs_of(*parts_->dense, given, {&picture_}), work.with_mask));
    }
  }
  const PlanFunction* part = function_for(prompt.points.count());
  const Call call(*this, maps, prompt, has_mask ? work.mask_dense.view() : no_mask_.view(),
                  has_mask ? work.with_mask : without_mask_, part, results);
  const FunctionRun run = call.run();
  return executor.run_together(part == nullptr ? kMaskDecoder : part->name, {{kPoints, prompt.points.count()}},
                               {&run, 1});
}

Status PromptDecoder::decode_together(Executor& executor, const DecoderMaps& maps,
                                      std::span<const PromptInputs* const> prompts,
                                      std::span<DecoderOutputs> outputs) const {
  SAMC_CHECK(!prompts.empty() && outputs.size() >= prompts.size(), "outputs of {} prompts for {}", outputs.size(),
             prompts.size());
  const int64_t points = prompts[0]->points.count();
  const PlanFunction* part = function_for(points);
  std::vector<Call> calls;
  calls.reserve(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    SAMC_CHECK(prompts[i]->mask.data == nullptr && prompts[i]->points.count() == points, "prompts that are not alike");
    calls.emplace_back(*this, maps, *prompts[i], no_mask_.view(), without_mask_, part, outputs[i]);
  }
  std::vector<FunctionRun> runs;
  runs.reserve(calls.size());
  for (const Call& call : calls) runs.push_back(call.run());
  return executor.run_together(part == nullptr ? kMaskDecoder : part->name, {{kPoints, points}}, runs);
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
