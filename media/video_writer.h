#pragma once
// Frames as an mp4 that every browser plays: H.264 by libx264, yuv420p, its index in front (faststart).

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "media/image.h"

namespace samc {

struct VideoWriterOptions {
  int width = 0;
  int height = 0;
  double rate = 0;  // frames a second, for the file's header and the last frame's length; 0: 25. Times come with frames
  int quality = 20;  // libx264's CRF: 0 is lossless, 51 the worst
};

// Frames are RGB; the file is tagged BT.709, limited range. H.264 needs even sides: an odd one gets the last column or
// row once more. The file is written in a private folder beside its place and renamed by finish(); destroyed without
// it, or on Ctrl-C, it is removed.
//
// Room for the index is set aside while frames are written, so that a disk that fills up costs the frames that found no
// room, and finish() still makes a whole file of those before.
class VideoWriter {
 public:
  // Errors: libx264 is missing, or FFmpeg at all; the place cannot be written; a size that H.264 does not have (16384
  // on a side).
  static Result<std::unique_ptr<VideoWriter>> create(const std::string& path, const VideoWriterOptions& options);
  virtual ~VideoWriter() = default;

  // image is of the writer's size. seconds: since the first frame, greater than the frame's before; what is not is put
  // a millisecond behind it. After an error no more frames are taken.
  virtual Status write(const Image& image, double seconds) = 0;
  // The frames that are in the file now, or will be when it is finished.
  virtual int64_t frames() const = 0;
  // Makes the file. Without a frame there is none, and this is an error.
  virtual Status finish() = 0;
};

}  // namespace samc
