#include "runtime/video_memory_bank.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace samc {
namespace {

int64_t floor_divide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }
int64_t ceil_divide(int64_t value, int64_t by) { return -floor_divide(-value, by); }

bool contains(std::span<const int64_t> frames, int64_t frame) {
  return std::ranges::find(frames, frame) != frames.end();
}

// The frame whose memory has the time `time`, 1 to num_maskmem - 1: the one before `frame` (in tracking's direction)
// has the last; the others lie `stride` apart, at multiples of it, from two frames before on.
int64_t memory_frame(const VideoFacts& facts, int64_t frame, bool reverse, int64_t time) {
  const int64_t back = facts.num_maskmem - time;
  const int64_t stride = facts.memory_temporal_stride_for_eval;
  if (back == 1) return reverse ? frame + 1 : frame - 1;
  if (reverse) return (ceil_divide(frame + 2, stride) + back - 2) * stride;
  return (floor_divide(frame - 2, stride) - (back - 2)) * stride;
}

}  // namespace

float BankChoice::time(const ChosenPointer& pointer) const {
  if (most_pointers <= 1) return 0.0f;
  return static_cast<float>(pointer.distance) / static_cast<float>(most_pointers - 1);
}

std::vector<int64_t> closest_conditioning_frames(int64_t frame, std::span<const int64_t> conditioning, int64_t most) {
  std::vector<int64_t> rest(conditioning.begin(), conditioning.end());
  if (most == -1 || static_cast<int64_t>(rest.size()) <= most) return rest;
  std::optional<int64_t> before, after;
  for (const int64_t other : rest) {
    if (other < frame) before = std::max(before.value_or(other), other);
    if (other >= frame) after = std::min(after.value_or(other), other);
  }
  std::vector<int64_t> chosen;
  if (before.has_value()) chosen.push_back(*before);
  if (after.has_value()) chosen.push_back(*after);
  std::erase_if(rest, [&](int64_t other) { return contains(chosen, other); });
  std::ranges::stable_sort(rest, {}, [&](int64_t other) { return std::abs(other - frame); });
  const auto missing = static_cast<size_t>(std::max<int64_t>(most - static_cast<int64_t>(chosen.size()), 0));
  chosen.insert(chosen.end(), rest.begin(), rest.begin() + static_cast<int64_t>(std::min(missing, rest.size())));
  return chosen;
}

BankChoice choose_bank(const VideoFacts& facts, int64_t frame, bool reverse, int64_t num_frames,
                       std::span<const int64_t> conditioning, const std::function<bool(int64_t)>& is_tracked) {
  BankChoice choice;
  const std::vector<int64_t> selected = closest_conditioning_frames(frame, conditioning, facts.max_cond_frames_in_attn);
  for (const int64_t other : selected) choice.memories.push_back({other, true, 0});

  // Conditioning frames that are too many are remembered like tracked ones while they are recent.
  const auto is_unselected = [&](int64_t other) { return contains(conditioning, other) && !contains(selected, other); };
  for (int64_t time = 1; time < facts.num_maskmem; ++time) {
    const int64_t other = memory_frame(facts, frame, reverse, time);
    if (is_tracked(other)) {
      choice.memories.push_back({other, false, time});
    } else if (is_unselected(other)) {
      choice.memories.push_back({other, true, time});
    }
  }

  if (!facts.use_obj_ptrs_in_encoder) return choice;
  choice.most_pointers = std::min(num_frames, facts.max_obj_ptrs_in_encoder);
  for (const int64_t other : selected) {
    const bool is_past = reverse ? other >= frame : other <= frame;
    if (facts.only_obj_ptrs_in_the_past_for_eval && !is_past) continue;
    const int64_t distance = reverse ? other - frame : frame - other;
    choice.pointers.push_back({other, true, facts.use_signed_tpos_enc_to_obj_ptrs ? distance : std::abs(distance)});
  }
  for (int64_t distance = 1; distance < choice.most_pointers; ++distance) {
    const int64_t other = reverse ? frame + distance : frame - distance;
    if (other < 0 || other >= num_frames) break;
    if (is_tracked(other)) {
      choice.pointers.push_back({other, false, distance});
    } else if (is_unselected(other)) {
      choice.pointers.push_back({other, true, distance});
    }
  }
  return choice;
}

bool is_memory_needed(const VideoFacts& facts, int64_t frame, int64_t current) {
  if (facts.num_maskmem < 2) return false;
  if (frame == current || frame == current - 1) return true;
  if (facts.num_maskmem < 3 || frame % facts.memory_temporal_stride_for_eval != 0) return false;
  return frame >= memory_frame(facts, current, false, 1);
}

bool is_pointer_needed(const VideoFacts& facts, int64_t frame, int64_t current) {
  return facts.use_obj_ptrs_in_encoder && frame > current - facts.max_obj_ptrs_in_encoder;
}

}  // namespace samc
