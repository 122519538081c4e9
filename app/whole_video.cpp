#include "app/whole_video.h"

#include <atomic>
#include <limits>
#include <span>
#include <utility>

#include "app/track_frames.h"
#include "app/track_input.h"
#include "base/fork_count.h"
#include "base/guard.h"
#include "media/video_reader.h"

namespace samc {
namespace {

// Members go in the opposite order: the thread that reads before what it reads from.
class WholeVideo : public VideoFrames {
 public:
  static Result<std::shared_ptr<VideoFrames>> open(const std::string& path) {
    auto video = std::make_shared<WholeVideo>();
    TrackInputArguments arguments;
    arguments.video = path == "-" ? "./-" : path;  // a file's name, never standard input
    SAMC_ASSIGN(TrackInput input, open_track_input(arguments, video->stop_));
    video->closer_ = std::move(input.closer);
    video->source_ = std::move(input.source);
    SAMC_TRY(video->begin());
    return std::shared_ptr<VideoFrames>(std::move(video));
  }
  static Result<std::shared_ptr<VideoFrames>> open_bytes(std::string bytes) {
    auto video = std::make_shared<WholeVideo>();
    video->bytes_ = std::move(bytes);
    SAMC_ASSIGN(video->source_, open_video(std::as_bytes(std::span<const char>(video->bytes_))));
    SAMC_TRY(video->begin());
    return std::shared_ptr<VideoFrames>(std::move(video));
  }

  WholeVideo() = default;
  WholeVideo(const WholeVideo&) = delete;
  WholeVideo& operator=(const WholeVideo&) = delete;
  // In a process that was forked the threads that read and decode are not there, and would be waited for.
  ~WholeVideo() override {
    if (!is_forked()) return;
    (void)frames_.release();
    (void)source_.release();
  }

  int64_t count() const override { return frames_->count(); }
  int64_t width() const override { return frames_->width(); }
  int64_t height() const override { return frames_->height(); }
  Result<RgbView> frame(int64_t index) override {
    if (is_forked())
      return unsupported("the video was opened before this process was forked", "open it in the process that tracks");
    return frames_->frame(index);
  }

 private:
  bool is_forked() const { return fork_count() != forks_; }
  Status begin() {
    const std::string& name = source_->info().name;
    if (!source_->can_seek())
      return unsupported(name + " gives its frames only once", "convert it to a folder of images, or to an mp4");
    Status end;
    SAMC_ASSIGN(const int64_t count, count_frames(*source_, {}, std::numeric_limits<int64_t>::max(), end,
                                                  [](int64_t) { return Status::ok(); }));
    SAMC_TRY(end);
    if (count == 0) return invalid_input(name + " has no frames");
    frames_ = std::make_unique<TrackFrames>(*source_, FrameRange{}, count);
    return Status::ok();
  }

  const int64_t forks_ = fork_count();
  std::atomic<bool> stop_ = false;
  std::string bytes_;  // that the source reads, as the next does
  std::shared_ptr<void> closer_;
  std::unique_ptr<FrameSource> source_;
  std::unique_ptr<TrackFrames> frames_;
};

}  // namespace

Result<std::shared_ptr<VideoFrames>> open_whole_video(const std::string& path) {
  return guarded([&] { return WholeVideo::open(path); });
}

Result<std::shared_ptr<VideoFrames>> open_whole_video_of_bytes(std::string bytes) {
  return guarded([&] { return WholeVideo::open_bytes(std::move(bytes)); });
}

}  // namespace samc
