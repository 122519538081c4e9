#pragma once
// The first frames of a folder of JPEGs, 00000.jpg and on, as a VideoPredictor takes them.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "media/image.h"
#include "runtime/video_predictor.h"

namespace samc::test {

class ImageClip : public VideoFrames {
 public:
  static Result<std::shared_ptr<ImageClip>> read(const std::string& folder, int64_t frames) {
    auto clip = std::make_shared<ImageClip>();
    for (int64_t frame = 0; frame < frames; ++frame) {
      SAMC_ASSIGN(Image image, read_image(fmt::format("{}/{:05}.jpg", folder, frame)));
      clip->images_.push_back(std::move(image));
    }
    return clip;
  }
  int64_t count() const override { return static_cast<int64_t>(images_.size()); }
  int64_t width() const override { return images_.front().width; }
  int64_t height() const override { return images_.front().height; }
  Result<RgbView> frame(int64_t index) override { return RgbView(images_.at(static_cast<size_t>(index))); }

 private:
  std::vector<Image> images_;
};

}  // namespace samc::test
