#pragma once
// For tests of tracking: frames without a file.

#include <cstdint>
#include <optional>

#include "media/frame_source.h"

namespace samc {

// Frames of 4 x 3 whose first pixel is their number. May break at one.
class NumberedFrames : public FrameSource {
 public:
  explicit NumberedFrames(int64_t count, int64_t breaks_at = -1, bool seeks_in = true)
      : count_(count), breaks_at_(breaks_at), seeks_in_(seeks_in) {
    info_.name = "numbers";
    info_.width = 4;
    info_.height = 3;
  }
  const FrameSourceInfo& info() const override { return info_; }
  Result<std::optional<Frame>> next() override {
    if (position_ == count_) return std::optional<Frame>();
    if (position_ == breaks_at_) return invalid_input(fmt::format("frame {} is broken", position_));
    Frame frame;
    frame.image = Image(4, 3);
    frame.image.rgb[0] = static_cast<uint8_t>(position_);
    frame.index = position_++;
    ++reads;
    return std::optional<Frame>(std::move(frame));
  }
  bool can_seek() const override { return seeks_in_; }
  Status seek(int64_t index) override {
    position_ = index;
    ++seeks;
    return Status::ok();
  }
  int64_t reads = 0, seeks = 0;

 private:
  int64_t count_, breaks_at_, position_ = 0;
  bool seeks_in_;
  FrameSourceInfo info_;
};

}  // namespace samc
