#pragma once
// Images in files as the frames of a video.

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "media/frame_source.h"

namespace samc {

// The images in this order, read one by one; rate frames a second. name: the folder, for messages. All must have the
// first one's size: an error names the first that has not, and one that cannot be read. can_seek(), to any frame.
Result<std::unique_ptr<FrameSource>> open_image_frames(std::vector<std::string> paths, const std::string& name,
                                                       double rate, Orientation orientation = Orientation::kUpright);

}  // namespace samc
