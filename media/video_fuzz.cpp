// The demuxer's and decoder's input, and what samc itself reads of a file's structure.

#include <cstddef>
#include <cstdint>
#include <span>

#include "media/video_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostFrames = 30, kMostPixels = 1 << 18;  // the fuzzer's memory and time are short
  const auto source = samc::open_video(std::as_bytes(std::span(data, size)));
  if (!source.is_ok()) return 0;
  const samc::FrameSourceInfo& info = source.value()->info();
  if (int64_t{info.width} * info.height > kMostPixels) return 0;
  int64_t frames = 0;
  for (; frames < kMostFrames; ++frames) {
    const auto frame = source.value()->next();
    if (!frame.is_ok() || !frame.value()) break;
    SAMC_CHECK(frame.value()->image.width == info.width && frame.value()->image.height == info.height,
               "a frame of another size");
  }
  if (frames > 1 && source.value()->seek(frames / 2).is_ok()) static_cast<void>(source.value()->next());
  return 0;
}
