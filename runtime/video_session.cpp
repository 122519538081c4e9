#include "runtime/video_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/memory_budget.h"
#include "runtime/video_masks.h"
#include "runtime/video_prompts.h"

namespace samc {
namespace {

constexpr float kPreviousLogitLimit = 32.0f;

std::shared_ptr<const ObjectOutput> output_of(const std::shared_ptr<FrameResult>& result) {
  return result == nullptr ? nullptr : result->output;
}

}  // namespace

Result<VideoFacts> video_facts(const VideoModel& model, const VideoOptions& options) {
  const ModelInfo& info = model.info();
  if (!info.video.has_value())
    return unsupported(fmt::format("{} is a model of images, not of videos", info.name),
                       "compile it from a checkpoint; samc inspect lists a model's functions");
  if (options.fill_hole_area < 0 || options.kept_features < 1)
    return invalid_input(fmt::format("fill_hole_area {} and kept_features {} are not 0 and 1 or more",
                                     options.fill_hole_area, options.kept_features));
  if (options.max_conditioning_frames != 0 && options.max_conditioning_frames < 2)
    return invalid_input(fmt::format("max_conditioning_frames is {}", options.max_conditioning_frames),
                         "at least 2: the nearest before and behind the frame at hand; 0 for the model's own number");
  VideoFacts facts = *info.video;
  if (options.max_conditioning_frames != 0) facts.max_cond_frames_in_attn = options.max_conditioning_frames;
  facts.non_overlap_masks_for_mem_enc =
      options.non_overlap_masks_for_mem_enc.value_or(facts.non_overlap_masks_for_mem_enc);
  if (facts.num_maskmem < 0 || facts.memory_temporal_stride_for_eval < 1 || facts.max_obj_ptrs_in_encoder < 1 ||
      (facts.max_cond_frames_in_attn != -1 && facts.max_cond_frames_in_attn < 2))
    return invalid_input(
        fmt::format("{}: num_maskmem {}, memory_temporal_stride_for_eval {}, max_obj_ptrs_in_encoder "
                    "{} and max_cond_frames_in_attn {} are out of their range",
                    info.name, facts.num_maskmem, facts.memory_temporal_stride_for_eval, facts.max_obj_ptrs_in_encoder,
                    facts.max_cond_frames_in_attn));
  if (!model.shapes().single_mask || model.shapes().masks < 2)
    return unsupported(fmt::format("{}: a decoder without both a single mask and several", info.name));
  return facts;
}

VideoSession::VideoSession(VideoModel& model, const VideoFacts& facts, const VideoOptions& options)
    : model_(model),
      facts_(facts),
      options_(options),
      heads_(model, facts, options.allow_nonfinite),
      features_(model, options.kept_features, options.allow_nonfinite) {}

void VideoSession::begin(int64_t num_frames, int64_t width, int64_t height, FrameSource source) {
  remove_all();
  features_.forget_all();
  num_frames_ = num_frames;
  width_ = width;
  height_ = height;
  source_ = std::move(source);
}

const VideoObject* VideoSession::find(int64_t object) const {
  const auto found = std::ranges::find(objects_, object, &VideoObject::id);
  return found == objects_.end() ? nullptr : &*found;
}

std::vector<int64_t> VideoSession::ids() const {
  std::vector<int64_t> result;
  std::ranges::transform(objects_, std::back_inserter(result), &VideoObject::id);
  return result;
}

VideoObject VideoSession::copy_or_new(int64_t id) const {
  if (const VideoObject* object = find(id)) return *object;
  VideoObject object;
  object.id = id;
  return object;
}

VideoSession::PromptKind VideoSession::prompt_kind(const VideoObject& object, int64_t frame) const {
  const auto tracked = object.reversed.find(frame);
  const bool is_first = tracked == object.reversed.end();
  return {is_first, !is_first && tracked->second, is_first || options_.add_all_frames_to_correct_as_cond};
}

Result<const Tensor*> VideoSession::image_embed(const FrameFeatures& features, const VideoObject& object, int64_t frame,
                                                bool is_first, bool reverse, Tensor& holder) {
  if (facts_.num_maskmem == 0) return &features.vision_features;
  if (is_first) return &features.image_embed;
  SAMC_ASSIGN(const MemoryBank bank, object.bank(frame, reverse, num_frames_, facts_));
  const auto memories = static_cast<int64_t>(bank.memories.size());
  const auto pointers = static_cast<int64_t>(bank.pointers.size());
  if (memories > model_.most_memories() || pointers > model_.most_pointers())
    return invalid_input(
        fmt::format("object {} has {} memories and {} pointers at frame {}, {} takes at most {} and {}", object.id,
                    memories, pointers, frame, model_.info().name, model_.most_memories(), model_.most_pointers()),
        "prompt it on fewer frames, or set max_conditioning_frames");
  SAMC_ASSIGN(holder, heads_.attend(features, bank));
  return &holder;
}

std::shared_ptr<FrameResult> VideoSession::finish(ObjectOutput output) const {
  const Shape& shape = output.low_res_logits.shape();
  fill_holes(output.low_res_logits.f32(), shape[2], shape[3], options_.fill_hole_area);
  auto result = std::make_shared<FrameResult>();
  result->pointer = Tensor::copy_of(output.object_pointer.view());
  result->output = std::make_shared<const ObjectOutput>(std::move(output));
  return result;
}

Result<VideoMasks> VideoSession::compose(int64_t frame, std::vector<int64_t> ids, Outputs outputs) const {
  const auto objects = static_cast<int64_t>(ids.size());
  SAMC_TRY(check_memory(objects * width_ * height_ * dtype_size(DType::kF32),
                        fmt::format("the result, {} masks of {} x {} pixels,", objects, width_, height_)));
  VideoMasks result;
  result.frame = frame;
  result.objects = std::move(ids);
  result.logits = masks_at_video_size(outputs, height_, width_, options_.non_overlap_masks, model_.pool());
  result.outputs = std::move(outputs);
  return result;
}

Result<VideoMasks> VideoSession::show(int64_t frame, bool is_conditioning,
                                      const std::vector<const VideoObject*>& objects) const {
  std::vector<int64_t> ids;
  Outputs outputs;
  for (const VideoObject* object : objects) {
    ids.push_back(object->id);
    outputs.push_back(output_of(object->find(frame, is_conditioning)));
  }
  return compose(frame, std::move(ids), std::move(outputs));
}

Result<VideoMasks> VideoSession::show(int64_t frame, const std::vector<const VideoObject*>& objects) const {
  const bool is_conditioning = std::ranges::any_of(
      objects, [&](const VideoObject* object) { return object->new_conditioning.find(frame) != nullptr; });
  return show(frame, is_conditioning, objects);
}

std::vector<const VideoObject*> VideoSession::objects_with(const VideoObject& changed) const {
  std::vector<const VideoObject*> result;
  for (const VideoObject& object : objects_) result.push_back(object.id == changed.id ? &changed : &object);
  if (find(changed.id) == nullptr) result.push_back(&changed);
  return result;
}

Result<VideoMasks> VideoSession::finish_prompt(int64_t frame, const PromptKind& kind, VideoObject object,
                                               ObjectOutput output) {
  object.new_results(kind.is_conditioning).put(frame, finish(std::move(output)));
  SAMC_ASSIGN(VideoMasks masks, show(frame, kind.is_conditioning, objects_with(object)));
  objects_.reserve(objects_.size() + 1);
  const auto place = std::ranges::find(objects_, object.id, &VideoObject::id);
  if (place == objects_.end()) {
    objects_.push_back(std::move(object));
  } else {
    *place = std::move(object);
  }
  return masks;
}

Result<VideoMasks> VideoSession::add_points(int64_t frame, int64_t id, const VideoPrompt& prompt) {
  VideoObject object = copy_or_new(id);
  const auto earlier = object.points.find(frame);
  SAMC_ASSIGN(DecoderPoints points,
              samc::add_points(prompt, earlier == object.points.end() ? nullptr : &earlier->second, width_, height_,
                               model_.shapes().size));
  const PromptKind kind = prompt_kind(object, frame);
  // What was found here before helps the decoder.
  Tensor previous;
  if (const auto output = output_of(object.find(frame, kind.is_conditioning))) {
    previous = Tensor::copy_of(output->low_res_logits.view());
    for (float& logit : previous.f32()) logit = std::clamp(logit, -kPreviousLogitLimit, kPreviousLogitLimit);
  }
  SAMC_ASSIGN(const FrameFeatures* features, features_of(frame));
  Tensor holder;
  SAMC_ASSIGN(const Tensor* embed, image_embed(*features, object, frame, kind.is_first, kind.reverse, holder));
  SAMC_ASSIGN(ObjectOutput output, heads_.segment(*features, *embed, with_pad_point(&points),
                                                  previous.empty() ? TensorView{} : previous.view(),
                                                  uses_three_masks(facts_, kind.is_first, points.count())));
  object.points[frame] = std::move(points);
  object.masks.erase(frame);
  return finish_prompt(frame, kind, std::move(object), std::move(output));
}

Result<VideoMasks> VideoSession::add_mask(int64_t frame, int64_t id, const TensorView& mask) {
  SAMC_ASSIGN(const Tensor at_size, mask_at_model_size(mask, model_.shapes().size, model_.pool()));
  VideoObject object = copy_or_new(id);
  const PromptKind kind = prompt_kind(object, frame);
  SAMC_ASSIGN(const FrameFeatures* features, features_of(frame));
  ObjectOutput output;
  if (facts_.use_mask_input_as_output_without_sam) {
    SAMC_ASSIGN(output, heads_.take_mask(*features, at_size));
  } else {
    Tensor holder;
    SAMC_ASSIGN(const Tensor* embed, image_embed(*features, object, frame, kind.is_first, kind.reverse, holder));
    SAMC_ASSIGN(output, heads_.segment_mask(*features, *embed, at_size, uses_three_masks(facts_, kind.is_first, 0)));
  }
  object.masks.insert(frame);
  object.points.erase(frame);
  return finish_prompt(frame, kind, std::move(object), std::move(output));
}

Result<VideoMasks> VideoSession::clear_prompts(int64_t frame, int64_t id) {
  const auto place = std::ranges::find(objects_, id, &VideoObject::id);
  if (place == objects_.end()) return no_such_object(id);
  VideoObject object = *place;
  object.clear_prompts(frame);
  SAMC_ASSIGN(VideoMasks masks, show(frame, objects_with(object)));
  *place = std::move(object);
  return masks;
}

Result<std::vector<VideoMasks>> VideoSession::remove(int64_t id, const std::vector<int64_t>& frames) {
  const auto place = std::ranges::find(objects_, id, &VideoObject::id);
  if (place == objects_.end()) return no_such_object(id);
  std::vector<const VideoObject*> others;
  for (const VideoObject& object : objects_)
    if (object.id != id) others.push_back(&object);
  std::vector<VideoMasks> result;
  for (const int64_t frame : frames) {
    SAMC_ASSIGN(VideoMasks masks, show(frame, others));
    result.push_back(std::move(masks));
  }
  objects_.erase(place);
  return result;
}

void VideoSession::remove_all() { objects_.clear(); }

Result<std::shared_ptr<const ObjectOutput>> VideoSession::output(int64_t frame, int64_t id) const {
  const VideoObject* object = find(id);
  if (object == nullptr) return no_such_object(id);
  const std::shared_ptr<FrameResult> found = object->find_newest(frame);
  if (found == nullptr) return invalid_input(fmt::format("object {} has no result on frame {}", id, frame));
  return output_of(found);
}

void VideoSession::forget_before(int64_t current) {
  for (VideoObject& object : objects_) object.forget_before(current, facts_);
}

Status VideoSession::no_such_object(int64_t id) const {
  const std::vector<int64_t> known = ids();
  if (known.empty()) return invalid_input(fmt::format("no object {}: there are none", id), "prompt it first");
  return invalid_input(fmt::format("no object {}", id), fmt::format("there are {}", fmt::join(known, ", ")));
}

}  // namespace samc
