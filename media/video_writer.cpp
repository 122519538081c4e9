#include "media/video_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/guard.h"
#include "media/container_end.h"
#include "media/ffmpeg_libraries.h"

namespace samc {
namespace {

constexpr int kClock = 90'000;      // ticks a second: the one of MPEG
constexpr int64_t kLeastStep = 90;  // a millisecond
constexpr int kMostSide = 16'384;   // H.264's
constexpr double kUsualRate = 25;

int even(int side) { return side + side % 2; }

// Sets room of a file aside, so that what is written there later does not meet a full disk.
class Room {
 public:
  Room() = default;
  Room(Room&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), end_(other.end_) {}
  Room& operator=(Room&&) = delete;
  ~Room() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  Status open(const std::string& file, const std::string& path) {
    path_ = path;
    descriptor_ = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    return descriptor_ >= 0 ? Status::ok() : error(errno);
  }
  // Up to this byte at least; more where there is plenty.
  Status reserve(int64_t end) {
    constexpr int64_t kAhead = 1 << 20;
    if (end <= end_) return Status::ok();
    int code = 0;
    for (const int64_t target : {end + kAhead, end}) {
      do code = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(target));
      while (code == EINTR);
      if (code != 0) continue;
      end_ = target;
      return Status::ok();
    }
    return error(code);
  }
  Status cut(int64_t end) {
    return ::ftruncate(descriptor_, static_cast<off_t>(end)) == 0 ? Status::ok() : error(errno);
  }

 private:
  Status error(int code) const {
    const bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return io_error(fmt::format("cannot write {}: {}", path_, std::strerror(code)),
                    is_full ? "the disk is full: free some space or write elsewhere" : "");
  }
  std::string path_;
  int descriptor_ = -1;
  int64_t end_ = 0;
};

class Mp4Writer : public VideoWriter {
 public:
  Mp4Writer(const Ffmpeg& ffmpeg, std::string path, const VideoWriterOptions& options)
      : ffmpeg_(ffmpeg),
        path_(std::move(path)),
        options_(options),
        rate_(options.rate > 0 && std::isfinite(options.rate) ? options.rate : kUsualRate) {}

  ~Mp4Writer() override {
    close();
    if (!file_.empty()) unlist_unfinished(file_);
  }

  Status open() {
    SAMC_TRY(make_place());
    SAMC_TRY(open_encoder());
    return open_file();
  }

  int64_t frames() const override { return sent_; }

  Status write(const Image& image, double seconds) override {
    if (!failure_.is_ok()) return failure_;
    failure_ = guarded([&] { return write_unguarded(image, seconds); });
    return failure_;
  }

  Status finish() override {
    return guarded([&] { return finish_unguarded(); });
  }

 private:
  // A private folder beside the path, so that the file can be renamed; elsewhere when it is a device.
  Status make_place() {
    SAMC_TRY(check_writable(path_));
    struct stat info {};
    const bool is_device = ::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
    Result<TemporaryFolder> folder = is_device ? TemporaryFolder::create("samc-video") : TemporaryFolder::beside(path_);
    if (!folder.is_ok()) return folder.status();
    folder_.emplace(std::move(folder).value());
    file_ = folder_->file("video.mp4");
    list_unfinished(file_);
    return Status::ok();
  }

  Status open_encoder() {
    const AVCodec* encoder = ffmpeg_.avcodec_find_encoder_by_name("libx264");
    if (encoder == nullptr)
      return unsupported("writing an mp4 needs libx264, and FFmpeg's libavcodec here was built without it",
                         "name a folder for PNGs instead, or install Debian's libavcodec");
    const FfmpegDeleter deleter{&ffmpeg_};
    codec_ = FfmpegPointer<AVCodecContext>(ffmpeg_.avcodec_alloc_context3(encoder), deleter);
    packet_ = FfmpegPointer<AVPacket>(ffmpeg_.av_packet_alloc(), deleter);
    frame_ = FfmpegPointer<AVFrame>(ffmpeg_.av_frame_alloc(), deleter);
    if (codec_ == nullptr || packet_ == nullptr || frame_ == nullptr) return Status::out_of_memory();
    codec_->width = even(options_.width);
    codec_->height = even(options_.height);
    codec_->pix_fmt = AV_PIX_FMT_YUV420P;
    codec_->time_base = {1, kClock};
    constexpr int kThousand = 1000;
    codec_->framerate = {static_cast<int>(std::lround(std::clamp(rate_, 0.001, 1000.0) * kThousand)), kThousand};
    codec_->color_range = AVCOL_RANGE_MPEG;
    codec_->color_primaries = AVCOL_PRI_BT709;
    codec_->color_trc = AVCOL_TRC_BT709;
    codec_->colorspace = AVCOL_SPC_BT709;
    codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec_->thread_count = 1;  // tracking takes far longer, and needs the cores
    ffmpeg_.av_opt_set(codec_->priv_data, "preset", "veryfast", 0);
    ffmpeg_.av_opt_set(codec_->priv_data, "crf", std::to_string(options_.quality).c_str(), 0);
    if (const int opened = ffmpeg_.avcodec_open2(codec_.get(), encoder, nullptr); opened < 0)
      return failure_of("cannot encode", opened);
    frame_->format = codec_->pix_fmt;
    frame_->width = codec_->width;
    frame_->height = codec_->height;
    if (ffmpeg_.av_frame_get_buffer(frame_.get(), 0) < 0) return Status::out_of_memory();
    scaler_ = FfmpegPointer<SwsContext>(
        ffmpeg_.sws_getContext(codec_->width, codec_->height, AV_PIX_FMT_RGB24, codec_->width, codec_->height,
                               codec_->pix_fmt, SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr, nullptr),
        deleter);
    if (scaler_ == nullptr) return Status::out_of_memory();
    constexpr int kOne = 1 << 16;
    const int* matrix = ffmpeg_.sws_getCoefficients(SWS_CS_ITU709);
    (void)ffmpeg_.sws_setColorspaceDetails(scaler_.get(), matrix, 1, matrix, 0, 0, kOne, kOne);
    return Status::ok();
  }

  Status open_file() {
    if (ffmpeg_.avformat_alloc_output_context2(&format_, nullptr, "mp4", ("file:" + file_).c_str()) < 0)
      return Status::out_of_memory();
    AVStream* stream = ffmpeg_.avformat_new_stream(format_, nullptr);
    if (stream == nullptr || ffmpeg_.avcodec_parameters_from_context(stream->codecpar, codec_.get()) < 0)
      return Status::out_of_memory();
    stream->time_base = codec_->time_base;
    stream->avg_frame_rate = codec_->framerate;
    if (const int opened = ffmpeg_.avio_open(&format_->pb, format_->url, AVIO_FLAG_WRITE); opened < 0)
      return failure_of("cannot write", opened);
    SAMC_TRY(room_.open(file_, path_));
    SAMC_TRY(room_.reserve(room_of_index()));
    AVDictionary* options = nullptr;
    ffmpeg_.av_dict_set(&options, "movflags", "+faststart", 0);
    const int written = ffmpeg_.avformat_write_header(format_, &options);
    ffmpeg_.av_dict_free(&options);
    return written < 0 ? failure_of("cannot write", written) : Status::ok();
  }

  // More than the index takes for the frames so far: times, sizes, places.
  int64_t room_of_index() const {
    constexpr int64_t kFixed = 1 << 14, kOfFrame = 64;
    return kFixed + kOfFrame * (written_ + 1);
  }

  Status write_unguarded(const Image& image, double seconds) {
    SAMC_CHECK(image.width == options_.width && image.height == options_.height,
               "a frame of {} x {} for a video of {} x {}", image.width, image.height, options_.width, options_.height);
    if (ffmpeg_.av_frame_make_writable(frame_.get()) < 0) return Status::out_of_memory();
    fill_frame(image);
    const int64_t time = std::llround(std::max(seconds, 0.0) * kClock);
    frame_->pts = sent_ == 0 ? time : std::max(time, last_time_ + kLeastStep);
    last_time_ = frame_->pts;
    if (const int sent = ffmpeg_.avcodec_send_frame(codec_.get(), frame_.get()); sent < 0)
      return failure_of("cannot encode", sent);
    ++sent_;
    return write_packets();
  }

  // RGB with even sides and room behind each row, as yuv420p.
  void fill_frame(const Image& image) {
    constexpr size_t kVector = 64;
    const size_t row_bytes = static_cast<size_t>(image.width) * 3;
    const size_t stride = (row_bytes + 3 + 2 * kVector - 1) / kVector * kVector;
    rows_.resize(stride * static_cast<size_t>(codec_->height));
    for (int y = 0; y < codec_->height; ++y) {
      uint8_t* row = rows_.data() + stride * static_cast<size_t>(y);
      std::memcpy(row, image.row(std::min(y, image.height - 1)), row_bytes);
      std::memcpy(row + row_bytes, row + row_bytes - 3, 3);
    }
    const uint8_t* source = rows_.data();
    const int source_stride = static_cast<int>(stride);
    ffmpeg_.sws_scale(scaler_.get(), &source, &source_stride, 0, codec_->height, frame_->data, frame_->linesize);
  }

  // Those that the encoder has ready.
  Status write_packets() {
    for (;;) {
      const int received = ffmpeg_.avcodec_receive_packet(codec_.get(), packet_.get());
      if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return Status::ok();
      if (received < 0) return failure_of("cannot encode", received);
      const Status status = write_packet();
      ffmpeg_.av_packet_unref(packet_.get());
      SAMC_TRY(status);
    }
  }

  Status write_packet() {
    constexpr int64_t kMuxer = 4096;  // what else it may write beside the packet
    SAMC_TRY(room_.reserve(position() + packet_->size + kMuxer + room_of_index()));
    if (packet_->duration <= 0) packet_->duration = std::llround(kClock / rate_);
    packet_->stream_index = 0;
    ffmpeg_.av_packet_rescale_ts(packet_.get(), codec_->time_base, format_->streams[0]->time_base);
    if (const int written = ffmpeg_.av_write_frame(format_, packet_.get()); written < 0)
      return failure_of("cannot write", written);
    ++written_;
    return Status::ok();
  }

  Status finish_unguarded() {
    // What the encoder still holds. An error does not cost the frames that are in the file.
    if (failure_.is_ok() && sent_ > 0) {
      (void)ffmpeg_.avcodec_send_frame(codec_.get(), nullptr);
      failure_ = write_packets();
    }
    if (written_ == 0) return failure_.is_ok() ? invalid_input(path_ + ": a video without frames") : failure_;
    sent_ = written_;
    if (const int written = ffmpeg_.av_write_trailer(format_); written < 0) return failure_of("cannot write", written);
    ffmpeg_.avio_flush(format_->pb);
    const int error = format_->pb->error;
    const int closed = ffmpeg_.avio_closep(&format_->pb);
    if (error < 0 || closed < 0) return failure_of("cannot write", error < 0 ? error : closed);
    SAMC_TRY(room_.cut(static_cast<int64_t>(find_container_end(file_).end)));
    SAMC_TRY(move_into_place(file_, path_));
    unlist_unfinished(file_);
    file_.clear();
    folder_.reset();
    return failure_;
  }

  int64_t position() const { return ffmpeg_.avio_seek(format_->pb, 0, SEEK_CUR); }

  Status failure_of(const char* what, int code) const {
    if (code == AVERROR(ENOMEM)) return Status::out_of_memory();
    return io_error(fmt::format("{} {}: {}", what, path_, ffmpeg_.text(code)),
                    code == AVERROR(ENOSPC) ? "the disk is full: free some space or write elsewhere" : "");
  }

  void close() {
    if (format_ == nullptr) return;
    if (format_->pb != nullptr) ffmpeg_.avio_closep(&format_->pb);
    ffmpeg_.avformat_free_context(format_);
    format_ = nullptr;
  }

  const Ffmpeg& ffmpeg_;
  std::string path_;
  VideoWriterOptions options_;
  double rate_;
  std::optional<TemporaryFolder> folder_;
  std::string file_;  // in it
  Room room_;
  FfmpegPointer<AVCodecContext> codec_;
  FfmpegPointer<AVPacket> packet_;
  FfmpegPointer<AVFrame> frame_;
  FfmpegPointer<SwsContext> scaler_;
  AVFormatContext* format_ = nullptr;
  std::vector<uint8_t> rows_;
  int64_t sent_ = 0, written_ = 0;
  int64_t last_time_ = 0;
  Status failure_;
};

}  // namespace

Result<std::unique_ptr<VideoWriter>> VideoWriter::create(const std::string& path, const VideoWriterOptions& options) {
  return guarded([&]() -> Result<std::unique_ptr<VideoWriter>> {
    SAMC_CHECK(options.width > 0 && options.height > 0, "a video of {} x {}", options.width, options.height);
    if (even(options.width) > kMostSide || even(options.height) > kMostSide)
      return unsupported(fmt::format("{}: H.264 takes no more than {} pixels on a side, and the frames have {} x {}",
                                     path, kMostSide, options.width, options.height),
                         "name a folder for PNGs instead");
    Result<const Ffmpeg*> ffmpeg = load_ffmpeg();
    if (!ffmpeg.is_ok()) return ffmpeg.status().at(path);
    auto writer = std::make_unique<Mp4Writer>(*ffmpeg.value(), path, options);
    SAMC_TRY(writer->open());
    return std::unique_ptr<VideoWriter>(std::move(writer));
  });
}

}  // namespace samc
