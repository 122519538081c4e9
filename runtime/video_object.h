#pragma once
// What a video predictor knows of one object: its prompts, and its results frame by frame. Copies are cheap and share
// the results, so that a call works on a copy and puts it in place when nothing can fail any more.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "package/model_info.h"
#include "runtime/prompt_points.h"
#include "runtime/video_memory_bank.h"
#include "runtime/video_model.h"
#include "runtime/video_predictor.h"

namespace samc {

// An object's result on one frame.
struct FrameResult {
  std::shared_ptr<const ObjectOutput> output;  // streams drop those of earlier frames
  Tensor pointer;                              // f32 (1, C): output's, which outlives it
  Tensor memory;                               // bf16 (1, h w, M); empty until it is encoded, and without memories
};

// Results by frame, in the order in which the frames came first, like a dict of the official code.
class FrameResults {
 public:
  using Entry = std::pair<int64_t, std::shared_ptr<FrameResult>>;
  std::shared_ptr<FrameResult> find(int64_t frame) const;  // nullptr: none
  void put(int64_t frame, std::shared_ptr<FrameResult> result);
  void erase(int64_t frame);
  void clear() { entries_.clear(); }
  bool empty() const { return entries_.empty(); }
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<int64_t> frames() const;

 private:
  std::vector<Entry> entries_;
};

struct VideoObject {
  int64_t id = 0;
  std::map<int64_t, DecoderPoints> points;  // by frame, without their pad point
  std::set<int64_t> masks;                  // frames with a mask prompt
  FrameResults conditioning;
  std::map<int64_t, std::shared_ptr<FrameResult>> tracked;
  FrameResults new_conditioning;     // of prompts since tracking last began: not remembered yet
  FrameResults new_tracked;          // likewise, corrections of tracked frames
  std::map<int64_t, bool> reversed;  // frames that were tracked, and whether backwards

  std::shared_ptr<FrameResult> find_tracked(int64_t frame) const;
  // The new result of that kind, else the old one of either; nullptr: none.
  std::shared_ptr<FrameResult> find(int64_t frame, bool is_conditioning) const;
  // The newest result, of either kind.
  std::shared_ptr<FrameResult> find_newest(int64_t frame) const;
  std::set<int64_t> prompted_frames() const;

  FrameResults& new_results(bool is_conditioning) { return is_conditioning ? new_conditioning : new_tracked; }
  void put(int64_t frame, bool is_conditioning, const std::shared_ptr<FrameResult>& result);
  // Takes prompts and what they made back; what a conditioning frame showed stays, as a tracked frame's.
  void clear_prompts(int64_t frame);
  // clear_non_cond_mem_around_input.
  void forget_tracked_around(int64_t frame, const VideoFacts& facts);
  // What no later frame of a stream needs.
  void forget_before(int64_t current, const VideoFacts& facts);

  // What `frame` is tracked with, as long as the object is not changed. Errors: no conditioning frame.
  Result<MemoryBank> bank(int64_t frame, bool reverse, int64_t num_frames, const VideoFacts& facts) const;
};

}  // namespace samc
