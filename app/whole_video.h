#pragma once
// A folder of images or a video file as a VideoPredictor takes it, for whoever has a path and no wishes.

#include <memory>
#include <string>

#include "base/status.h"
#include "runtime/video_predictor.h"

namespace samc {

// All frames of the video; of a folder the JPEGs and PNGs, in the order of the numbers in their names, upright. Frames
// are read ahead in a thread of their own, a few at a time. A video is gone through once to count its frames. Errors:
// no frame, frames that cannot be read again (raw frames), a file that is damaged before its end.
Result<std::shared_ptr<VideoFrames>> open_whole_video(const std::string& path);
// The same of a video file in memory.
Result<std::shared_ptr<VideoFrames>> open_whole_video_of_bytes(std::string bytes);

}  // namespace samc
