#include "app/track_frames.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"

namespace samc {

Result<int64_t> count_frames(FrameSource& source, const FrameRange& range, int64_t most, Status& end,
                             const std::function<Status(int64_t frame)>& before_frame) {
  end = source.seek(0);
  int64_t count = 0;
  for (int64_t frame = 0; end.is_ok() && count < most && (!range.to || frame <= *range.to); ++frame) {
    SAMC_TRY(before_frame(frame));
    const Result<bool> is_there = source.skip();
    if (!is_there.is_ok()) end = is_there.status();
    if (!is_there.is_ok() || !is_there.value()) break;
    if (range.holds(frame)) ++count;
  }
  return count;
}

TrackFrames::TrackFrames(FrameSource& source, const FrameRange& range, int64_t count)
    : source_(source), range_(range), count_(count), width_(source.info().width), height_(source.info().height) {
  constexpr int64_t kMostBytes = int64_t{128} << 20, kFewest = 4, kMost = 32;
  piece_ = std::clamp(kMostBytes / Image::bytes_of(source.info().width, source.info().height), kFewest, kMost);
  thread_ = std::thread([this] { work(); });
}

TrackFrames::~TrackFrames() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

Result<RgbView> TrackFrames::frame(int64_t index) {
  SAMC_ASSIGN(given_, get(index));
  return RgbView(given_->image);
}

Result<std::shared_ptr<const Frame>> TrackFrames::get(int64_t index) {
  SAMC_CHECK(index >= 0 && index < count_, "frame {} of {}", index, count_);
  std::unique_lock lock(mutex_);
  if (index != wanted_) backwards_ = index < wanted_;
  wanted_ = index;
  forget();
  changed_.notify_all();
  changed_.wait(lock, [&] { return frames_.contains(index) || !failure_.is_ok(); });
  const auto found = frames_.find(index);
  if (found != frames_.end()) return found->second;
  return failure_;
}

// What lies behind, in the direction of tracking, goes.
void TrackFrames::forget() {
  std::erase_if(frames_, [&](const auto& entry) {
    return backwards_ ? entry.first > wanted_ || entry.first <= wanted_ - 2 * piece_
                      : entry.first < wanted_ || entry.first >= wanted_ + piece_;
  });
}

// The frame to read next; none when enough is there.
std::optional<int64_t> TrackFrames::to_read() const {
  constexpr int64_t kAhead = 4;
  if (!backwards_) {
    for (int64_t index = wanted_; index < std::min(wanted_ + kAhead, count_); ++index)
      if (!frames_.contains(index)) return index;
    return std::nullopt;
  }
  // The last one of a piece of which frames are missing, then its first missing one.
  int64_t last = wanted_;
  while (last >= 0 && frames_.contains(last)) --last;
  if (last < 0 || wanted_ - last >= piece_) return std::nullopt;
  for (int64_t index = std::max(last - piece_ + 1, int64_t{0}); index <= last; ++index)
    if (!frames_.contains(index)) return index;
  return std::nullopt;
}

Result<Frame> TrackFrames::read(int64_t index) {
  return guarded([&]() -> Result<Frame> {
    const int64_t target = range_.from + index * range_.every;
    const bool is_near = position_ >= 0 && position_ <= target && target - position_ <= range_.every;
    if (!is_near) {
      SAMC_TRY(source_.seek(target));
      position_ = target;
    }
    for (; position_ < target; ++position_) {
      SAMC_ASSIGN(const bool is_there, source_.skip());
      if (!is_there) break;
    }
    SAMC_ASSIGN(std::optional<Frame> frame, source_.next());
    if (!frame) return invalid_input(fmt::format("{}: frame {} is not there any more", source_.info().name, target));
    ++position_;
    return std::move(*frame);
  });
}

void TrackFrames::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::optional<int64_t> index;
    changed_.wait(lock, [&] { return stopped_ || (failure_.is_ok() && (index = to_read())); });
    if (stopped_) return;
    lock.unlock();
    Result<Frame> frame = read(*index);
    lock.lock();
    if (frame.is_ok())
      frames_[*index] = std::make_shared<const Frame>(std::move(frame).value());
    else
      failure_ = frame.status();
    changed_.notify_all();
  }
}

}  // namespace samc
