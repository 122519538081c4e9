#pragma once
// What `samc track` does between its frames and its outputs: reads ahead, prompts, tracks, hands over.
//
//   reader thread --frames--> this thread --masks--> TrackWriter's thread

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "app/console.h"
#include "app/track_frames.h"
#include "app/track_outputs.h"
#include "base/stopwatch.h"
#include "base/tensor.h"
#include "media/frame_source.h"
#include "media/track_prompts.h"
#include "runtime/video_predictor.h"
#include "runtime/video_stream.h"

namespace samc {

enum class TrackDirection { kForward, kReverse, kBoth };

struct TrackPlan {
  FrameRange range;
  TrackDirection direction = TrackDirection::kForward;
  bool is_live = false;              // a camera: frames that come while one is tracked are left out
  bool shows_untracked = false;      // an output wants the frames before the first prompted one too
  std::vector<TrackPrompt> prompts;  // in the order of the calls
  std::vector<Tensor> masks;         // of each: u8 (height, width), empty where it has none
  int64_t first = 0;                 // the frames that are prompted, numbers of the source
  int64_t last = 0;

  bool is_first_only() const { return first == last; }
};

class Tracker {
 public:
  // All must live as long. stop is the one that the source was opened with: set when a stream ends early.
  Tracker(const TrackPlan& plan, FrameSource& source, TrackWriter& writer, Progress& progress, std::atomic<bool>& stop)
      : plan_(plan), source_(source), writer_(writer), progress_(progress), stop_(stop) {}

  // One frame after the other, nothing kept of those before: forwards. A source that can seek stands at its start.
  // Prompts are given when their frame comes, so later ones do not change what was tracked before.
  Status run_stream(std::unique_ptr<VideoModel> model, const VideoOptions& options);
  // With all frames at hand: every prompt first, then any direction. The source can seek.
  Status run_offline(std::unique_ptr<VideoModel> model, const VideoOptions& options);

  // Goes through the frames, saying so. An error when the end is asked for.
  Status show_reading(int64_t frame);

 private:
  Status count(int64_t most);
  Status prompt_stream(VideoStream& stream, const Frame& frame, std::optional<VideoMasks>& masks);
  Status prompt_offline(VideoPredictor& predictor);
  Status track_stream(VideoStream& stream, BoundedQueue<Frame>& frames);
  Status propagate(VideoPredictor& predictor, TrackFrames& frames, const PropagateOptions& options,
                   std::optional<int64_t> leave_out);
  Status hand_over(std::shared_ptr<const Frame> frame, std::optional<VideoMasks> masks);
  void show_tracking(int64_t frame);
  std::string end_of_video(int64_t frames) const;
  Status no_such_frame(const TrackPrompt& prompt, int64_t frames) const;
  int64_t ordinal_of(int64_t frame) const { return (frame - plan_.range.from) / plan_.range.every; }

  const TrackPlan& plan_;
  FrameSource& source_;
  TrackWriter& writer_;
  Progress& progress_;
  std::atomic<bool>& stop_;
  int64_t counted_ = 0;  // frames of the range, where they were counted
  int64_t start_ = 0;    // where the source stands then
  Status end_;           // why they end there
  std::optional<int64_t> to_track_;
  std::set<size_t> given_;  // prompts of a stream
  std::optional<Stopwatch> watch_;
};

}  // namespace samc
