#pragma once
// The masks of tracked frames, for a video that is drawn when all are there: tracking may go backwards, and a video
// does not. As run lengths they take a few kB a frame.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/track_outputs.h"
#include "base/status.h"
#include "media/rle.h"

namespace samc {

class KeptMasks {
 public:
  void add(const MaskedFrame& frame);
  bool has(int64_t frame) const { return frames_.contains(frame); }
  std::vector<ObjectMask> masks(int64_t frame) const;

 private:
  std::map<int64_t, std::vector<std::pair<int64_t, Rle>>> frames_;
};

// Keeps what a TrackWriter gives it.
std::unique_ptr<TrackOutput> make_keeping_output(std::shared_ptr<KeptMasks> kept);

// Draws the frames of the range that have masks, or all of them, and finishes the video. The source can seek,
// and its frames were read before.
// before_frame: says how far it is; an error of it ends the video there.
Status draw_kept_video(const std::string& path, const TrackedVideo& video, const KeptMasks& kept, FrameSource& source,
                       const FrameRange& range, bool all, const std::function<Status(int64_t frame)>& before_frame,
                       std::string& summary);

}  // namespace samc
