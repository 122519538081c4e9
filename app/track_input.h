#pragma once
// VIDEO of `samc track`: a video file, a folder of images, frames on standard input, a camera.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "media/frame_source.h"

namespace samc {

struct TrackInputArguments {
  std::string video;   // a path, "-": standard input
  std::string camera;  // a device, instead
  double rate = 25;    // of a folder: images a second
  Orientation orientation = Orientation::kUpright;
};

struct TrackInput {
  std::unique_ptr<FrameSource> source;
  std::vector<std::string> files;  // that are read
  std::vector<std::string> names;  // of a folder's images, without endings; empty where two would be the same
  std::vector<std::string> warnings;
  std::shared_ptr<void> closer;  // of what the source reads from
};

// stop: ends a read that waits.
Result<TrackInput> open_track_input(const TrackInputArguments& arguments, const std::atomic<bool>& stop);

}  // namespace samc
