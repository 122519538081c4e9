#pragma once
// Frames one after the other, wherever they come from: a video file (video_reader.h), a folder of images
// (folder_frames.h), standard input (raw_frames.h), a camera.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "media/image.h"

namespace samc {

struct Frame {
  Image image;
  int64_t index = 0;   // in its source, from 0
  double seconds = 0;  // since the first frame; never less than the frame's before
};

struct FrameSourceInfo {
  std::string name;  // for messages: a path, "standard input"
  int width = 0;     // of every frame, upright
  int height = 0;
  std::string format;                 // "mov,mp4: h264, yuv420p10le, bt2020nc, smpte2084": for people
  std::optional<int64_t> frames;      // as far as it is known without reading them all
  double rate = 0;                    // frames a second, on average; 0: unknown
  std::vector<std::string> warnings;  // for people, of what was read past
};

// One thread's at a time.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual const FrameSourceInfo& info() const = 0;

  // The next frame; nothing at the end. An error ends the source, and the frames before it are good: a truncated file,
  // damage, a frame of another size. Whoever asks again gets the same answer.
  virtual Result<std::optional<Frame>> next() = 0;
  // Goes past one frame without making an image of it. false at the end.
  virtual Result<bool> skip() {
    SAMC_ASSIGN(const std::optional<Frame> frame, next());
    return frame.has_value();
  }

  // Whether seek() works.
  virtual bool can_seek() const { return false; }
  // Makes this frame, which was read or skipped before, the next one. Its pixels are those of the first time.
  virtual Status seek(int64_t) { return unsupported(info().name + ": it gives its frames only once"); }
};

// Which frames of a source are looked at: from, from + every, ... up to `to`, which is among them if it is one of
// these.
struct FrameRange {
  int64_t from = 0;
  std::optional<int64_t> to;
  int64_t every = 1;

  bool holds(int64_t frame) const { return frame >= from && (!to || frame <= *to) && (frame - from) % every == 0; }
};

// The next frame of the range, nothing behind its end.
Result<std::optional<Frame>> next_in_range(FrameSource& source, const FrameRange& range, int64_t& position);

// "frame 12 has 640 x 360 pixels, those before 1280 x 720"
Status changed_size(const std::string& where, int width, int height, const FrameSourceInfo& info);

}  // namespace samc
