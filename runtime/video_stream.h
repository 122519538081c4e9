#pragma once
// Tracks objects through frames that come one at a time, with masks at once and bounded memory however long it lasts.
//
//   auto stream = VideoStream::create(Module::load("tiny.samc").value());
//   stream.value().push(frame);                                                       // frame 0: no object yet
//   stream.value().add_new_points_or_box(1, {.points = {{210, 350, 1}}});  // on the frame pushed last
//   while (camera >> frame) show(stream.value().push(frame).value());                 // frames 1, 2, ...
//
// The results are those of VideoPredictor on the same frames, when it is prompted at the same frames in turn: tracked
// up to the frame, prompted there, tracked from the next frame on. What is kept of each object:
//   - its conditioning frames: memory (1, h w, 64) and pointer of the latest, one more than take part. That number is
//     VideoOptions::max_conditioning_frames, else the model's, else kStreamConditioningFrames. Results are those of a
//     VideoPredictor with the same number;
//   - of the other frames the num_maskmem - 1 memories and max_obj_ptrs_in_encoder - 1 pointers that the frame pushed
//     last was tracked with (corrections need them), and its own;
//   - of the frame pushed last: its mask, for corrections.
// Results of earlier frames are the caller's; prompts are for the frame pushed last.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "runtime/module.h"
#include "runtime/rgb_view.h"
#include "runtime/timing.h"
#include "runtime/video_predictor.h"

namespace samc {

constexpr int64_t kStreamConditioningFrames = 16;

struct StreamOptions {
  // How many frames will come, where that is known. It matters below max_obj_ptrs_in_encoder (16) only: the official
  // code scales the distances of pointers by the length of so short a video. 0: at least that many. When more come than
  // was said, they count.
  int64_t num_frames = 0;
};

// What a stream holds at the moment, of all objects together.
struct StreamHoldings {
  int64_t conditioning_frames = 0;
  int64_t memories = 0;  // those of conditioning frames included
  int64_t pointers = 0;  // likewise
  int64_t masks = 0;     // low-res logits
};

class VideoStream {
 public:
  static Result<VideoStream> create(std::shared_ptr<const Module> module, const VideoOptions& options = {},
                                    const StreamOptions& stream = {});
  static Result<VideoStream> create(std::unique_ptr<VideoModel> model, const VideoOptions& options = {},
                                    const StreamOptions& stream = {});
  VideoStream(VideoStream&&) noexcept;
  VideoStream& operator=(VideoStream&&) noexcept;
  ~VideoStream();

  // Tracks all objects into the next frame and gives their masks; without objects none. The pixels are not needed
  // afterwards. When it fails the stream is as before, and the frame may be pushed again. Errors: a size other than the
  // first frame's, an object whose prompts were all taken back.
  Result<VideoMasks> push(const RgbView& frame);

  // As those of VideoPredictor, on the frame pushed last.
  Result<VideoMasks> add_new_points_or_box(int64_t object, const VideoPrompt& prompt);
  Result<VideoMasks> add_new_mask(int64_t object, const TensorView& mask);
  Result<VideoMasks> clear_all_prompts_in_frame(int64_t object);
  // Gives the masks of the others on the frame pushed last.
  Result<VideoMasks> remove_object(int64_t object);
  // Forgets objects and frames; the next frame is frame 0 and may have another size.
  void reset();

  int64_t frames() const;  // pushed so far
  std::vector<int64_t> objects() const;
  StreamHoldings holdings() const;

  const ModelInfo& info() const;
  void observe(OperationObserver observer);
  size_t working_bytes() const;

 private:
  struct State;
  explicit VideoStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace samc
