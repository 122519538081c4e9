#include "media/exif.h"

#include <cstring>
#include <utility>

namespace samc {

int exif_orientation(std::span<const uint8_t> tiff) {
  constexpr size_t kHeaderSize = 8, kEntrySize = 12;
  constexpr uint64_t kOrientationTag = 0x0112, kShortType = 3;
  if (tiff.size() < kHeaderSize) return 1;
  const bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  const auto field = [&](size_t at, size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value = (value << 8) | tiff[at + (little ? width - 1 - i : i)];
    return value;
  };
  if (field(2, 2) != 42) return 1;
  const size_t directory = field(4, 4);
  if (directory > tiff.size() || tiff.size() - directory < 2) return 1;
  const size_t entries = field(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + i * kEntrySize;
    if (tiff.size() < kEntrySize || at > tiff.size() - kEntrySize) return 1;
    if (field(at, 2) != kOrientationTag) continue;
    if (field(at + 2, 2) != kShortType || field(at + 4, 4) != 1) return 1;
    const uint64_t orientation = field(at + 8, 2);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

Image oriented(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swaps_sides = orientation >= 5;
  const int width = swaps_sides ? image.height : image.width;
  const int height = swaps_sides ? image.width : image.height;
  Image upright(width, height);
  for (int y = 0; y < height; ++y) {
    uint8_t* target = upright.row(y);
    for (int x = 0; x < width; ++x, target += 3) {
      int u = swaps_sides ? y : x;  // where the pixel stands in the stored picture
      int v = swaps_sides ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) u = image.width - 1 - u;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) v = image.height - 1 - v;
      std::memcpy(target, image.row(v) + static_cast<size_t>(u) * 3, 3);
    }
  }
  return upright;
}

}  // namespace samc
