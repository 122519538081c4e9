#pragma once
// The one field of EXIF that changes pixels: how the camera was held.

#include <cstddef>
#include <cstdint>
#include <span>

#include "media/image.h"

namespace samc {

// tiff is an EXIF block from its "II" or "MM" on. 1 (upright) when the field is absent or makes no sense.
int exif_orientation(std::span<const uint8_t> tiff);

// Turns and mirrors the picture as EXIF's orientation 1..8 asks, as Pillow's ImageOps.exif_transpose does.
Image oriented(Image image, int orientation);

}  // namespace samc
