#pragma once
// The frames of a source as a VideoPredictor asks for them: in any order, read ahead in a thread of their own.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/status.h"
#include "media/frame_source.h"
#include "runtime/video_predictor.h"

namespace samc {

// Goes past the frames of a range, up to `most` of them, and says how many there are. end: why they end where they do,
// ok at the source's end. The source can seek; it stands anywhere then. before_frame may end this by an error.
Result<int64_t> count_frames(FrameSource& source, const FrameRange& range, int64_t most, Status& end,
                             const std::function<Status(int64_t frame)>& before_frame);

// Frame k is the source's frame range.from + k * range.every. Forwards a few frames are read ahead; backwards a piece
// of the video is read forwards, kept, and the piece before it read ahead. Pieces are bounded in bytes.
class TrackFrames : public VideoFrames {
 public:
  // count: of the frames that count_frames() found. The source is used by this object alone while it lives.
  TrackFrames(FrameSource& source, const FrameRange& range, int64_t count);
  ~TrackFrames() override;
  TrackFrames(const TrackFrames&) = delete;
  TrackFrames& operator=(const TrackFrames&) = delete;

  int64_t count() const override { return count_; }
  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  Result<RgbView> frame(int64_t index) override;
  // The same, for as long as it is held.
  Result<std::shared_ptr<const Frame>> get(int64_t index);

 private:
  void work();
  std::optional<int64_t> to_read() const;
  Result<Frame> read(int64_t index);
  void forget();

  FrameSource& source_;
  const FrameRange range_;
  const int64_t count_;
  const int64_t width_, height_;
  int64_t piece_ = 0;  // frames

  std::shared_ptr<const Frame> given_;  // by frame()
  int64_t position_ = -1;               // of the source; -1: anywhere. The thread's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, std::shared_ptr<const Frame>> frames_;
  int64_t wanted_ = 0;
  bool backwards_ = false;
  bool stopped_ = false;
  Status failure_;
  std::thread thread_;
};

}  // namespace samc
