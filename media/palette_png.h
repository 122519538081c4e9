#pragma once
// Masks of several objects as one PNG, each pixel the number of its object: what DAVIS has under Annotations, and what
// Pillow calls mode P.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/memory_budget.h"
#include "base/status.h"

namespace samc {

constexpr size_t kPaletteColours = 256;
using PaletteColour = std::array<uint8_t, 3>;  // red, green, blue

struct PaletteImage {
  int width = 0;
  int height = 0;
  MemoryClaim claim;                   // of what indices takes
  std::vector<uint8_t> indices;        // (height, width): 0 is the background
  std::vector<PaletteColour> palette;  // empty when the file is grey
};

// The 256 colours of DAVIS's annotations, which are PASCAL VOC's: black, dark red, dark green, ...
const std::array<PaletteColour, kPaletteColours>& davis_palette();

// A palette PNG of any depth gives its indices, a grey one of at most 8 bits its values as they are stored, as Pillow's
// numpy.array(Image.open(path)) does for modes P and L. Any other file is an error. The orientation is not looked at.
Result<PaletteImage> read_palette_png(const std::string& path, int64_t most_pixels = kMostPixels);
Result<PaletteImage> decode_palette_png(std::span<const std::byte> png, int64_t most_pixels = kMostPixels);

// 8 bits deep, written beside its place and renamed. indices is (height, width), each below palette.size().
Status write_palette_png(const std::string& path, int width, int height, std::span<const uint8_t> indices,
                         std::span<const PaletteColour> palette = davis_palette());

}  // namespace samc
