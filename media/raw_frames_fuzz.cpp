#include <cstddef>
#include <cstdint>
#include <span>

#include "media/raw_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 1 << 20;  // the fuzzer's memory and time are short
  const auto source = samc::open_raw_frames(std::as_bytes(std::span(data, size)), "frames");
  if (!source.is_ok()) return 0;
  const samc::FrameSourceInfo& info = source.value()->info();
  if (int64_t{info.width} * info.height > kMostPixels) return 0;
  for (int64_t frames = 0;; ++frames) {
    const auto frame = source.value()->next();
    if (!frame.is_ok() || !frame.value()) break;
    SAMC_CHECK(frame.value()->index == frames && frame.value()->image.width == info.width, "a wrong frame");
  }
  return 0;
}
