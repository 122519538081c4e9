#include "media/exif.h"

#include <array>
#include <bit>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

namespace samc {
namespace {

using namespace std::string_view_literals;

enum TiffType : uint64_t {
  kShort = 3,
  kLong = 4,
  kRational = 5,
  kSignedByte = 6,
  kSignedShort = 8,
  kSignedLong = 9,
  kSignedRational = 10,
  kFloat = 11,
  kDouble = 12,
  kIfd = 13,
  kLong8 = 16,
};

// Bytes of one value; 0: no such type.
size_t size_of_type(uint64_t type) {
  constexpr std::array<size_t, 17> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

class TiffBytes {
 public:
  TiffBytes(std::span<const uint8_t> bytes, bool little) : bytes_(bytes), little_(little) {}
  size_t size() const { return bytes_.size(); }
  bool has(uint64_t at, uint64_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  uint64_t read(size_t at, size_t width) const {
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value = (value << 8) | bytes_[at + (little_ ? width - 1 - i : i)];
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool little_;
};

// Whether the number of this type at `at` is `wanted`. Texts and bytes are no numbers.
bool is_number(const TiffBytes& tiff, uint64_t type, size_t at, int wanted) {
  const auto value = static_cast<uint64_t>(wanted);
  switch (type) {
    case kShort:
    case kSignedShort:
      return tiff.read(at, 2) == value;
    case kLong:
    case kSignedLong:
    case kIfd:
      return tiff.read(at, 4) == value;
    case kSignedByte:
      return tiff.read(at, 1) == value;
    case kLong8:
      return tiff.read(at, 8) == value;
    case kFloat:
      return std::bit_cast<float>(static_cast<uint32_t>(tiff.read(at, 4))) == static_cast<float>(wanted);
    case kDouble:
      return std::bit_cast<double>(tiff.read(at, 8)) == static_cast<double>(wanted);
    case kRational:
    case kSignedRational: {
      const bool has_sign = type == kSignedRational;
      const auto part = [&](size_t place) {
        const auto bits = static_cast<uint32_t>(tiff.read(place, 4));
        return has_sign ? static_cast<int64_t>(static_cast<int32_t>(bits)) : static_cast<int64_t>(bits);
      };
      const int64_t denominator = part(at + 4);
      return denominator != 0 && part(at) == wanted * denominator;
    }
    default:
      return false;
  }
}

}  // namespace

std::optional<int> exif_orientation(std::span<const uint8_t> block) {
  constexpr size_t kTiffHeader = 8, kEntrySize = 12, kInEntry = 4;
  constexpr uint64_t kOrientationTag = 0x0112;
  const auto starts_with = [&](std::string_view text) {
    return block.size() >= text.size() && std::memcmp(block.data(), text.data(), text.size()) == 0;
  };
  for (int prefixes = 0; prefixes < 2 && starts_with("Exif\0\0"sv); ++prefixes) block = block.subspan(6);
  if (block.empty()) return std::nullopt;
  // Some writers turn the 42 round.
  const bool little = starts_with("II*\0"sv) || starts_with("II\0*"sv);
  if (block.size() < kTiffHeader || !(little || starts_with("MM\0*"sv) || starts_with("MM*\0"sv))) return 1;
  const TiffBytes tiff(block, little);

  size_t at = tiff.read(4, 4);
  if (!tiff.has(at, 2)) return std::nullopt;
  const size_t entries = tiff.read(at, 2);
  at += 2;
  std::set<uint64_t> seen;
  uint64_t outside = 0;  // bytes of values that stand outside of their entries
  for (size_t i = 0; i < entries && tiff.has(at, kEntrySize); ++i, at += kEntrySize) {
    const uint64_t tag = tiff.read(at, 2), type = tiff.read(at + 2, 2), count = tiff.read(at + 4, 4);
    const uint64_t size = count * size_of_type(type);
    if (size == 0 || seen.contains(tag)) continue;
    size_t value = at + 8;
    if (size > kInEntry) {
      outside += size;
      if (outside > tiff.size()) continue;
      value = tiff.read(value, 4);
      if (!tiff.has(value, size)) return std::nullopt;  // Pillow reads no further than a value outside of the block
    }
    seen.insert(tag);
    if (tag != kOrientationTag) continue;
    for (int orientation = 2; orientation <= 8; ++orientation)
      if (is_number(tiff, type, value, orientation)) return orientation;
    return 1;
  }
  return std::nullopt;
}

std::optional<int> xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at + 1)) {
    std::string_view rest = xmp.substr(at + kName.size());
    if (rest.starts_with("=\""))  // an attribute
      rest.remove_prefix(2);
    else if (rest.starts_with(">"))  // an element
      rest.remove_prefix(1);
    else
      continue;
    if (rest.empty() || rest.front() < '0' || rest.front() > '9') continue;
    const int orientation = rest.front() - '0';
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return std::nullopt;
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
