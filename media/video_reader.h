#pragma once
// Frames of a video file or a camera, by FFmpeg's libraries. A build without them (SAMC_VIDEO=OFF) and a machine where
// they are missing say so in one line.

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "media/frame_source.h"

namespace samc {

struct VideoReaderOptions {
  bool ignore_rotation = false;             // leave the frames as they are stored
  const std::atomic<bool>* stop = nullptr;  // ends a read that waits: the error is of code kInterrupted
};

// mp4, mov, mkv, webm and gif, whatever the codec. The file's first video stream; it is only read.
//   - Frames are RGB of 8 bits, by the matrix and range that they are tagged with. Untagged ones are of limited range,
//     and BT.709 from 1280 x any or any x 577 on, else BT.601. 10 and 12 bits are rounded. HDR (PQ, HLG) is tone-mapped
//     to ordinary range (hdr_tone.h). Alpha is dropped. Nothing is deinterlaced, and pixels that are not square stay
//     so.
//   - They are turned upright as the file's display matrix asks.
//   - Frame::seconds are the file's time stamps, whatever their distances.
//   - can_seek().
// Errors, after the frames before: the file is cut short or damaged, a frame has another size, it has no frames.
Result<std::unique_ptr<FrameSource>> open_video(const std::string& path, const VideoReaderOptions& options = {});
// bytes must stay while the source lives.
Result<std::unique_ptr<FrameSource>> open_video(std::span<const std::byte> bytes,
                                                const VideoReaderOptions& options = {});
// A camera that V4L2 knows, such as /dev/video0: without end, and cannot seek.
Result<std::unique_ptr<FrameSource>> open_camera(const std::string& device, const VideoReaderOptions& options = {});

}  // namespace samc
