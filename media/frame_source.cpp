#include "media/frame_source.h"

namespace samc {

Result<std::optional<Frame>> next_in_range(FrameSource& source, const FrameRange& range, int64_t& position) {
  while (!range.to || position <= *range.to) {
    if (range.holds(position)) {
      Result<std::optional<Frame>> frame = source.next();
      if (frame.is_ok() && frame.value()) ++position;
      return frame;
    }
    SAMC_ASSIGN(const bool is_there, source.skip());
    if (!is_there) break;
    ++position;
  }
  return std::optional<Frame>();
}

Status changed_size(const std::string& where, int width, int height, const FrameSourceInfo& info) {
  return invalid_input(
      fmt::format("{} has {} x {} pixels, and those before {} x {}", where, width, height, info.width, info.height),
      "frames of one video are of one size: cut it where the size changes");
}

}  // namespace samc
