#pragma once
// How the camera was held: the one thing beside the pixels that changes them. The rules are those of Pillow's
// ImageOps.exif_transpose, so that a Python pipeline and samc see the same image.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "media/image.h"

namespace samc {

// block is an EXIF block, with up to two "Exif\0\0" before its "II" or "MM". Nothing when it has no orientation, so
// that XMP may tell; 1 (upright) when it has one of no sense, or is no EXIF block at all. A number of any TIFF type
// counts, the first of several.
std::optional<int> exif_orientation(std::span<const uint8_t> block);

// xmp is the text of an XMP packet. Nothing when it has no tiff:Orientation.
std::optional<int> xmp_orientation(std::string_view xmp);

// png is a whole file, which may be cut off. EXIF comes before "Raw profile type exif", and both before XMP; a chunk
// that cannot be read counts as absent.
int png_orientation(std::span<const std::byte> png);

// Turns and mirrors the image as orientation 1..8 asks.
Image oriented(Image image, int orientation);

}  // namespace samc
