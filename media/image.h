#pragma once
// Pictures in and out: JPEG and PNG files to 8-bit RGB, the same pixels as Pillow's Image.open(path).convert("RGB").
//
// Where we differ from Pillow, on purpose: the orientation is applied (Pillow leaves it to the caller), and 16-bit
// grey PNG keeps its high byte (Pillow clips all above 255 to white). Alpha is dropped, not blended, as Pillow does.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/memory_budget.h"
#include "base/status.h"

namespace samc {

struct Image {
  int width = 0;
  int height = 0;
  MemoryClaim claim;         // of what rgb takes, made before it
  std::vector<uint8_t> rgb;  // (height, width, 3)

  Image() = default;
  Image(int w, int h)
      : width(w), height(h), claim(bytes_of(w, h), "an image"), rgb(static_cast<size_t>(bytes_of(w, h))) {}
  Image(const Image& other)
      : width(other.width), height(other.height), claim(other.claim.bytes(), "a copy of an image"), rgb(other.rgb) {}
  Image(Image&&) noexcept = default;
  Image& operator=(const Image& other) { return *this = Image(other); }
  Image& operator=(Image&&) noexcept = default;
  ~Image() = default;

  static int64_t bytes_of(int w, int h) { return int64_t{w} * h * 3; }
  const uint8_t* row(int y) const { return rgb.data() + static_cast<size_t>(y) * static_cast<size_t>(width) * 3; }
  uint8_t* row(int y) { return rgb.data() + static_cast<size_t>(y) * static_cast<size_t>(width) * 3; }
};

// What the file was, for telling the user.
struct ImageSource {
  std::string format;   // "JPEG", "PNG"
  std::string colours;  // as stored: "grey", "RGB", "YCbCr", "CMYK", "YCCK", "palette", "RGBA", "grey+alpha"
  int bits = 8;         // for each channel, as stored
  bool progressive = false;
  bool dropped_alpha = false;
  int orientation = 1;                // EXIF's 1..8 by which the Image was turned, so that it is upright
  std::vector<std::string> warnings;  // damage that the decoder read past
};

enum class Orientation {
  kUpright,   // turned as EXIF or XMP asks, as Pillow's ImageOps.exif_transpose does
  kAsStored,  // left as the pixels are stored; the source then says 1
};

// The file must be a picture of at most most_pixels, and of at most kLongestSide on a side. All of its pixels must be
// there; an end marker may be missing. Errors name the path. source may be null.
Result<Image> read_image(const std::string& path, ImageSource* source = nullptr, int64_t most_pixels = kMostPixels,
                         Orientation orientation = Orientation::kUpright);
Result<Image> decode_image(std::span<const std::byte> bytes, ImageSource* source = nullptr,
                           int64_t most_pixels = kMostPixels, Orientation orientation = Orientation::kUpright);

// 8-bit PNG, written beside its place and renamed.
Status write_png(const std::string& path, const Image& image);
// grey is (height, width).
Status write_png_grey(const std::string& path, int width, int height, std::span<const uint8_t> grey);

}  // namespace samc
