#pragma once
// Frames without compression, one after the other: what another program writes into a pipe (docs/video.md).
//
//   YUV4MPEG2 W640 H480 F30:1 C420jpeg        Y4M, as `ffmpeg -f yuv4mpegpipe` writes it: each frame is a line FRAME
//   and
//                                             its planes
//   samc-frames 640 480 rgb24 30              this line (the rate may be left out), then 640 x 480 x 3 bytes a frame

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "media/frame_source.h"

namespace samc {

// Reads the header; waits for it. The descriptor stays the caller's. Y4M of 8 to 16 bits, 4:2:0, 4:1:1, 4:2:2, 4:4:4
// (its alpha is left out) and mono. The end of the bytes behind a whole frame is the end; inside of one an error says
// how much of it there was. stop ends waiting: the error is of code kInterrupted then.
Result<std::unique_ptr<FrameSource>> open_raw_frames(int descriptor, const std::string& name,
                                                     const std::atomic<bool>* stop = nullptr);
// bytes must stay while the source lives.
Result<std::unique_ptr<FrameSource>> open_raw_frames(std::span<const std::byte> bytes, const std::string& name);

}  // namespace samc
