#pragma once
// Inside media/: one decoder for each format. They give pixels as stored; image.cpp turns them upright.

#include <cstddef>
#include <span>

#include "base/status.h"
#include "media/image.h"
#include "media/palette_png.h"

namespace samc {

// An error when width x height has more than most_pixels, or no pixels, or when a side is longer than kLongestSide.
Status check_picture_size(uint64_t width, uint64_t height, int64_t most_pixels);

Result<Image> decode_jpeg(std::span<const std::byte> bytes, ImageSource& source, int64_t most_pixels);
Result<Image> decode_png(std::span<const std::byte> bytes, ImageSource& source, int64_t most_pixels);

// media/palette_png.h's, for arguments that are good.
Result<PaletteImage> decode_png_indices(std::span<const std::byte> bytes, int64_t most_pixels);
Status write_png_indices(const std::string& path, int width, int height, std::span<const uint8_t> indices,
                         std::span<const PaletteColour> palette);

}  // namespace samc
