#include "media/video_decoder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/limits.h"
#include "media/container_end.h"

namespace samc {

// A file in memory, as libavformat reads one.
struct VideoDecoder::MemoryFile {
  std::span<const std::byte> bytes;
  size_t at = 0;
  AVIOContext* context = nullptr;
  const Ffmpeg* ffmpeg = nullptr;

  ~MemoryFile() {
    if (context == nullptr) return;
    ffmpeg->av_freep(&context->buffer);
    ffmpeg->avio_context_free(&context);
  }
  static int read(void* opaque, uint8_t* target, int size) {
    auto& file = *static_cast<MemoryFile*>(opaque);
    const size_t count = std::min(static_cast<size_t>(size), file.bytes.size() - file.at);
    if (count == 0) return AVERROR_EOF;
    std::memcpy(target, file.bytes.data() + file.at, count);
    file.at += count;
    return static_cast<int>(count);
  }
  static int64_t seek(void* opaque, int64_t offset, int whence) {
    auto& file = *static_cast<MemoryFile*>(opaque);
    const int64_t size = static_cast<int64_t>(file.bytes.size());
    if ((whence & AVSEEK_SIZE) != 0) return size;
    whence &= ~AVSEEK_FORCE;
    const int64_t base = whence == SEEK_CUR ? static_cast<int64_t>(file.at) : whence == SEEK_END ? size : 0;
    if (offset < -base || offset > size - base) return AVERROR(EINVAL);
    file.at = static_cast<size_t>(base + offset);
    return base + offset;
  }
};

namespace {

// Of the files that samc reads as videos. Others that libavformat knows are left out: playlists, for one, name further
// files and addresses, which would be opened.
constexpr const char* kFormats = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif";
constexpr int64_t kSeekAttempts = 3;
constexpr const char* kFormatsHint = "give an mp4, mov, mkv, webm or gif, or a folder of images";

int is_stopped(void* stop) { return static_cast<const std::atomic<bool>*>(stop)->load() ? 1 : 0; }

Status damaged_at(int64_t frame, const std::string& what) {
  if (frame == 0) return invalid_input(fmt::format("no frame can be decoded: {}", what), "save the video again");
  return invalid_input(fmt::format("the video is damaged behind frame {}: {}", frame - 1, what),
                       "save the video again");
}

}  // namespace

Result<VideoDecoder> VideoDecoder::open(const VideoInput& input, const std::atomic<bool>* stop) {
  SAMC_ASSIGN(const Ffmpeg* ffmpeg, load_ffmpeg());
  if (input.is_camera) SAMC_TRY(load_ffmpeg_devices());
  VideoDecoder decoder;
  decoder.ffmpeg_ = ffmpeg;
  decoder.input_ = input;
  decoder.stop_ = stop;
  SAMC_TRY(decoder.open_input());
  SAMC_TRY(decoder.open_stream());
  return decoder;
}

VideoDecoder::VideoDecoder(VideoDecoder&& other) noexcept
    : ffmpeg_(other.ffmpeg_),
      input_(std::move(other.input_)),
      stop_(other.stop_),
      memory_(std::move(other.memory_)),
      format_(std::exchange(other.format_, nullptr)),
      stream_(other.stream_),
      codec_(std::move(other.codec_)),
      packet_(std::move(other.packet_)),
      frame_(std::move(other.frame_)),
      flushing_(other.flushing_),
      cut_(std::move(other.cut_)),
      failure_(std::move(other.failure_)),
      position_(other.position_),
      seconds_(other.seconds_),
      is_held_(other.is_held_),
      stamps_(std::move(other.stamps_)),
      times_(std::move(other.times_)),
      keys_(std::move(other.keys_)),
      stamps_tell_(other.stamps_tell_),
      first_stamp_(other.first_stamp_) {}

VideoDecoder::~VideoDecoder() { close(); }

void VideoDecoder::close() {
  frame_.reset();
  packet_.reset();
  codec_.reset();
  if (format_ != nullptr) ffmpeg_->avformat_close_input(&format_);
  memory_.reset();
}

Status VideoDecoder::open_input() {
  format_ = ffmpeg_->avformat_alloc_context();
  if (format_ == nullptr) return Status::out_of_memory();
  if (stop_ != nullptr) format_->interrupt_callback = {is_stopped, const_cast<std::atomic<bool>*>(stop_)};
  const AVInputFormat* device = nullptr;
  std::string address = input_.path;
  if (input_.is_camera) {
    device = ffmpeg_->av_find_input_format("v4l2");
    if (device == nullptr)
      return unsupported("FFmpeg's libraries here know no cameras (V4L2)", "give a video, or frames on standard input");
  } else if (input_.path.empty()) {
    constexpr size_t kBuffer = 4096;
    memory_ = std::make_unique<MemoryFile>();
    memory_->bytes = input_.bytes;
    memory_->ffmpeg = ffmpeg_;
    auto* buffer = static_cast<unsigned char*>(ffmpeg_->av_malloc(kBuffer));
    if (buffer == nullptr) return Status::out_of_memory();
    memory_->context =
        ffmpeg_->avio_alloc_context(buffer, kBuffer, 0, memory_.get(), MemoryFile::read, nullptr, MemoryFile::seek);
    if (memory_->context == nullptr) {
      ffmpeg_->av_free(buffer);
      return Status::out_of_memory();
    }
    format_->pb = memory_->context;
  } else {
    address = "file:" + input_.path;  // whatever stands before a colon in a name is no protocol
  }
  AVDictionary* options = nullptr;
  if (!input_.is_camera) {
    ffmpeg_->av_dict_set(&options, "format_whitelist", kFormats, 0);
    ffmpeg_->av_dict_set(&options, "protocol_whitelist", "file", 0);
  }
  const int opened = ffmpeg_->avformat_open_input(&format_, address.c_str(), device, &options);
  ffmpeg_->av_dict_free(&options);
  if (opened >= 0) return Status::ok();
  if (opened == AVERROR(ENOMEM)) return Status::out_of_memory();
  if (stop_ != nullptr && stop_->load()) return {StatusCode::kInterrupted, "interrupted"};
  if (opened == AVERROR(ENOENT) || opened == AVERROR(EACCES) || opened == AVERROR(EBUSY) || opened == AVERROR(ENODEV) ||
      opened == AVERROR(EIO))
    return io_error(fmt::format("cannot open it: {}", ffmpeg_->text(opened)));
  if (const ContainerEnd end = input_.path.empty() ? find_container_end(input_.bytes) : find_container_end(input_.path);
      end.is_cut)
    return invalid_input(fmt::format("a {} that is cut short, and holds no frame that can be found", end.format),
                         "fetch or save the video again");
  return invalid_input("not a video that samc reads", kFormatsHint);
}

Status VideoDecoder::open_stream() {
  (void)ffmpeg_->avformat_find_stream_info(format_, nullptr);  // what it does not find is judged below
  const AVCodec* decoder = nullptr;
  const int index = ffmpeg_->av_find_best_stream(format_, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
  if (index == AVERROR_DECODER_NOT_FOUND)
    return unsupported("FFmpeg's libraries here cannot decode its video stream", "convert it to H.264");
  if (index < 0 || (format_->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0)
    return invalid_input("it has no video stream", kFormatsHint);
  stream_ = format_->streams[index];
  for (unsigned other = 0; other < format_->nb_streams; ++other)
    if (static_cast<int>(other) != index) format_->streams[other]->discard = AVDISCARD_ALL;
  const AVCodecParameters& parameters = *stream_->codecpar;
  if (!is_image_size(parameters.width, parameters.height))
    return invalid_input(fmt::format("its frames have {} x {} pixels", parameters.width, parameters.height),
                         fmt::format("samc takes up to {} on a side and {} in all", kLongestSide, kMostPixels));
  const FfmpegDeleter deleter{ffmpeg_};
  codec_ = FfmpegPointer<AVCodecContext>(ffmpeg_->avcodec_alloc_context3(decoder), deleter);
  packet_ = FfmpegPointer<AVPacket>(ffmpeg_->av_packet_alloc(), deleter);
  frame_ = FfmpegPointer<AVFrame>(ffmpeg_->av_frame_alloc(), deleter);
  if (codec_ == nullptr || packet_ == nullptr || frame_ == nullptr) return Status::out_of_memory();
  if (ffmpeg_->avcodec_parameters_to_context(codec_.get(), &parameters) < 0) return Status::out_of_memory();
  // One thread: tracking takes a hundred times as long, and every further one holds frames.
  codec_->thread_count = 1;
  codec_->max_pixels = kMostPixels;
  codec_->pkt_timebase = stream_->time_base;
  if (const int opened = ffmpeg_->avcodec_open2(codec_.get(), decoder, nullptr); opened < 0)
    return invalid_input(fmt::format("its video stream ({}) cannot be decoded: {}",
                                     ffmpeg_->avcodec_get_name(parameters.codec_id), ffmpeg_->text(opened)));
  return Status::ok();
}

double VideoDecoder::frame_rate() const {
  const AVRational rate = ffmpeg_->av_guess_frame_rate(format_, stream_, nullptr);
  return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

Result<const AVFrame*> VideoDecoder::next() {
  if (!failure_.is_ok()) return failure_;
  if (!std::exchange(is_held_, false)) {
    const Result<bool> received = receive();
    if (!received.is_ok()) {
      failure_ = received.status();
      return failure_;
    }
    if (!received.value()) return static_cast<const AVFrame*>(nullptr);
  }
  note_time();
  ++position_;
  return static_cast<const AVFrame*>(frame_.get());
}

// false at the end.
Result<bool> VideoDecoder::receive() {
  constexpr int kSpoilt =
      FF_DECODE_ERROR_INVALID_BITSTREAM | FF_DECODE_ERROR_CONCEALMENT_ACTIVE | FF_DECODE_ERROR_DECODE_SLICES;
  for (;;) {
    const int received = ffmpeg_->avcodec_receive_frame(codec_.get(), frame_.get());
    if (received == 0) {
      if ((frame_->decode_error_flags & kSpoilt) != 0) return damaged_at(position_, "a frame has errors");
      return true;
    }
    if (received == AVERROR_EOF) {
      if (!cut_.is_ok()) return cut_;
      if (position_ == 0) return invalid_input("a video without frames", "save the video again");
      return false;
    }
    if (received == AVERROR(ENOMEM)) return Status::out_of_memory();
    // Before the first frame there may be what only makes sense with frames that were cut off.
    if (received != AVERROR(EAGAIN) && (position_ > 0 || flushing_))
      return damaged_at(position_, ffmpeg_->text(received));
    SAMC_TRY(feed());
  }
}

// Gives the decoder a packet, or the word that none will come.
Status VideoDecoder::feed() {
  while (!flushing_) {
    ffmpeg_->av_packet_unref(packet_.get());
    const int read = ffmpeg_->av_read_frame(format_, packet_.get());
    if (stop_ != nullptr && stop_->load()) return {StatusCode::kInterrupted, "interrupted"};
    if (read == AVERROR(ENOMEM)) return Status::out_of_memory();
    const bool is_torn = read >= 0 && (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0;
    if (read < 0 || (is_torn && packet_->stream_index == stream_->index)) {
      note_end(read);
      break;
    }
    if (packet_->stream_index != stream_->index) continue;
    const int sent = ffmpeg_->avcodec_send_packet(codec_.get(), packet_.get());
    if (sent == AVERROR(ENOMEM)) return Status::out_of_memory();
    if (sent >= 0) return Status::ok();
    if (position_ == 0) continue;  // see receive()
    cut_ = invalid_input(fmt::format("the video is damaged: {}", ffmpeg_->text(sent)), "save the video again");
    break;
  }
  flushing_ = true;
  (void)ffmpeg_->avcodec_send_packet(codec_.get(), nullptr);
  return Status::ok();
}

// Whether the end that was read is that of the video.
void VideoDecoder::note_end(int read) {
  const bool is_whole_read = read == AVERROR_EOF && (format_->pb == nullptr || format_->pb->error == 0);
  const ContainerEnd end = input_.is_camera      ? ContainerEnd{}
                           : input_.path.empty() ? find_container_end(input_.bytes)
                                                 : find_container_end(input_.path);
  if (end.is_cut)
    cut_ = invalid_input(fmt::format("the {} is cut short, and its last frames are missing", end.format),
                         "fetch or save the video again");
  else if (read >= 0)
    cut_ = invalid_input("the video has a torn frame, where it ends for samc", "save the video again");
  else if (!is_whole_read)
    cut_ = io_error(fmt::format("reading the video fails: {}", ffmpeg_->text(read)));
}

void VideoDecoder::note_time() {
  if (input_.is_camera) {  // without end, and without going back
    if (!first_stamp_) first_stamp_ = frame_->best_effort_timestamp;
    seconds_ = std::max(
        seconds_, static_cast<double>(frame_->best_effort_timestamp - *first_stamp_) * av_q2d(stream_->time_base));
    return;
  }
  if (position_ < static_cast<int64_t>(times_.size())) {
    seconds_ = times_[static_cast<size_t>(position_)];
    return;
  }
  const int64_t stamp = frame_->best_effort_timestamp;
  const bool has_stamp = stamp != AV_NOPTS_VALUE;
  if (!has_stamp || (!stamps_.empty() && stamp <= stamps_.back())) stamps_tell_ = false;
  if (frame_->key_frame != 0) keys_.push_back(position_);
  const double unit = av_q2d(stream_->time_base);
  if (times_.empty()) {
    seconds_ = 0;
  } else if (has_stamp && stamps_.front() != AV_NOPTS_VALUE) {
    seconds_ = std::max(times_.back(), static_cast<double>(stamp - stamps_.front()) * unit);
  } else {
    const double rate = frame_rate();
    seconds_ = times_.back() + (rate > 0 ? 1 / rate : static_cast<double>(frame_->pkt_duration) * unit);
  }
  stamps_.push_back(stamp);
  times_.push_back(seconds_);
}

Status VideoDecoder::restart() {
  close();
  flushing_ = is_held_ = false;
  cut_ = failure_ = Status::ok();
  position_ = 0;
  SAMC_TRY(open_input());
  return open_stream();
}

Status VideoDecoder::seek(int64_t index) {
  SAMC_CHECK(!input_.is_camera && index >= 0 && index <= static_cast<int64_t>(stamps_.size()),
             "frame {} of {} that were seen", index, stamps_.size());
  const auto next_key = std::upper_bound(keys_.begin(), keys_.end(), index);
  const bool is_ahead = position_ <= index && failure_.is_ok();
  // Going on is the quickest way, unless a key frame lies between.
  if (!(is_ahead && (next_key == keys_.begin() || *std::prev(next_key) <= position_))) {
    bool found = false;
    // A container's index may lead a key frame too far; then the one before is tried.
    for (auto key = next_key; stamps_tell_ && key != keys_.begin() && !found && next_key - key < kSeekAttempts; --key) {
      SAMC_ASSIGN(found, try_seek(*std::prev(key), index));
    }
    if (!found) SAMC_TRY(restart());
  }
  while (position_ < index) {
    SAMC_ASSIGN(const AVFrame* frame, next());
    if (frame == nullptr) return invalid_input("the video has fewer frames when it is read again");
  }
  return Status::ok();
}

// Goes to the key frame or to one before it. Whether the decoder then stands at or before index, at a frame that is
// known; next() gives that one.
Result<bool> VideoDecoder::try_seek(int64_t key, int64_t index) {
  const int64_t stamp = stamps_[static_cast<size_t>(key)];
  if (ffmpeg_->av_seek_frame(format_, stream_->index, stamp, AVSEEK_FLAG_BACKWARD) < 0) return false;
  ffmpeg_->avcodec_flush_buffers(codec_.get());
  flushing_ = is_held_ = false;
  cut_ = failure_ = Status::ok();
  position_ = key;
  // Frames shown before a key frame may be made of others before it, which the decoder has not seen.
  do {
    const Result<bool> received = receive();
    if (!received.is_ok() && received.status().code() != StatusCode::kInvalidInput) return received.status();
    if (!received.is_ok() || !received.value()) return false;
  } while (frame_->best_effort_timestamp < stamp);
  const auto found = std::lower_bound(stamps_.begin(), stamps_.end(), frame_->best_effort_timestamp);
  if (found == stamps_.end() || *found != frame_->best_effort_timestamp || found - stamps_.begin() > index)
    return false;
  position_ = found - stamps_.begin();
  is_held_ = true;
  return true;
}

}  // namespace samc
