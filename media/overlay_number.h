#pragma once
// Inside media/: the number of an object on its mask.

#include <cstdint>
#include <span>

#include "media/image.h"

namespace samc {

// Draws the number where it fits into the mask (height, width), nearest to the mask's middle; above or below a mask
// that is too small; not at all where neither has room. Nothing for an empty mask.
void draw_number(Image& image, std::span<const uint8_t> mask, int64_t number);

}  // namespace samc
