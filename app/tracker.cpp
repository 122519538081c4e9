#include "app/tracker.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "app/signals.h"
#include "base/guard.h"
#include "runtime/video_model.h"

namespace samc {
namespace {

// More than any model's max_obj_ptrs_in_encoder: of longer videos a stream need not know the length.
constexpr int64_t kShortVideo = 64;
constexpr size_t kFramesAhead = 3;

Status interrupted() { return {StatusCode::kInterrupted, "interrupted"}; }
bool is_asked_to_end() { return FinishOnSignal::is_asked().load(); }

VideoPrompt video_prompt(const TrackPrompt& from) {
  VideoPrompt prompt;
  for (const PromptPoint& point : from.prompt.points)
    prompt.points.push_back({static_cast<float>(point.x), static_cast<float>(point.y), point.positive ? 1 : 0});
  if (const auto& box = from.prompt.box)
    prompt.box = BoxPrompt{static_cast<float>((*box)[0]), static_cast<float>((*box)[1]), static_cast<float>((*box)[2]),
                           static_cast<float>((*box)[3])};
  prompt.clear_old_points = from.clear_old_points;
  return prompt;
}

// Reads the frames of a range into a queue, in a thread of its own.
class ReadingThread {
 public:
  // start: the frame at which the source stands.
  ReadingThread(FrameSource& source, const TrackPlan& plan, int64_t start, BoundedQueue<Frame>& frames,
                std::atomic<bool>& stop)
      : frames_(frames),
        stop_(stop),
        thread_([&source, &plan, &frames, start] { frames.close(read(source, plan, start, frames)); }) {}
  ~ReadingThread() {
    stop_ = true;
    frames_.close();
    thread_.join();
  }
  ReadingThread(const ReadingThread&) = delete;
  ReadingThread& operator=(const ReadingThread&) = delete;

 private:
  static Status read(FrameSource& source, const TrackPlan& plan, int64_t start, BoundedQueue<Frame>& frames) {
    return guarded([&]() -> Status {
      for (int64_t position = start;;) {
        SAMC_ASSIGN(std::optional<Frame> frame, next_in_range(source, plan.range, position));
        if (!frame) return Status::ok();
        const bool taken = plan.is_live ? frames.push_latest(std::move(*frame)) : frames.push(std::move(*frame));
        if (!taken) return Status::ok();
      }
    });
  }
  BoundedQueue<Frame>& frames_;
  std::atomic<bool>& stop_;
  std::thread thread_;
};

}  // namespace

Status Tracker::show_reading(int64_t frame) {
  constexpr int64_t kStep = 50;
  if (frame % kStep == 0) progress_.show(fmt::format("{}: reading frame {} ...", source_.info().name, frame));
  return is_asked_to_end() ? interrupted() : Status::ok();
}

void Tracker::show_tracking(int64_t frame) {
  if (!watch_) return;
  const double seconds = watch_->so_far() / 1000;
  const double rate = seconds > 0 ? static_cast<double>(writer_.tracked()) / seconds : 0;
  std::string text = fmt::format("{}: frame {}", source_.info().name, frame);
  if (to_track_) text += fmt::format(", {} of {}", writer_.tracked(), *to_track_);
  text += fmt::format(", {:.2f} frames/s", rate);
  if (to_track_ && rate > 0)
    text += fmt::format(", {:.0f} s left",
                        static_cast<double>(std::max(*to_track_ - writer_.tracked(), int64_t{0})) / rate);
  progress_.show(text);
}

std::string Tracker::end_of_video(int64_t frames) const {
  return fmt::format("{} ends behind {} frame{}", source_.info().name, frames, frames == 1 ? "" : "s");
}

Status Tracker::no_such_frame(const TrackPrompt& prompt, int64_t frames) const {
  return invalid_input(fmt::format("{}: no frame {}: {}", prompt.where, prompt.frame, end_of_video(frames)),
                       "the first frame is 0");
}

// Up to `most` frames of the range; then the source stands at the first of them.
Status Tracker::count(int64_t most) {
  int64_t looked_for = 0;
  const auto before_frame = [&](int64_t frame) { return show_reading(looked_for = frame); };
  SAMC_ASSIGN(counted_, count_frames(source_, plan_.range, most, end_, before_frame));
  if (counted_ == 0)
    return end_.is_ok() ? invalid_input(fmt::format("no frame {}, where --from begins: {}", plan_.range.from,
                                                    end_of_video(looked_for)),
                                        "the first frame is 0")
                        : end_;
  for (const TrackPrompt& prompt : plan_.prompts)
    if (counted_ < most && ordinal_of(prompt.frame) >= counted_)
      return no_such_frame(prompt, plan_.range.from + (counted_ - 1) * plan_.range.every + 1);
  start_ = plan_.range.from;
  return source_.seek(start_);
}

Status Tracker::hand_over(std::shared_ptr<const Frame> frame, std::optional<VideoMasks> masks) {
  TrackedFrame tracked;
  tracked.index = frame->index;
  tracked.seconds = frame->seconds;
  tracked.frame = std::move(frame);
  tracked.masks = std::move(masks);
  return writer_.push(std::move(tracked));
}

Status Tracker::run_stream(std::unique_ptr<VideoModel> model, const VideoOptions& options) {
  StreamOptions stream_options;
  if (source_.can_seek()) {
    const int64_t most = std::max(kShortVideo, ordinal_of(plan_.last) + 1);
    SAMC_TRY(count(most));
    stream_options.num_frames = counted_;
    if (counted_ < most) {
      to_track_ = counted_ - ordinal_of(plan_.first);
    } else if (source_.info().frames || plan_.range.to) {
      int64_t end = source_.info().frames.value_or(*plan_.range.to + 1);
      if (plan_.range.to) end = std::min(end, *plan_.range.to + 1);
      to_track_ = std::max(ordinal_of(end - 1) - ordinal_of(plan_.first) + 1, int64_t{1});
    }
  }
  SAMC_ASSIGN(VideoStream stream, VideoStream::create(std::move(model), options, stream_options));
  BoundedQueue<Frame> frames(kFramesAhead);
  const ReadingThread reader(source_, plan_, start_, frames, stop_);
  return track_stream(stream, frames);
}

Status Tracker::track_stream(VideoStream& stream, BoundedQueue<Frame>& frames) {
  constexpr std::chrono::milliseconds kPatience{100};
  int64_t seen = 0;
  for (;;) {
    if (is_asked_to_end()) return interrupted();
    std::optional<Frame> next;
    const auto popped = frames.pop(next, kPatience);
    if (popped == BoundedQueue<Frame>::Pop::kTimeout) continue;
    if (popped == BoundedQueue<Frame>::Pop::kEnd) break;
    const auto frame = std::make_shared<const Frame>(std::move(*next));
    seen = frame->index + 1;
    if (given_.empty() && frame->index < plan_.first) {
      if (plan_.shows_untracked) SAMC_TRY(hand_over(frame, std::nullopt));
      continue;
    }
    if (!watch_) watch_.emplace();
    Result<VideoMasks> pushed = stream.push(frame->image);
    if (!pushed.is_ok()) return pushed.status().at(fmt::format("frame {}", frame->index));
    std::optional<VideoMasks> masks = std::move(pushed).value();
    SAMC_TRY(prompt_stream(stream, *frame, masks));
    SAMC_TRY(hand_over(frame, std::move(masks)));
    show_tracking(frame->index);
  }
  SAMC_TRY(frames.reason());
  for (const TrackPrompt& prompt : plan_.prompts)
    if (prompt.frame >= seen) return no_such_frame(prompt, seen);
  return Status::ok();
}

// Those for this frame; of a camera also those for frames that were left out.
Status Tracker::prompt_stream(VideoStream& stream, const Frame& frame, std::optional<VideoMasks>& masks) {
  for (size_t i = 0; i < plan_.prompts.size(); ++i) {
    const TrackPrompt& prompt = plan_.prompts[i];
    const bool is_due = prompt.frame == frame.index || (plan_.is_live && prompt.frame < frame.index);
    if (!is_due || given_.contains(i)) continue;
    given_.insert(i);
    Result<VideoMasks> prompted = prompt.mask.empty()
                                      ? stream.add_new_points_or_box(prompt.object, video_prompt(prompt))
                                      : stream.add_new_mask(prompt.object, plan_.masks[i].view());
    if (!prompted.is_ok()) return prompted.status().at(prompt.where);
    masks = std::move(prompted).value();
  }
  return Status::ok();
}

Status Tracker::run_offline(std::unique_ptr<VideoModel> model, const VideoOptions& options) {
  constexpr int64_t kAll = int64_t{1} << 60;
  SAMC_TRY(count(kAll));
  SAMC_ASSIGN(VideoPredictor predictor, VideoPredictor::create(std::move(model), options));
  const auto frames = std::make_shared<TrackFrames>(source_, plan_.range, counted_);
  SAMC_TRY(predictor.init_state(frames));
  SAMC_TRY(prompt_offline(predictor));

  const int64_t first = ordinal_of(plan_.first), last = ordinal_of(plan_.last);
  PropagateOptions forward, reverse;
  forward.start_frame = first;
  reverse.start_frame = plan_.direction == TrackDirection::kBoth ? first : last;
  reverse.reverse = true;
  watch_.emplace();
  if (plan_.direction == TrackDirection::kReverse) {
    to_track_ = last + 1;
    // From frame 0 backwards the predictor, as the official one, gives nothing; the frame itself has its masks.
    if (last == 0) forward.max_frames = 0;
    SAMC_TRY(propagate(predictor, *frames, last == 0 ? forward : reverse, std::nullopt));
  } else {
    const bool both = plan_.direction == TrackDirection::kBoth;
    to_track_ = both ? counted_ : counted_ - first;
    for (int64_t k = 0; plan_.shows_untracked && !both && k < first; ++k) {
      SAMC_ASSIGN(std::shared_ptr<const Frame> frame, frames->get(k));
      SAMC_TRY(hand_over(std::move(frame), std::nullopt));
    }
    SAMC_TRY(propagate(predictor, *frames, forward, std::nullopt));
    if (both) SAMC_TRY(propagate(predictor, *frames, reverse, first));
  }
  return end_;
}

Status Tracker::prompt_offline(VideoPredictor& predictor) {
  for (size_t i = 0; i < plan_.prompts.size(); ++i) {
    if (is_asked_to_end()) return interrupted();
    const TrackPrompt& prompt = plan_.prompts[i];
    progress_.show(fmt::format("{}: prompt {} of {} ...", source_.info().name, i + 1, plan_.prompts.size()));
    const int64_t frame = ordinal_of(prompt.frame);
    const Result<VideoMasks> prompted =
        prompt.mask.empty() ? predictor.add_new_points_or_box(frame, prompt.object, video_prompt(prompt))
                            : predictor.add_new_mask(frame, prompt.object, plan_.masks[i].view());
    if (!prompted.is_ok()) return prompted.status().at(prompt.where);
  }
  return Status::ok();
}

// leave_out: a frame that was handed over before.
Status Tracker::propagate(VideoPredictor& predictor, TrackFrames& frames, const PropagateOptions& options,
                          std::optional<int64_t> leave_out) {
  SAMC_ASSIGN(VideoPropagation propagation, predictor.propagate_in_video(options));
  for (;;) {
    if (is_asked_to_end()) return interrupted();
    SAMC_ASSIGN(std::optional<VideoMasks> masks, propagation.next());
    if (!masks) return Status::ok();
    if (leave_out && masks->frame == *leave_out) continue;
    SAMC_ASSIGN(std::shared_ptr<const Frame> frame, frames.get(masks->frame));
    const int64_t index = frame->index;
    SAMC_TRY(hand_over(std::move(frame), std::move(masks)));
    show_tracking(index);
  }
}

}  // namespace samc
