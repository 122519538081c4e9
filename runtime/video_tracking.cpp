// The part of VideoSession that tracks: consolidate() and track().

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/video_masks.h"
#include "runtime/video_prompts.h"
#include "runtime/video_session.h"

namespace samc {

// The memory of a prompted frame, from its mask after holes were filled. Where masks may not overlap in memory, those
// of the frame's other objects count.
Status VideoSession::remember_prompt(int64_t frame, const VideoObject& object, FrameResult& result) {
  SAMC_ASSIGN(const FrameFeatures* features, features_of(frame));
  Tensor mask = heads_.at_model_size(result.output->low_res_logits);
  if (facts_.non_overlap_masks_for_mem_enc) {
    std::vector<Tensor> others;
    std::vector<std::span<float>> planes;
    for (const VideoObject& other : objects_) {
      if (other.id == object.id) {
        planes.push_back(mask.f32());
        continue;
      }
      const std::shared_ptr<FrameResult> found = other.find_newest(frame);
      if (found == nullptr || found->output == nullptr) continue;
      others.push_back(heads_.at_model_size(found->output->low_res_logits));
      planes.push_back(others.back().f32());
    }
    keep_greatest(planes, model_.pool());
  }
  SAMC_ASSIGN(result.memory, heads_.encode_memory(*features, mask, result.output->object_score, true));
  return Status::ok();
}

Status VideoSession::consolidate(VideoObject& object) {
  const Status no_prompt = object.conditioning.empty() && object.new_conditioning.empty()
                               ? invalid_input(fmt::format("object {} has no prompted frame", object.id),
                                               "give it points, a box or a mask, or remove it")
                               : Status::ok();
  if (object.new_conditioning.empty() && object.new_tracked.empty()) return no_prompt;
  VideoObject changed = object;
  for (const bool is_conditioning : {false, true}) {
    FrameResults& prompted = changed.new_results(is_conditioning);
    for (const auto& [frame, result] : prompted.entries()) {
      if (result->memory.empty() && facts_.num_maskmem > 0) SAMC_TRY(remember_prompt(frame, changed, *result));
      changed.put(frame, is_conditioning, result);
      if (options_.clear_non_cond_mem_around_input) changed.forget_tracked_around(frame, facts_);
    }
    prompted.clear();
  }
  for (const auto& [frame, unused] : changed.conditioning.entries()) changed.tracked.erase(frame);
  object = std::move(changed);
  return no_prompt;
}

Status VideoSession::consolidate() {
  if (objects_.empty()) return invalid_input("no object has a prompt", "give points, a box or a mask of one first");
  for (VideoObject& object : objects_) SAMC_TRY(consolidate(object));
  return Status::ok();
}

Status VideoSession::track_objects(std::span<const size_t> wanted, const FrameFeatures& features, int64_t frame,
                                   bool reverse, std::vector<ObjectOutput>& tracked) {
  std::vector<Tensor> holders(wanted.size());
  std::vector<const Tensor*> embeds(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    SAMC_ASSIGN(embeds[i], image_embed(features, objects_[wanted[i]], frame, false, reverse, holders[i]));
  }
  SAMC_ASSIGN(std::vector<ObjectOutput> outputs, heads_.segment_all(features, embeds));
  for (size_t i = 0; i < wanted.size(); ++i) tracked[wanted[i]] = std::move(outputs[i]);
  return Status::ok();
}

// The memories of tracked objects, from their masks before holes are filled. outputs: of all objects; memories: empty
// ones for those that were tracked just now.
Status VideoSession::remember_tracked(const FrameFeatures& features, const std::vector<const ObjectOutput*>& outputs,
                                      const std::vector<Tensor*>& memories) {
  const auto encode = [&](size_t object, Tensor& mask) -> Status {
    SAMC_ASSIGN(*memories[object], heads_.encode_memory(features, mask, outputs[object]->object_score, false));
    return Status::ok();
  };
  if (!facts_.non_overlap_masks_for_mem_enc) {
    for (size_t object = 0; object < outputs.size(); ++object) {
      if (memories[object] == nullptr) continue;
      Tensor mask = heads_.at_model_size(outputs[object]->low_res_logits);
      SAMC_TRY(encode(object, mask));
    }
    return Status::ok();
  }
  std::vector<Tensor> masks;
  std::vector<std::span<float>> planes;
  for (const ObjectOutput* output : outputs) masks.push_back(heads_.at_model_size(output->low_res_logits));
  for (Tensor& mask : masks) planes.push_back(mask.f32());
  keep_greatest(planes, model_.pool());
  for (size_t object = 0; object < outputs.size(); ++object)
    if (memories[object] != nullptr) SAMC_TRY(encode(object, masks[object]));
  return Status::ok();
}

Result<VideoMasks> VideoSession::track(int64_t frame, bool reverse) {
  const size_t count = objects_.size();
  std::vector<std::shared_ptr<FrameResult>> prompted(count);
  std::vector<ObjectOutput> tracked(count);
  std::vector<Tensor> memories(count);
  std::vector<const ObjectOutput*> all;
  std::vector<Tensor*> wanted(count, nullptr);
  std::vector<size_t> to_track;
  for (size_t index = 0; index < count; ++index) {
    prompted[index] = objects_[index].conditioning.find(frame);
    all.push_back(prompted[index] != nullptr ? prompted[index]->output.get() : &tracked[index]);
    if (prompted[index] != nullptr) continue;
    to_track.push_back(index);
    wanted[index] = &memories[index];
  }
  if (!to_track.empty()) {
    SAMC_ASSIGN(const FrameFeatures* features, features_of(frame));
    const auto at_once = static_cast<size_t>(heads_.objects_at_once());
    for (size_t first = 0; first < to_track.size(); first += at_once)
      SAMC_TRY(track_objects(std::span(to_track).subspan(first, std::min(at_once, to_track.size() - first)), *features,
                             frame, reverse, tracked));
    if (facts_.num_maskmem > 0) SAMC_TRY(remember_tracked(*features, all, wanted));
  }

  // Entries are made beforehand, so that nothing can fail while they are put in place.
  std::vector<std::map<int64_t, std::shared_ptr<FrameResult>>> new_results(count);
  std::vector<std::map<int64_t, bool>> new_reversed(count);
  Outputs outputs;
  for (size_t index = 0; index < count; ++index) {
    new_reversed[index][frame] = reverse;
    if (prompted[index] != nullptr) {
      outputs.push_back(prompted[index]->output);
      continue;
    }
    const std::shared_ptr<FrameResult> result = finish(std::move(tracked[index]));
    result->memory = std::move(memories[index]);
    outputs.push_back(result->output);
    new_results[index][frame] = result;
  }
  SAMC_ASSIGN(VideoMasks masks, compose(frame, ids(), std::move(outputs)));
  for (size_t index = 0; index < count; ++index) {
    VideoObject& object = objects_[index];
    if (prompted[index] == nullptr) {
      object.tracked.erase(frame);
      object.tracked.merge(new_results[index]);
    } else if (options_.clear_non_cond_mem_around_input) {
      object.forget_tracked_around(frame, facts_);
    }
    object.reversed.erase(frame);
    object.reversed.merge(new_reversed[index]);
  }
  return masks;
}

}  // namespace samc
