#include "runtime/video_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace samc {

std::shared_ptr<FrameResult> FrameResults::find(int64_t frame) const {
  const auto found = std::ranges::find(entries_, frame, &Entry::first);
  return found == entries_.end() ? nullptr : found->second;
}

void FrameResults::put(int64_t frame, std::shared_ptr<FrameResult> result) {
  const auto found = std::ranges::find(entries_, frame, &Entry::first);
  if (found == entries_.end()) {
    entries_.emplace_back(frame, std::move(result));
  } else {
    found->second = std::move(result);
  }
}

void FrameResults::erase(int64_t frame) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == frame; });
}

std::vector<int64_t> FrameResults::frames() const {
  std::vector<int64_t> result;
  std::ranges::transform(entries_, std::back_inserter(result), &Entry::first);
  return result;
}

std::shared_ptr<FrameResult> VideoObject::find_tracked(int64_t frame) const {
  const auto found = tracked.find(frame);
  return found == tracked.end() ? nullptr : found->second;
}

std::shared_ptr<FrameResult> VideoObject::find(int64_t frame, bool is_conditioning) const {
  if (auto result = (is_conditioning ? new_conditioning : new_tracked).find(frame)) return result;
  if (auto result = conditioning.find(frame)) return result;
  return find_tracked(frame);
}

std::shared_ptr<FrameResult> VideoObject::find_newest(int64_t frame) const {
  if (auto result = new_tracked.find(frame)) return result;
  return find(frame, true);
}

std::set<int64_t> VideoObject::prompted_frames() const {
  std::set<int64_t> result = masks;
  for (const auto& [frame, unused] : points) result.insert(frame);
  return result;
}

void VideoObject::put(int64_t frame, bool is_conditioning, const std::shared_ptr<FrameResult>& result) {
  if (is_conditioning) {
    conditioning.put(frame, result);
  } else {
    tracked[frame] = result;
  }
}

void VideoObject::clear_prompts(int64_t frame) {
  points.erase(frame);
  masks.erase(frame);
  new_conditioning.erase(frame);
  new_tracked.erase(frame);
  if (auto result = conditioning.find(frame)) {
    conditioning.erase(frame);
    tracked[frame] = std::move(result);
    reversed.erase(frame);
  }
}

void VideoObject::forget_tracked_around(int64_t frame, const VideoFacts& facts) {
  const int64_t reach = facts.memory_temporal_stride_for_eval * facts.num_maskmem;
  std::erase_if(tracked,
                [&](const auto& entry) { return entry.first != frame && std::abs(entry.first - frame) <= reach; });
}

void VideoObject::forget_before(int64_t current, const VideoFacts& facts) {
  const auto is_earlier = [&](const auto& entry) { return entry.first != current; };
  std::erase_if(points, is_earlier);
  std::erase_if(reversed, is_earlier);
  std::erase_if(masks, [&](int64_t frame) { return frame != current; });

  const std::vector<int64_t> conditioning_frames = conditioning.frames();
  // One more than take part, so that there are still more than that: it decides their order.
  const int64_t most = facts.max_cond_frames_in_attn;
  const std::vector<int64_t> kept =
      closest_conditioning_frames(current, conditioning_frames, most == -1 ? most : most + 1);
  for (const int64_t frame : conditioning_frames) {
    if (frame == current) continue;
    if (std::ranges::find(kept, frame) == kept.end() && !is_memory_needed(facts, frame, current) &&
        !is_pointer_needed(facts, frame, current)) {
      conditioning.erase(frame);
    } else {
      conditioning.find(frame)->output.reset();
    }
  }
  std::erase_if(tracked, [&](const auto& entry) {
    const auto& [frame, result] = entry;
    if (frame == current) return false;
    result->output.reset();
    if (!is_memory_needed(facts, frame, current)) result->memory = Tensor();
    return result->memory.empty() && !is_pointer_needed(facts, frame, current);
  });
}

Result<MemoryBank> VideoObject::bank(int64_t frame, bool reverse, int64_t num_frames, const VideoFacts& facts) const {
  if (conditioning.empty())
    return invalid_input(fmt::format("object {} has no prompted frame to be tracked from", id),
                         "prompt it on a frame that was not tracked, and propagate");
  const std::vector<int64_t> frames = conditioning.frames();
  const BankChoice choice =
      choose_bank(facts, frame, reverse, num_frames, frames, [&](int64_t other) { return tracked.contains(other); });
  const auto result_of = [&](int64_t other, bool is_conditioning) -> const FrameResult& {
    return is_conditioning ? *conditioning.find(other) : *tracked.at(other);
  };
  MemoryBank result;
  for (const ChosenMemory& chosen : choice.memories)
    result.memories.push_back({&result_of(chosen.frame, chosen.conditioning).memory, chosen.time});
  for (const ChosenPointer& chosen : choice.pointers)
    result.pointers.push_back({&result_of(chosen.frame, chosen.conditioning).pointer, choice.time(chosen)});
  return result;
}

}  // namespace samc
