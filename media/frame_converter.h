#pragma once
// Inside media/: a decoded frame, whatever its pixel format, as 8-bit RGB, upright.

#include <vector>

#include "base/status.h"
#include "media/ffmpeg_libraries.h"
#include "media/hdr_tone.h"
#include "media/image.h"

namespace samc {

// EXIF's 1..8 for a stream's display matrix; 1 where it has none, and where it turns by no quarter.
int orientation_of(const Ffmpeg& ffmpeg, const AVStream& stream);

class FrameConverter {
 public:
  explicit FrameConverter(const Ffmpeg& ffmpeg) : ffmpeg_(&ffmpeg) {}

  // The matrix and range that the frame is tagged with count. An untagged one is limited range, and BT.709 from 1280
  // pixels of width or 577 of height on, else BT.601, as players take it. PQ and HLG are tone-mapped (hdr_tone.h).
  // Alpha is dropped. frame has the size of the one before, or this is the first.
  Result<Image> convert(const AVFrame& frame, int orientation);

 private:
  Status prepare(const AVFrame& frame, AVPixelFormat target);

  const Ffmpeg* ffmpeg_;
  FfmpegPointer<SwsContext> scaler_;
  int format_ = AV_PIX_FMT_NONE, colours_ = 0, range_ = 0;
  int target_ = AV_PIX_FMT_NONE;
  std::vector<uint8_t> rows_;  // of the frame, with room behind each; 16 bits a value in HDR
};

}  // namespace samc
