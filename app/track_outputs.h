#pragma once
// Where the masks of `samc track` go: a video, palette PNGs, a PNG for each object, JSON lines, npz. They are made in a
// thread of their own, while the next frame is tracked.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/bounded_queue.h"
#include "base/status.h"
#include "media/frame_source.h"
#include "media/track_prompts.h"
#include "runtime/video_predictor.h"

namespace samc {

// The name of an object's folder of --per-object: "007".
std::string object_folder(int64_t object);

// One frame of the source, and what was found on it.
struct TrackedFrame {
  int64_t index = 0;  // in the source
  double seconds = 0;
  std::shared_ptr<const Frame> frame;  // may be null where no video is drawn
  std::optional<VideoMasks> masks;     // none before the first prompted frame
};

// A mask as outputs take it.
struct ObjectMask {
  int64_t object = 0;
  std::vector<uint8_t> mask;  // (height, width), 0 and 1
  std::shared_ptr<const ObjectOutput> output;
};

struct MaskedFrame {
  const TrackedFrame& tracked;
  int width = 0, height = 0;
  std::vector<ObjectMask> masks;
};

class TrackOutput {
 public:
  virtual ~TrackOutput() = default;
  // masks: none for a frame before the first prompted one.
  virtual Status add(const MaskedFrame& frame) = 0;
  // Makes what is there a whole file. Called after an error too, but not when no frame was tracked.
  virtual Status finish() { return Status::ok(); }
  // What was written, for people; empty: nothing to say.
  virtual std::string summary() const { return {}; }
};

struct TrackOutputPaths {
  std::string video;        // a .mp4
  std::string masks_dir;    // palette PNGs: NAME.png
  std::string objects_dir;  // PNGs of 0 and 255: OBJECT/NAME.png
  std::string rle;          // JSON lines; "-": standard output
  std::string npz;
};

// What outputs know of the video.
struct TrackedVideo {
  FrameSourceInfo info;
  std::vector<std::string> names;  // of a folder's images, without their endings; empty: numbers
  std::vector<TrackPrompt> prompts;

  std::string name_of(int64_t index) const;
};

// The outputs that were asked for, but for the video.
std::vector<std::unique_ptr<TrackOutput>> make_track_outputs(const TrackOutputPaths& paths, const TrackedVideo& video);
// Frames in the order of time: masks and prompts drawn on them. video must live as long.
std::unique_ptr<TrackOutput> make_video_output(const std::string& path, const TrackedVideo& video);

// The thread that makes them.
class TrackWriter {
 public:
  TrackWriter(std::vector<std::unique_ptr<TrackOutput>> outputs, int width, int height);
  ~TrackWriter();
  TrackWriter(const TrackWriter&) = delete;
  TrackWriter& operator=(const TrackWriter&) = delete;

  // Waits while two frames are still to be written. An error is that of an earlier frame.
  Status push(TrackedFrame frame);
  // Waits for all that was pushed and finishes the files. Gives the first error; the others are warned of.
  Status finish();
  // Of frames with masks.
  int64_t tracked() const { return tracked_; }
  std::string summary() const;

 private:
  void work();
  Status write(const TrackedFrame& frame);
  std::vector<std::unique_ptr<TrackOutput>> outputs_;
  int width_, height_;
  BoundedQueue<TrackedFrame> queue_;
  int64_t tracked_ = 0;
  std::thread thread_;
};

}  // namespace samc
