#include "media/folder_frames.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"

namespace samc {
namespace {

class FolderFrames : public FrameSource {
 public:
  FolderFrames(std::vector<std::string> paths, const std::string& name, double rate, Orientation orientation)
      : paths_(std::move(paths)), orientation_(orientation) {
    info_.name = name;
    info_.frames = static_cast<int64_t>(paths_.size());
    info_.rate = rate;
    info_.format = "images";
  }

  // Reads the first image, whose size is that of all.
  Status open() {
    SAMC_ASSIGN(first_, read(0));
    info_.width = first_.width;
    info_.height = first_.height;
    return Status::ok();
  }

  const FrameSourceInfo& info() const override { return info_; }
  bool can_seek() const override { return true; }

  Result<std::optional<Frame>> next() override {
    return guarded([&]() -> Result<std::optional<Frame>> {
      if (position_ == paths_.size()) return std::optional<Frame>();
      Frame frame;
      frame.index = static_cast<int64_t>(position_);
      frame.seconds = static_cast<double>(position_) / info_.rate;
      if (position_ == 0 && !first_.rgb.empty()) {
        frame.image = std::exchange(first_, {});
      } else {
        SAMC_ASSIGN(frame.image, read(position_));
      }
      if (frame.image.width != info_.width || frame.image.height != info_.height)
        return changed_size(paths_[position_], frame.image.width, frame.image.height, info_);
      ++position_;
      return std::optional<Frame>(std::move(frame));
    });
  }

  Result<bool> skip() override {
    if (position_ == paths_.size()) return false;
    ++position_;
    return true;
  }

  Status seek(int64_t index) override {
    SAMC_CHECK(index >= 0 && index <= static_cast<int64_t>(paths_.size()), "image {} of {}", index, paths_.size());
    position_ = static_cast<size_t>(index);
    return Status::ok();
  }

 private:
  // What is said of the first image is said at its place too, but once.
  Result<Image> read(size_t index) {
    ImageSource source;
    Result<Image> image = read_image(paths_[index], &source, kMostPixels, orientation_);
    if (info_.warnings.empty())
      for (const std::string& warning : source.warnings)
        info_.warnings.push_back(fmt::format("{}: {}", paths_[index], warning));
    return image;
  }

  std::vector<std::string> paths_;
  Orientation orientation_;
  FrameSourceInfo info_;
  Image first_;
  size_t position_ = 0;
};

}  // namespace

Result<std::unique_ptr<FrameSource>> open_image_frames(std::vector<std::string> paths, const std::string& name,
                                                       double rate, Orientation orientation) {
  SAMC_CHECK(rate > 0, "{} frames a second", rate);
  return guarded([&]() -> Result<std::unique_ptr<FrameSource>> {
    if (paths.empty()) return invalid_input(name + ": no images");
    auto frames = std::make_unique<FolderFrames>(std::move(paths), name, rate, orientation);
    SAMC_TRY(frames->open());
    return std::unique_ptr<FrameSource>(std::move(frames));
  });
}

}  // namespace samc
