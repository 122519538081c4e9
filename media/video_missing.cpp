// Where samc is built without FFmpeg's libraries: what is said in place of a video.

#include "media/video_reader.h"
#include "media/video_writer.h"

namespace samc {
namespace {

Status missing(const std::string& what) {
  return unsupported(fmt::format("{}: this samc was built without FFmpeg's libraries, which videos need", what),
                     "give a folder of images, or build with SAMC_VIDEO=ON (libavformat-dev libavcodec-dev "
                     "libswscale-dev libavdevice-dev)");
}

}  // namespace

Result<std::unique_ptr<FrameSource>> open_video(const std::string& path, const VideoReaderOptions&) {
  return missing(path);
}
Result<std::unique_ptr<FrameSource>> open_video(std::span<const std::byte>, const VideoReaderOptions&) {
  return missing("the video");
}
Result<std::unique_ptr<FrameSource>> open_camera(const std::string& device, const VideoReaderOptions&) {
  return missing(device);
}
Result<std::unique_ptr<VideoWriter>> VideoWriter::create(const std::string& path, const VideoWriterOptions&) {
  return missing(path);
}

}  // namespace samc
