#pragma once
// Inside media/: FFmpeg's demuxer and decoder as one row of decoded frames that can be gone through again.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "media/ffmpeg_libraries.h"

namespace samc {

// Where the bytes are.
struct VideoInput {
  std::string path;  // of a file or a camera's device
  bool is_camera = false;
  std::span<const std::byte> bytes;  // of a file in memory; looked at when path is empty
};

class VideoDecoder {
 public:
  // stop: ends reading when it becomes true; may be null.
  static Result<VideoDecoder> open(const VideoInput& input, const std::atomic<bool>* stop);
  VideoDecoder(VideoDecoder&&) noexcept;
  VideoDecoder& operator=(VideoDecoder&&) = delete;
  ~VideoDecoder();

  // The next frame, which is frame number position() - 1 then; null at the end. Valid until the next call. An error
  // ends the video: what comes after damage is not guessed at.
  Result<const AVFrame*> next();
  int64_t position() const { return position_; }
  // A frame that next() gave before.
  Status seek(int64_t index);

  const AVStream& stream() const { return *stream_; }
  const AVFormatContext& format() const { return *format_; }
  const Ffmpeg& ffmpeg() const { return *ffmpeg_; }
  // In seconds, of the frame that next() gave.
  double seconds() const { return seconds_; }
  double frame_rate() const;  // on average; 0: unknown

 private:
  struct MemoryFile;
  VideoDecoder() = default;
  Status open_input();
  Status open_stream();
  void close();
  Result<bool> receive();
  Status feed();
  void note_end(int read);
  void note_time();
  Status restart();
  Result<bool> try_seek(int64_t key, int64_t index);

  const Ffmpeg* ffmpeg_ = nullptr;
  VideoInput input_;
  const std::atomic<bool>* stop_ = nullptr;
  std::unique_ptr<MemoryFile> memory_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
  FfmpegPointer<AVCodecContext> codec_;
  FfmpegPointer<AVPacket> packet_;
  FfmpegPointer<AVFrame> frame_;
  bool flushing_ = false;
  Status cut_;      // the file ends early, or is damaged: said when the decoder has given all frames before
  Status failure_;  // what next() gave; for good

  int64_t position_ = 0;
  double seconds_ = 0;
  bool is_held_ = false;  // frame_ is the next one already
  // Of the frames seen so far, in order: their time stamps, the seconds, and which of them stand for themselves. As
  // long as every stamp is greater than the one before, a frame is known by it.
  std::vector<int64_t> stamps_;
  std::vector<double> times_;
  std::vector<int64_t> keys_;
  bool stamps_tell_ = true;
  std::optional<int64_t> first_stamp_;
};

}  // namespace samc
