#pragma once
// Which earlier frames of an object take part in tracking it, and what may be forgotten when frames only come. Numbers
// of frames alone: no tensors. Official code: sam2_base.py (_prepare_memory_conditioned_features), sam2_utils.py
// (select_closest_cond_frames).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "package/model_info.h"

namespace samc {

struct ChosenMemory {
  int64_t frame = 0;
  bool conditioning = false;  // its result is a conditioning frame's, not a tracked frame's
  int64_t time = 0;           // MemoryView::time
  bool operator==(const ChosenMemory&) const = default;
};
struct ChosenPointer {
  int64_t frame = 0;
  bool conditioning = false;
  int64_t distance = 0;  // frames between; negative where the model's distances have a sign and the frame lies ahead
  bool operator==(const ChosenPointer&) const = default;
};
struct BankChoice {
  std::vector<ChosenMemory> memories;
  std::vector<ChosenPointer> pointers;
  int64_t most_pointers = 0;  // max_obj_ptrs_in_encoder, or the video's frames where they are fewer

  // PointerView::time. A video of one frame has no distances: 0, where the official code divides by zero.
  float time(const ChosenPointer& pointer) const;
};

// What `frame` is tracked with. conditioning: the object's conditioning frames, in the order in which they became so;
// where distances are equal the official code goes by that order. is_tracked: whether a frame has a result beside them.
BankChoice choose_bank(const VideoFacts& facts, int64_t frame, bool reverse, int64_t num_frames,
                       std::span<const int64_t> conditioning, const std::function<bool(int64_t)>& is_tracked);

// Up to `most` conditioning frames near `frame` (-1: all): the nearest before, the nearest from it on, then by
// distance.
std::vector<int64_t> closest_conditioning_frames(int64_t frame, std::span<const int64_t> conditioning, int64_t most);

// What later frames of a stream can ask of an earlier one, when prompts may still come on `current` and tracking goes
// on from current + 1. Conditioning frames are another matter.
bool is_memory_needed(const VideoFacts& facts, int64_t frame, int64_t current);
bool is_pointer_needed(const VideoFacts& facts, int64_t frame, int64_t current);

}  // namespace samc
