#include "runtime/video_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/guard.h"
#include "base/limits.h"
#include "runtime/module_video_model.h"
#include "runtime/video_model.h"
#include "runtime/video_session.h"

namespace samc {
namespace {

// The frame pushed last, for prompts, and the one that is being pushed.
constexpr int64_t kKeptFeatures = 2;

VideoOptions with_kept_features(VideoOptions options) {
  options.kept_features = kKeptFeatures;
  return options;
}

}  // namespace

struct VideoStream::State {
  State(std::unique_ptr<VideoModel> model_in, const VideoFacts& facts, const VideoOptions& options,
        const StreamOptions& stream)
      : model(std::move(model_in)),
        session(*model, facts, with_kept_features(options)),
        num_frames(stream.num_frames == 0 ? std::numeric_limits<int64_t>::max() : stream.num_frames) {}

  std::unique_ptr<VideoModel> model;
  VideoSession session;
  int64_t num_frames;
  int64_t pushed = 0;
  RgbView at_hand;              // what is encoded next
  std::vector<uint8_t> pixels;  // a copy of the frame pushed last, where no object made its features be computed

  Status check_pushed() const {
    if (pushed > 0) return Status::ok();
    return invalid_input("no frame was pushed", "push the frame that the prompt is for");
  }

  Result<VideoMasks> push(const RgbView& frame) {
    if (frame.pixels == nullptr || !is_image_size(frame.width, frame.height) || frame.stride < 3 * frame.width)
      return invalid_input(
          fmt::format("frame {} has {} x {} pixels, rows of {} bytes", pushed, frame.width, frame.height, frame.stride),
          fmt::format("3 bytes a pixel, at most {} pixels on a side and {} in all", kLongestSide, kMostPixels));
    if (pushed == 0)
      session.begin(num_frames, frame.width, frame.height, [this](int64_t) -> Result<RgbView> { return at_hand; });
    if (frame.width != session.width() || frame.height != session.height())
      return invalid_input(fmt::format("frame {} has {} x {} pixels, those before it {} x {}", pushed, frame.width,
                                       frame.height, session.width(), session.height()),
                           "reset() begins a stream of another size");
    session.features().forget(pushed);  // of a push that failed, maybe with other pixels
    return session.objects().empty() ? keep(frame) : track(frame);
  }

  // Nothing to track: what the encoder makes of the frame is computed when it is prompted.
  Result<VideoMasks> keep(const RgbView& frame) {
    const auto row = static_cast<size_t>(frame.width) * 3;
    std::vector<uint8_t> copy(row * static_cast<size_t>(frame.height));
    for (int64_t y = 0; y < frame.height; ++y)
      std::copy_n(frame.row(y), row, copy.begin() + y * static_cast<int64_t>(row));
    pixels = std::move(copy);
    at_hand = {pixels.data(), frame.width, frame.height, static_cast<int64_t>(row)};
    VideoMasks none;
    none.frame = pushed++;
    return none;
  }

  Result<VideoMasks> track(const RgbView& frame) {
    SAMC_TRY(session.consolidate());
    at_hand = frame;
    pixels = {};  // its features are there: an object was prompted on it, or tracked
    session.extend_to(pushed + 1);
    SAMC_ASSIGN(VideoMasks masks, session.track(pushed, false));
    ++pushed;
    // Missing memory is no error here: the next push forgets what this one could not.
    static_cast<void>(guarded([&] {
      session.forget_before(pushed - 1);
      return Status::ok();
    }));
    return masks;
  }
};

VideoStream::VideoStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
VideoStream::VideoStream(VideoStream&&) noexcept = default;
VideoStream& VideoStream::operator=(VideoStream&&) noexcept = default;
VideoStream::~VideoStream() = default;

Result<VideoStream> VideoStream::create(std::shared_ptr<const Module> module, const VideoOptions& options,
                                        const StreamOptions& stream) {
  return guarded([&]() -> Result<VideoStream> {
    SAMC_ASSIGN(std::unique_ptr<VideoModel> model, make_video_model(std::move(module), options.threads));
    return create(std::move(model), options, stream);
  });
}

Result<VideoStream> VideoStream::create(std::unique_ptr<VideoModel> model, const VideoOptions& options,
                                        const StreamOptions& stream) {
  return guarded([&]() -> Result<VideoStream> {
    if (model == nullptr) return invalid_input("no model");
    SAMC_ASSIGN(VideoFacts facts, video_facts(*model, options));
    if (stream.num_frames < 0) return invalid_input(fmt::format("a stream of {} frames", stream.num_frames));
    if (facts.max_cond_frames_in_attn == -1) {
      const int64_t most = std::min(model->most_memories() - std::max<int64_t>(facts.num_maskmem - 1, 0),
                                    model->most_pointers() - (facts.max_obj_ptrs_in_encoder - 1));
      facts.max_cond_frames_in_attn = std::clamp<int64_t>(most, 2, kStreamConditioningFrames);
    }
    return VideoStream(std::make_unique<State>(std::move(model), facts, options, stream));
  });
}

Result<VideoMasks> VideoStream::push(const RgbView& frame) {
  return guarded([&] { return state_->push(frame); });
}

Result<VideoMasks> VideoStream::add_new_points_or_box(int64_t object, const VideoPrompt& prompt) {
  return guarded([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_pushed());
    return state_->session.add_points(state_->pushed - 1, object, prompt);
  });
}

Result<VideoMasks> VideoStream::add_new_mask(int64_t object, const TensorView& mask) {
  return guarded([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_pushed());
    return state_->session.add_mask(state_->pushed - 1, object, mask);
  });
}

Result<VideoMasks> VideoStream::clear_all_prompts_in_frame(int64_t object) {
  return guarded([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_pushed());
    return state_->session.clear_prompts(state_->pushed - 1, object);
  });
}

Result<VideoMasks> VideoStream::remove_object(int64_t object) {
  return guarded([&]() -> Result<VideoMasks> {
    SAMC_TRY(state_->check_pushed());
    SAMC_ASSIGN(std::vector<VideoMasks> masks, state_->session.remove(object, {state_->pushed - 1}));
    return std::move(masks.front());
  });
}

void VideoStream::reset() {
  state_->session.remove_all();
  state_->session.features().forget_all();
  state_->pushed = 0;
  state_->pixels = {};
}

int64_t VideoStream::frames() const { return state_->pushed; }
std::vector<int64_t> VideoStream::objects() const { return state_->session.ids(); }

StreamHoldings VideoStream::holdings() const {
  StreamHoldings result;
  const auto count = [&](const FrameResult& kept) {
    result.memories += kept.memory.empty() ? 0 : 1;
    result.pointers += 1;
    result.masks += kept.output == nullptr ? 0 : 1;
  };
  for (const VideoObject& object : state_->session.objects()) {
    result.conditioning_frames += static_cast<int64_t>(object.conditioning.entries().size());
    for (const auto& [unused, kept] : object.tracked) count(*kept);
    for (const FrameResults* results : {&object.conditioning, &object.new_conditioning, &object.new_tracked})
      for (const auto& [unused, kept] : results->entries()) count(*kept);
  }
  return result;
}

const ModelInfo& VideoStream::info() const { return state_->model->info(); }
void VideoStream::observe(OperationObserver observer) { state_->model->observe(std::move(observer)); }
size_t VideoStream::working_bytes() const { return state_->model->working_bytes(); }

}  // namespace samc
