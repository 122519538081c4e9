#include "runtime/video_predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "base/limits.h"
#include "runtime/module_video_model.h"
#include "runtime/video_model.h"
#include "runtime/video_session.h"

namespace samc {
namespace {

Result<RgbView> checked_frame(VideoFrames& frames, int64_t index) {
  const Result<RgbView> frame = frames.frame(index);
  if (!frame.is_ok()) return frame.status().at(fmt::format("frame {}", index));
  const RgbView& pixels = frame.value();
  if (pixels.pixels == nullptr || pixels.width != frames.width() || pixels.height != frames.height() ||
      pixels.stride < 3 * pixels.width)
    return invalid_input(fmt::format("frame {} has {} x {} pixels, the video {} x {}", index, pixels.width,
                                     pixels.height, frames.width(), frames.height()),
                         "all frames of a video are of one size");
  return pixels;
}

}  // namespace

struct VideoState {
  VideoState(std::unique_ptr<VideoModel> model_in, const VideoFacts& facts, const VideoOptions& options)
      : model(std::move(model_in)), session(*model, facts, options) {}

  std::unique_ptr<VideoModel> model;
  VideoSession session;
  std::shared_ptr<VideoFrames> frames;
  int64_t count = 0;
  uint64_t changes = 0;  // of prompts and videos: a propagation that began before one is over

  Status check_frame(int64_t frame) const {
    if (frames == nullptr) return invalid_input("no video is set", "call init_state first");
    if (frame < 0 || frame >= count)
      return invalid_input(fmt::format("no frame {}: the video has {}", frame, count), "they are counted from 0");
    return Status::ok();
  }

  // A call that changes prompts or results; whether it fails or not, a propagation is over.
  template <class Body>
  auto change(const Body& body) -> decltype(body()) {
    ++changes;
    return guarded(body);
  }

  Result<VideoPropagation> propagate(const PropagateOptions& options) {
    if (frames == nullptr) return invalid_input("no video is set", "call init_state first");
    if (options.start_frame.has_value()) SAMC_TRY(check_frame(*options.start_frame));
    if (options.max_frames.value_or(0) < 0)
      return invalid_input(fmt::format("{} frames to track", *options.max_frames), "0 or more beyond the first one");
    SAMC_TRY(session.consolidate());
    int64_t start = count - 1;
    for (const VideoObject& object : session.objects())
      for (const auto& [frame, unused] : object.conditioning.entries()) start = std::min(start, frame);
    start = options.start_frame.value_or(start);
    const int64_t beyond = std::min(options.max_frames.value_or(count), options.reverse ? start : count - 1 - start);
    VideoPropagation propagation;
    propagation.state_ = this;
    propagation.changes_ = changes;
    propagation.first_ = start;
    propagation.reverse_ = options.reverse;
    propagation.frames_ = options.reverse && start == 0 ? 0 : beyond + 1;
    return propagation;
  }
};

Result<std::optional<VideoMasks>> VideoPropagation::next() {
  return guarded([&]() -> Result<std::optional<VideoMasks>> {
    if (changes_ != state_->changes)
      return invalid_input("prompts or objects changed since this propagation began", "begin another one");
    if (done_ == frames_) return std::optional<VideoMasks>();
    const int64_t frame = reverse_ ? first_ - done_ : first_ + done_;
    SAMC_ASSIGN(VideoMasks masks, state_->session.track(frame, reverse_));
    ++done_;
    return std::optional<VideoMasks>(std::move(masks));
  });
}

VideoPredictor::VideoPredictor(std::unique_ptr<VideoState> state) : state_(std::move(state)) {}
VideoPredictor::VideoPredictor(VideoPredictor&&) noexcept = default;
VideoPredictor& VideoPredictor::operator=(VideoPredictor&&) noexcept = default;
VideoPredictor::~VideoPredictor() = default;

Result<VideoPredictor> VideoPredictor::create(std::shared_ptr<const Module> module, const VideoOptions& options) {
  return guarded([&]() -> Result<VideoPredictor> {
    SAMC_ASSIGN(std::unique_ptr<VideoModel> model, make_video_model(std::move(module), options.threads));
    return create(std::move(model), options);
  });
}

Result<VideoPredictor> VideoPredictor::create(std::unique_ptr<VideoModel> model, const VideoOptions& options) {
  return guarded([&]() -> Result<VideoPredictor> {
    if (model == nullptr) return invalid_input("no model");
    SAMC_ASSIGN(const VideoFacts facts, video_facts(*model, options));
    return VideoPredictor(std::make_unique<VideoState>(std::move(model), facts, options));
  });
}

Status VideoPredictor::init_state(std::shared_ptr<VideoFrames> frames) {
  return state_->change([&]() -> Status {
    if (frames == nullptr || frames->count() < 1) return invalid_input("a video without frames");
    const int64_t count = frames->count(), width = frames->width(), height = frames->height();
    if (!is_image_size(width, height))
      return invalid_input(
          fmt::format("frames of {} x {} pixels: no frames, or more than the limits of {} on a side and "
                      "{} in all",
                      width, height, kLongestSide, kMostPixels),
          "make the video smaller first");
    state_->session.begin(count, width, height, [frames](int64_t index) { return checked_frame(*frames, index); });
    state_->count = count;
    state_->frames = std::move(frames);
    return Status::ok();
  });
}

Result<VideoMasks> VideoPredictor::add_new_points_or_box(int64_t frame, int64_t object, const VideoPrompt& prompt) {
  return state_->change([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_frame(frame));
    return state_->session.add_points(frame, object, prompt);
  });
}

Result<VideoMasks> VideoPredictor::add_new_mask(int64_t frame, int64_t object, const TensorView& mask) {
  return state_->change([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_frame(frame));
    return state_->session.add_mask(frame, object, mask);
  });
}

Result<VideoPropagation> VideoPredictor::propagate_in_video(const PropagateOptions& options) {
  return state_->change([&] { return state_->propagate(options); });
}

Result<VideoMasks> VideoPredictor::clear_all_prompts_in_frame(int64_t frame, int64_t object) {
  return state_->change([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_frame(frame));
    return state_->session.clear_prompts(frame, object);
  });
}

Result<std::vector<VideoMasks>> VideoPredictor::remove_object(int64_t object, bool strict) {
  return state_->change([&]() -> Result<std::vector<VideoMasks>> {
    const VideoObject* found = state_->session.find(object);
    if (found == nullptr && !strict) return std::vector<VideoMasks>();
    std::vector<int64_t> frames;
    if (found != nullptr && state_->session.objects().size() > 1) {
      const std::set<int64_t> prompted = found->prompted_frames();
      frames.assign(prompted.begin(), prompted.end());
    }
    return state_->session.remove(object, frames);
  });
}

void VideoPredictor::reset_state() {
  ++state_->changes;
  state_->session.remove_all();
}

Result<std::shared_ptr<const ObjectOutput>> VideoPredictor::output(int64_t frame, int64_t object) const {
  return guarded([&]() -> Result<std::shared_ptr<const ObjectOutput>> {
    SAMC_TRY(state_->check_frame(frame));
    return state_->session.output(frame, object);
  });
}

std::vector<int64_t> VideoPredictor::objects() const { return state_->session.ids(); }
const ModelInfo& VideoPredictor::info() const { return state_->model->info(); }
void VideoPredictor::observe(OperationObserver observer) { state_->model->observe(std::move(observer)); }
size_t VideoPredictor::working_bytes() const { return state_->model->working_bytes(); }

}  // namespace samc
