#include "media/raw_frames.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guard.h"
#include "base/limits.h"
#include "base/quote.h"
#include "media/planar_yuv.h"

namespace samc {
namespace {

constexpr size_t kLongestLine = 4096;
constexpr double kUsualRate = 25;
constexpr const char* kHint =
    "begin with a Y4M header (ffmpeg -f yuv4mpegpipe) or the line: samc-frames WIDTH HEIGHT rgb24";

// Gives up to size bytes, none at the end.
using ReadBytes = std::function<Result<size_t>(uint8_t* target, size_t size)>;

Result<size_t> read_descriptor(int descriptor, const std::atomic<bool>* stop, uint8_t* target, size_t size) {
  constexpr int kWait = 100;  // milliseconds, until stop is looked at again
  for (;;) {
    if (stop != nullptr && stop->load()) return Status(StatusCode::kInterrupted, "interrupted");
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = stop == nullptr ? 1 : ::poll(&waiting, 1, kWait);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t count = ::read(descriptor, target, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR && errno != EAGAIN) return io_error(fmt::format("cannot read it: {}", std::strerror(errno)));
  }
}

// Bytes in order, with lines among them.
class Stream {
 public:
  explicit Stream(ReadBytes read) : read_(std::move(read)) {}

  // How many there are, up to target's size: fewer at the end.
  Result<size_t> read(std::span<uint8_t> target) {
    size_t done = std::min(target.size(), end_ - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), done, target.begin());
    begin_ += done;
    while (done < target.size()) {
      SAMC_ASSIGN(const size_t count, read_(target.data() + done, target.size() - done));
      if (count == 0) break;
      done += count;
    }
    return done;
  }

  // The bytes up to the next line break, which is taken too. Nothing at the end; an error for a line without end.
  Result<std::optional<std::string>> line() {
    std::string text;
    while (text.size() <= kLongestLine) {
      if (begin_ == end_) {
        begin_ = 0;
        SAMC_ASSIGN(end_, read_(buffer_.data(), buffer_.size()));
        if (end_ == 0) {
          if (text.empty()) return std::optional<std::string>();
          return invalid_input(fmt::format("it ends inside of the line {}", quote(text)), kHint);
        }
      }
      const char c = static_cast<char>(buffer_[begin_++]);
      if (c == '\n') return std::optional<std::string>(std::move(text));
      text += c;
    }
    return invalid_input(fmt::format("no header in its first {} bytes", kLongestLine), kHint);
  }

 private:
  ReadBytes read_;
  std::array<uint8_t, 65536> buffer_{};
  size_t begin_ = 0, end_ = 0;
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

Result<int> side(std::string_view text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || value < 1 || value > kLongestSide)
    return invalid_input(fmt::format("\"{}\" is no width or height", quote(text)),
                         fmt::format("frames have 1 to {} pixels on a side", kLongestSide));
  return value;
}

// "30", "29.97", "30000:1001". 0 for unknown, which Y4M writes as 0:0.
Result<double> rate_of(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  double over = 0, under = 1;
  const auto read = [](std::string_view part, double& value) {
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc{} && stop == part.data() + part.size();
  };
  const bool is_good =
      read(text.substr(0, colon), over) && (colon == text.size() || read(text.substr(colon + 1), under));
  constexpr double kMostRate = 1e6;
  if (!is_good || !std::isfinite(over) || !std::isfinite(under) || over < 0 || under < 0)
    return invalid_input(fmt::format("\"{}\" is no number of frames a second", quote(text)));
  if (over == 0 || under == 0) return 0;
  const double rate = over / under;
  if (rate < 1 / kMostRate || rate > kMostRate)
    return invalid_input(fmt::format("\"{}\" frames a second are none that samc takes", quote(text)),
                         "from 0.000001 to 1000000; 0 where nobody knows");
  return rate;
}

// Y4M's C: sampling, siting, bits.
Status read_colours(std::string_view name, PlanarFormat& format) {
  const std::string all(name);
  const auto take = [&](std::string_view start) {
    if (!name.starts_with(start)) return false;
    name.remove_prefix(start.size());
    return true;
  };
  if (take("420")) {
    format.across = format.down = 2;
    format.is_left_sited = take("mpeg2") || take("paldv");
    if (!format.is_left_sited) (void)take("jpeg");
  } else if (take("411")) {
    format.across = 4;
    format.is_left_sited = true;
  } else if (take("422")) {
    format.across = 2;
    format.is_left_sited = true;
  } else if (take("444")) {
    format.has_alpha = take("alpha");
  } else if (take("mono")) {
    format.is_grey = true;
  } else {
    return unsupported(fmt::format("its colours, {}, are none that samc reads", quote(all)), "write C420jpeg");
  }
  constexpr int kMostBits = 16;
  if (!name.empty()) {
    if (name[0] == 'p') name.remove_prefix(1);
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), format.bits);
    if (error != std::errc{} || stop != name.data() + name.size() || format.bits < 8 || format.bits > kMostBits)
      return unsupported(fmt::format("its colours, {}, are none that samc reads", quote(all)), "write C420jpeg");
  }
  return Status::ok();
}

class RawFrames : public FrameSource {
 public:
  RawFrames(ReadBytes read, const std::string& name) : stream_(std::move(read)) { info_.name = name; }

  Status open() {
    SAMC_ASSIGN(const std::optional<std::string> line, stream_.line());
    if (!line) return invalid_input("it is empty", kHint);
    const std::vector<std::string_view> words = words_of(*line);
    if (words.empty()) return invalid_input("no header in its first line", kHint);
    if (words[0] == "YUV4MPEG2") {
      SAMC_TRY(read_y4m_header(words));
    } else if (words[0] == "samc-frames") {
      SAMC_TRY(read_own_header(words));
    } else {
      return invalid_input("it does not begin with a header of frames", kHint);
    }
    if (!is_image_size(info_.width, info_.height))
      return invalid_input(
          fmt::format("frames of {} x {} pixels, more than the limit of {}", info_.width, info_.height, kMostPixels));
    return Status::ok();
  }

  const FrameSourceInfo& info() const override { return info_; }

  Result<std::optional<Frame>> next() override {
    return guarded([&]() -> Result<std::optional<Frame>> {
      SAMC_ASSIGN(const bool is_there, read_frame());
      if (!is_there) return std::optional<Frame>();
      Frame frame;
      frame.index = frames_ - 1;
      frame.seconds = static_cast<double>(frame.index) / (info_.rate > 0 ? info_.rate : kUsualRate);
      if (is_planar_) {
        frame.image = planar_to_rgb(planar_, bytes_);
      } else {
        frame.image = Image(info_.width, info_.height);
        std::copy(bytes_.begin(), bytes_.end(), frame.image.rgb.begin());
      }
      return std::optional<Frame>(std::move(frame));
    });
  }

  Result<bool> skip() override {
    return guarded([&] { return read_frame(); });
  }

 private:
  Status read_own_header(const std::vector<std::string_view>& words) {
    if (words.size() < 4 || words.size() > 5 || words[3] != "rgb24")
      return invalid_input("a line samc-frames that samc does not understand",
                           "write: samc-frames WIDTH HEIGHT rgb24, and the frames a second if you like");
    SAMC_ASSIGN(info_.width, side(words[1]));
    SAMC_ASSIGN(info_.height, side(words[2]));
    if (words.size() == 5) {
      SAMC_ASSIGN(info_.rate, rate_of(words[4]));
    }
    info_.format = "rgb24";
    return Status::ok();
  }

  Status read_y4m_header(const std::vector<std::string_view>& words) {
    is_planar_ = true;
    std::string_view colours = "420jpeg";
    for (const std::string_view word : std::span(words).subspan(1)) {
      const std::string_view value = word.substr(1);
      if (word[0] == 'W') {
        SAMC_ASSIGN(planar_.width, side(value));
      }
      if (word[0] == 'H') {
        SAMC_ASSIGN(planar_.height, side(value));
      }
      if (word[0] == 'F') {
        SAMC_ASSIGN(info_.rate, rate_of(value));
      }
      if (word[0] == 'C') colours = value;
      if (word == "XCOLORRANGE=FULL") planar_.is_full_range = true;
    }
    if (planar_.width == 0 || planar_.height == 0)
      return invalid_input("a Y4M header without width or height", "it has W and H, such as W640 H480");
    SAMC_TRY(read_colours(colours, planar_));
    info_.width = planar_.width;
    info_.height = planar_.height;
    info_.format = fmt::format("Y4M, {}", quote(colours));
    return Status::ok();
  }

  size_t frame_bytes() const {
    return is_planar_ ? planar_.frame_bytes() : static_cast<size_t>(Image::bytes_of(info_.width, info_.height));
  }

  // Into bytes_. false at the end.
  Result<bool> read_frame() {
    if (!failure_.is_ok()) return failure_;
    Result<bool> is_there = read_frame_unguarded();
    if (!is_there.is_ok()) {
      failure_ = is_there.status().at(info_.name);
      return failure_;
    }
    return is_there;
  }

  Result<bool> read_frame_unguarded() {
    if (is_planar_) {
      SAMC_ASSIGN(const std::optional<std::string> line, stream_.line());
      if (!line) return false;
      if (*line != "FRAME" && !line->starts_with("FRAME "))
        return invalid_input(fmt::format("no line FRAME where frame {} begins", frames_), "the stream is damaged");
    }
    if (bytes_.empty()) {
      claim_ = MemoryClaim(static_cast<int64_t>(frame_bytes()), "a frame");
      bytes_.resize(frame_bytes());
    }
    SAMC_ASSIGN(const size_t count, stream_.read(bytes_));
    if (count == 0 && !is_planar_) return false;
    if (count < bytes_.size())
      return invalid_input(
          fmt::format("it ends inside of frame {}, behind {} of {} bytes", frames_, count, bytes_.size()),
          "whole frames only are tracked");
    ++frames_;
    return true;
  }

  Stream stream_;
  FrameSourceInfo info_;
  bool is_planar_ = false;
  PlanarFormat planar_;
  MemoryClaim claim_;
  std::vector<uint8_t> bytes_;  // of one frame, as it came
  int64_t frames_ = 0;
  Status failure_;
};

Result<std::unique_ptr<FrameSource>> open(ReadBytes read, const std::string& name) {
  return guarded([&]() -> Result<std::unique_ptr<FrameSource>> {
    auto frames = std::make_unique<RawFrames>(std::move(read), name);
    if (const Status status = frames->open(); !status.is_ok()) return status.at(name);
    return std::unique_ptr<FrameSource>(std::move(frames));
  });
}

}  // namespace

Result<std::unique_ptr<FrameSource>> open_raw_frames(int descriptor, const std::string& name,
                                                     const std::atomic<bool>* stop) {
  return open(
      [descriptor, stop](uint8_t* target, size_t size) { return read_descriptor(descriptor, stop, target, size); },
      name);
}

Result<std::unique_ptr<FrameSource>> open_raw_frames(std::span<const std::byte> bytes, const std::string& name) {
  return open(
      [bytes, at = size_t{0}](uint8_t* target, size_t size) mutable -> Result<size_t> {
        const size_t count = std::min(size, bytes.size() - at);
        std::memcpy(target, bytes.data() + at, count);
        at += count;
        return count;
      },
      name);
}

}  // namespace samc
