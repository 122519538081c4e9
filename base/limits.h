#pragma once
// Limits that more than one stage keeps to. docs/limits.md lists these and all others, with what the error says.

#include <cstddef>
#include <cstdint>

namespace samc {

// Of an image. Pillow refuses more pixels than this too (twice its MAX_IMAGE_PIXELS): 512 MB as RGB. A side of more is
// beyond JPEG; tables of the resize grow with it, whatever the area.
constexpr int64_t kMostPixels = 178'956'970;
constexpr int64_t kLongestSide = 65'535;

// Pixels on a side of what a model's encoder sees: in a config and in a compiled module. SAM 2 has 1024.
constexpr int64_t kGreatestImageSize = 4096;

// Points of one prompt, where a box counts as two. The decoder reads one more: the padding point.
constexpr int64_t kMostPromptPoints = 4095;

// A file's name or value is quoted in a message up to here (base/quote.h); a whole message ends here.
constexpr size_t kLongestQuote = 120;
constexpr size_t kLongestMessage = 2000;

// Whether an image of this size is one that samc takes: at least a pixel, no more than the two limits. No overflow.
constexpr bool is_image_size(int64_t width, int64_t height) {
  return width >= 1 && height >= 1 && width <= kLongestSide && height <= kLongestSide && width <= kMostPixels / height;
}

}  // namespace samc
