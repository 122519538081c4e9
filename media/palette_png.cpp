#include "media/palette_png.h"

#include <algorithm>

#include "base/files.h"
#include "base/guard.h"
#include "media/image_decoders.h"

namespace samc {
namespace {

// The bits of an index, lowest first, are dealt to red, green and blue in turn, highest bit first.
constexpr PaletteColour voc_colour(size_t index) {
  PaletteColour colour{};
  for (int bit = 7; index != 0; --bit, index >>= 3)
    for (size_t channel = 0; channel < 3; ++channel)
      colour[channel] = static_cast<uint8_t>(colour[channel] | ((index >> channel & 1) << bit));
  return colour;
}

constexpr std::array<PaletteColour, kPaletteColours> make_palette() {
  std::array<PaletteColour, kPaletteColours> palette{};
  for (size_t i = 0; i < kPaletteColours; ++i) palette[i] = voc_colour(i);
  return palette;
}

constexpr std::array<PaletteColour, kPaletteColours> kDavisPalette = make_palette();

Result<PaletteImage> decode(std::span<const std::byte> png, int64_t most_pixels) {
  constexpr std::array<uint8_t, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const bool is_png = png.size() >= kSignature.size() &&
                      std::equal(kSignature.begin(), kSignature.end(), png.begin(),
                                 [](uint8_t expected, std::byte byte) { return std::byte{expected} == byte; });
  if (!is_png) return invalid_input("no PNG", "masks of objects are palette PNGs, as DAVIS has them");
  return decode_png_indices(png, most_pixels);
}

Result<PaletteImage> read(const std::string& path, int64_t most_pixels) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path, FileAccess::kCopy));
  Result<PaletteImage> image = decode(file.bytes(), most_pixels);
  if (!image.is_ok()) return image.status().at(path);
  return image;
}

}  // namespace

const std::array<PaletteColour, kPaletteColours>& davis_palette() { return kDavisPalette; }

Result<PaletteImage> decode_palette_png(std::span<const std::byte> png, int64_t most_pixels) {
  return guarded([&] { return decode(png, most_pixels); });
}

Result<PaletteImage> read_palette_png(const std::string& path, int64_t most_pixels) {
  return guarded([&] { return read(path, most_pixels); });
}

Status write_palette_png(const std::string& path, int width, int height, std::span<const uint8_t> indices,
                         std::span<const PaletteColour> palette) {
  SAMC_CHECK(indices.size() == static_cast<size_t>(width) * static_cast<size_t>(height),
             "{} indices for {} x {} pixels", indices.size(), width, height);
  SAMC_CHECK(!palette.empty() && palette.size() <= kPaletteColours, "a palette of {} colours", palette.size());
  SAMC_CHECK(std::ranges::all_of(indices, [&](uint8_t index) { return index < palette.size(); }),
             "an index beyond the palette of {} colours", palette.size());
  return guarded([&] { return write_png_indices(path, width, height, indices, palette); });
}

}  // namespace samc
