#include "app/kept_masks.h"

#include <optional>

namespace samc {
namespace {

class KeepingOutput : public TrackOutput {
 public:
  explicit KeepingOutput(std::shared_ptr<KeptMasks> kept) : kept_(std::move(kept)) {}
  Status add(const MaskedFrame& frame) override {
    if (frame.tracked.masks) kept_->add(frame);
    return Status::ok();
  }

 private:
  std::shared_ptr<KeptMasks> kept_;
};

}  // namespace

void KeptMasks::add(const MaskedFrame& frame) {
  auto& kept = frames_[frame.tracked.index];
  for (const ObjectMask& mask : frame.masks)
    kept.emplace_back(mask.object, encode_rle(mask.mask, frame.height, frame.width));
}

std::vector<ObjectMask> KeptMasks::masks(int64_t frame) const {
  std::vector<ObjectMask> masks;
  if (const auto found = frames_.find(frame); found != frames_.end())
    for (const auto& [object, rle] : found->second) masks.push_back({object, decode_rle(rle), nullptr});
  return masks;
}

std::unique_ptr<TrackOutput> make_keeping_output(std::shared_ptr<KeptMasks> kept) {
  return std::make_unique<KeepingOutput>(std::move(kept));
}

Status draw_kept_video(const std::string& path, const TrackedVideo& video, const KeptMasks& kept, FrameSource& source,
                       const FrameRange& range, bool all, const std::function<Status(int64_t frame)>& before_frame,
                       std::string& summary) {
  const std::unique_ptr<TrackOutput> output = make_video_output(path, video);
  int64_t position = range.from;
  Status status = source.seek(position);
  while (status.is_ok()) {
    Result<std::optional<Frame>> frame = next_in_range(source, range, position);
    if (!frame.is_ok()) status = frame.status();
    if (!frame.is_ok() || !frame.value()) break;
    TrackedFrame tracked;
    tracked.frame = std::make_shared<const Frame>(std::move(*frame.value()));
    tracked.index = tracked.frame->index;
    tracked.seconds = tracked.frame->seconds;
    if (!all && !kept.has(tracked.index)) continue;
    status = before_frame(tracked.index);
    const Image& image = tracked.frame->image;
    if (status.is_ok()) status = output->add({tracked, image.width, image.height, kept.masks(tracked.index)});
  }
  const Status finished = output->finish();
  summary = output->summary();
  return status.is_ok() ? finished : status;
}

}  // namespace samc
