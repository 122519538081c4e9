#include "app/whole_video.h"

#include <atomic>
#include <limits>
#include <utility>

#include "app/track_frames.h"
#include "app/track_input.h"
#include "base/fork_count.h"
#include "base/guard.h"

namespace samc {
namespace {

// Members go in the opposite order: the thread that reads before what it reads from.
class WholeVideo : public VideoFrames {
 public:
  static Result<std::shared_ptr<VideoFrames>> open(const std::string& path) {
    auto video = std::make_shared<WholeVideo>();
    TrackInputArguments arguments;
    arguments.video = path == "-" ? "./-" : path;  // a file's name, never standard input
    SAMC_ASSIGN(video->input_, open_track_input(arguments, video->stop_));
    FrameSource& source = *video->input_.source;
    if (!source.can_seek())
      return unsupported(path + " gives its frames only once", "convert it to a folder of images, or to an mp4");
    Status end;
    SAMC_ASSIGN(const int64_t count, count_frames(source, {}, std::numeric_limits<int64_t>::max(), end,
                                                  [](int64_t) { return Status::ok(); }));
    SAMC_TRY(end);
    if (count == 0) return invalid_input(path + " has no frames");
    video->frames_ = std::make_unique<TrackFrames>(source, FrameRange{}, count);
    return std::shared_ptr<VideoFrames>(std::move(video));
  }

  WholeVideo() = default;
  WholeVideo(const WholeVideo&) = delete;
  WholeVideo& operator=(const WholeVideo&) = delete;
  // In a process that was forked the thread that reads is not there, and would be waited for.
  ~WholeVideo() override {
    if (is_forked()) (void)frames_.release();
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

  const int64_t forks_ = fork_count();
  std::atomic<bool> stop_ = false;
  TrackInput input_;
  std::unique_ptr<TrackFrames> frames_;
};

}  // namespace

Result<std::shared_ptr<VideoFrames>> open_whole_video(const std::string& path) {
  return guarded([&] { return WholeVideo::open(path); });
}

}  // namespace samc
