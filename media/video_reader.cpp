#include "media/video_reader.h"

#include <utility>

#include "base/guard.h"
#include "media/frame_converter.h"
#include "media/video_decoder.h"

namespace samc {
namespace {

class VideoReader : public FrameSource {
 public:
  VideoReader(VideoDecoder decoder, const std::string& name, bool is_camera, bool ignore_rotation)
      : decoder_(std::move(decoder)), converter_(decoder_.ffmpeg()), is_camera_(is_camera) {
    const AVStream& stream = decoder_.stream();
    orientation_ = ignore_rotation ? 1 : orientation_of(decoder_.ffmpeg(), stream);
    stored_width_ = stream.codecpar->width;
    stored_height_ = stream.codecpar->height;
    const bool lies = orientation_ >= 5;  // EXIF's quarter turns
    info_.name = name;
    info_.width = lies ? stored_height_ : stored_width_;
    info_.height = lies ? stored_width_ : stored_height_;
    info_.rate = decoder_.frame_rate();
    info_.format = description();
    note_length();
  }

  const FrameSourceInfo& info() const override { return info_; }

  Result<std::optional<Frame>> next() override {
    return guarded([&]() -> Result<std::optional<Frame>> { return next_unguarded(); });
  }

  Result<bool> skip() override {
    return guarded([&]() -> Result<bool> {
      SAMC_ASSIGN(const AVFrame* frame, decode());
      return frame != nullptr;
    });
  }

  bool can_seek() const override { return !is_camera_; }
  Status seek(int64_t index) override {
    failure_ = Status::ok();
    return guarded([&] { return decoder_.seek(index).at(info_.name); });
  }

 private:
  // An error for a frame of another size.
  Result<const AVFrame*> decode() {
    if (!failure_.is_ok()) return failure_;
    Result<const AVFrame*> frame = decoder_.next();
    if (!frame.is_ok()) return frame.status().at(info_.name);
    if (frame.value() == nullptr) return frame;
    if (frame.value()->width == stored_width_ && frame.value()->height == stored_height_) return frame;
    FrameSourceInfo stored;
    stored.width = stored_width_;
    stored.height = stored_height_;
    failure_ = changed_size(fmt::format("{}: frame {}", info_.name, decoder_.position() - 1), frame.value()->width,
                            frame.value()->height, stored);
    return failure_;
  }

  Result<std::optional<Frame>> next_unguarded() {
    SAMC_ASSIGN(const AVFrame* decoded, decode());
    if (decoded == nullptr) return std::optional<Frame>();
    Frame frame;
    frame.index = decoder_.position() - 1;
    frame.seconds = decoder_.seconds();
    Result<Image> image = converter_.convert(*decoded, orientation_);
    if (!image.is_ok()) return image.status().at(fmt::format("{}: frame {}", info_.name, frame.index));
    frame.image = std::move(image).value();
    return std::optional<Frame>(std::move(frame));
  }

  std::string description() const {
    const Ffmpeg& ffmpeg = decoder_.ffmpeg();
    const AVCodecParameters& parameters = *decoder_.stream().codecpar;
    const char* pixels = ffmpeg.av_get_pix_fmt_name(static_cast<AVPixelFormat>(parameters.format));
    return fmt::format("{}, {}", ffmpeg.avcodec_get_name(parameters.codec_id), pixels == nullptr ? "?" : pixels);
  }

  // The number of frames as the container has it, else by its duration.
  void note_length() {
    const AVStream& stream = decoder_.stream();
    const AVFormatContext& format = decoder_.format();
    constexpr double kMostFrames = 1e12;
    double frames = static_cast<double>(stream.nb_frames);
    if (frames <= 0 && info_.rate > 0 && stream.duration > 0)
      frames = static_cast<double>(stream.duration) * av_q2d(stream.time_base) * info_.rate;
    if (frames <= 0 && info_.rate > 0 && format.duration > 0)
      frames = static_cast<double>(format.duration) / AV_TIME_BASE * info_.rate;
    if (frames > 0 && frames < kMostFrames && !is_camera_) info_.frames = static_cast<int64_t>(frames + 0.5);
  }

  VideoDecoder decoder_;
  FrameConverter converter_;
  bool is_camera_;
  int orientation_ = 1;
  int stored_width_ = 0, stored_height_ = 0;
  FrameSourceInfo info_;
  Status failure_;
};

Result<std::unique_ptr<FrameSource>> open(const VideoInput& input, const std::string& name,
                                          const VideoReaderOptions& options) {
  return guarded([&]() -> Result<std::unique_ptr<FrameSource>> {
    Result<VideoDecoder> decoder = VideoDecoder::open(input, options.stop);
    if (!decoder.is_ok()) return decoder.status().at(name);
    return std::unique_ptr<FrameSource>(
        std::make_unique<VideoReader>(std::move(decoder).value(), name, input.is_camera, options.ignore_rotation));
  });
}

}  // namespace

Result<std::unique_ptr<FrameSource>> open_video(const std::string& path, const VideoReaderOptions& options) {
  return open({path, false, {}}, path, options);
}

Result<std::unique_ptr<FrameSource>> open_video(std::span<const std::byte> bytes, const VideoReaderOptions& options) {
  return open({{}, false, bytes}, "the video", options);
}

Result<std::unique_ptr<FrameSource>> open_camera(const std::string& device, const VideoReaderOptions& options) {
  return open({device, true, {}}, device, options);
}

}  // namespace samc
