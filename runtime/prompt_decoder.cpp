#include "runtime/prompt_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "package/model_names.h"
#include "package/plan.h"

namespace samc {
namespace {

using KnownValues = std::map<std::string_view, const Value*>;

const Value& value_of(const PlanFunction& function, int32_t index) {
  return function.values[static_cast<size_t>(index)];
}

// Whether the parts, run one after the other, can take the place of the whole.
class PartsCheck {
 public:
  explicit PartsCheck(const PlanFunction& whole) : whole_(whole) {}

  Status run(const PlanFunction& picture, const PlanFunction& dense, const PlanFunction& prompt,
             const PlanFunction* few_points) {
    SAMC_TRY(check_part(picture, {kImageEmbed, kHighResFeats0, kHighResFeats1}));
    SAMC_TRY(check_part(dense, {kDenseEmbed}));
    for (const PlanFunction* early : {&picture, &dense})
      if (!early->sizes.empty())
        return invalid_input(fmt::format("{} depends on the number of {}", early->name, early->sizes[0].name));
    if (prompt.sizes != whole_.sizes) return differs(prompt, "the range of points");
    const KnownValues known = known_;
    SAMC_TRY(check_last_part(prompt));
    if (few_points == nullptr) return Status::ok();
    known_ = known;
    std::vector<FreeSize> sizes = few_points->sizes;
    for (size_t i = 0; i < std::min(sizes.size(), whole_.sizes.size()); ++i)
      if (sizes[i].greatest <= whole_.sizes[i].greatest) sizes[i].greatest = whole_.sizes[i].greatest;
    if (sizes != whole_.sizes) return differs(*few_points, "the range of points");
    return check_last_part(*few_points);
  }

 private:
  static bool is_same(const Value& a, const Value& b) { return a.dtype == b.dtype && a.shape == b.shape; }
  Status differs(const PlanFunction& part, const std::string& what) const {
    return invalid_input(fmt::format("{} does not fit {}: {}", part.name, whole_.name, what),
                         "compile the model again");
  }

  // A part that gives the outputs of the whole.
  Status check_last_part(const PlanFunction& prompt) {
    SAMC_TRY(check_part(prompt, {kPointCoords, kPointLabels}));
    for (const int32_t index : whole_.outputs) {
      const Value& wanted = value_of(whole_, index);
      const bool is_result = std::ranges::any_of(prompt.outputs, [&](int32_t output) {
        return value_of(prompt, output).name == wanted.name && is_same(value_of(prompt, output), wanted);
      });
      if (!is_result) return differs(prompt, wanted.name);
    }
    return Status::ok();
  }

  Status check_part(const PlanFunction& part, std::initializer_list<const char*> now_known) {
    for (const char* name : now_known)
      for (const int32_t index : whole_.inputs)
        if (value_of(whole_, index).name == name) known_[name] = &value_of(whole_, index);
    for (const int32_t index : part.inputs) {
      const Value& input = value_of(part, index);
      const auto found = known_.find(input.name);
      if (found == known_.end() || !is_same(*found->second, input)) return differs(part, input.name);
    }
    for (const int32_t index : part.outputs) {
      const Value& output = value_of(part, index);
      for (const int32_t input : whole_.inputs)
        if (value_of(whole_, input).name == output.name) return differs(part, output.name);
      if (!known_.emplace(output.name, &output).second) return differs(part, output.name);
    }
    return Status::ok();
  }

  const PlanFunction& whole_;
  KnownValues known_;  // inputs of the whole and outputs of earlier parts
};

}  // namespace

Result<PromptDecoder> PromptDecoder::create(const Module& module) {
  const PlanModule& plan = module.plan();
  const PlanFunction* whole = plan.find(kMaskDecoder);
  if (whole == nullptr) return invalid_input(fmt::format("module {} has no {}", plan.info.name, kMaskDecoder));
  const Parts parts = {plan.find(kDecoderPicture), plan.find(kDecoderDense), plan.find(kDecoderPrompt),
                       plan.find(kDecoderFewPoints)};
  PromptDecoder decoder;
  const auto gives = [whole](std::string_view name) {
    return std::ranges::any_of(whole->outputs, [&](int32_t index) { return value_of(*whole, index).name == name; });
  };
  decoder.tracks_ = gives(kObjectScore) && gives(kMaskTokens);
  if (parts.picture == nullptr && parts.dense == nullptr && parts.prompt == nullptr) return decoder;
  if (parts.picture == nullptr || parts.dense == nullptr || parts.prompt == nullptr)
    return invalid_input(fmt::format("module {} has some parts of {} but not all", plan.info.name, kMaskDecoder),
                         "compile the model again");
  SAMC_TRY(PartsCheck(*whole).run(*parts.picture, *parts.dense, *parts.prompt, parts.few_points));
  decoder.parts_ = parts;
  return decoder;
}

// The part's inputs: from `given` by name, else what earlier parts gave. create() has checked that they are there.
std::vector<NamedInput> PromptDecoder::inputs_of(const PlanFunction& part, std::span<const NamedInput> given,
                                                 std::initializer_list<const Values*> earlier) {
  std::vector<NamedInput> inputs;
  for (const int32_t index : part.inputs) {
    const std::string& name = value_of(part, index).name;
    if (const auto known = std::ranges::find(given, name, &NamedInput::name); known != given.end())
      inputs.push_back(*known);
    for (const Values* values : earlier)
      if (const auto found = values->find(name); found != values->end()) inputs.push_back({name, found->second.view()});
  }
  return inputs;
}

Status PromptDecoder::run_early(Executor& executor, const PlanFunction& part, std::span<const NamedInput> inputs,
                                Values& results) {
  std::vector<NamedOutput> outputs;
  for (const int32_t index : part.outputs) {
    const std::string& name = value_of(part, index).name;
    outputs.push_back({name, &results[name]});
  }
  return executor.run(part.name, {}, inputs, outputs);
}

Status PromptDecoder::set_picture(Executor& executor, const ImageEmbedding& embedding) {
  if (no_mask_.empty()) {
    Tensor computed;  // kept when it is whole, and not after an error in between
    const std::array<NamedOutput, 1> outputs = {{{kDenseEmbed, &computed}}};
    SAMC_TRY(executor.run(kNoMask, {}, {}, outputs));
    no_mask_ = std::move(computed);
  }
  if (!parts_.has_value()) return Status::ok();
  const std::array<NamedInput, 4> given = {{{kImageEmbed, embedding.image_embed.view()},
                                            {kHighResFeats0, embedding.high_res_feats_0.view()},
                                            {kHighResFeats1, embedding.high_res_feats_1.view()},
                                            {kDenseEmbed, no_mask_.view()}}};
  SAMC_TRY(run_early(executor, *parts_->picture, inputs_of(*parts_->picture, given, {}), picture_));
  return run_early(executor, *parts_->dense, inputs_of(*parts_->dense, given, {&picture_}), without_mask_);
}

Status PromptDecoder::decode(Executor& executor, const ImageEmbedding& embedding, const DecoderPoints& points,
                             const TensorView& mask, DecoderOutputs& results) {
  const bool has_mask = mask.data != nullptr;
  if (has_mask) {
    const std::array<NamedInput, 1> inputs = {{{kMaskInput, mask}}};
    const std::array<NamedOutput, 1> outputs = {{{kDenseEmbed, &mask_dense_}}};
    SAMC_TRY(executor.run(kMaskEncoder, {}, inputs, outputs));
  }
  const std::array<NamedInput, 6> given = {
      {{kImageEmbed, embedding.image_embed.view()},
       {kHighResFeats0, embedding.high_res_feats_0.view()},
       {kHighResFeats1, embedding.high_res_feats_1.view()},
       {kDenseEmbed, has_mask ? mask_dense_.view() : no_mask_.view()},
       {kPointCoords, TensorView{DType::kF32, {1, points.count(), 2}, points.coordinates.data()}},
       {kPointLabels, TensorView{DType::kF32, {1, points.count()}, points.labels.data()}}}};
  const std::array<NamedOutput, 4> all = {{{kLowResLogits, &results.low_res_logits},
                                           {kIouPredictions, &results.iou_predictions},
                                           {kObjectScore, &results.object_score},
                                           {kMaskTokens, &results.mask_tokens}}};
  const std::span<const NamedOutput> outputs = std::span(all).first(tracks_ ? 4 : 2);
  if (!parts_.has_value()) return executor.run(kMaskDecoder, {{kPoints, points.count()}}, given, outputs);
  if (has_mask)
    SAMC_TRY(run_early(executor, *parts_->dense, inputs_of(*parts_->dense, given, {&picture_}), with_mask_));
  const Values& dense = has_mask ? with_mask_ : without_mask_;
  const PlanFunction& prompt = parts_->few_points != nullptr && points.count() <= parts_->few_points->sizes[0].greatest
                                   ? *parts_->few_points
                                   : *parts_->prompt;
  return executor.run(prompt.name, {{kPoints, points.count()}}, inputs_of(prompt, given, {&picture_, &dense}), outputs);
}

void PromptDecoder::forget_picture() {
  no_mask_ = Tensor();
  picture_.clear();
  without_mask_.clear();
  with_mask_.clear();
}

size_t PromptDecoder::bytes() const {
  int64_t total = no_mask_.bytes() + mask_dense_.bytes();
  for (const Values* values : {&picture_, &without_mask_, &with_mask_})
    for (const auto& [name, tensor] : *values) total += tensor.bytes();
  return static_cast<size_t>(total);
}

}  // namespace samc
