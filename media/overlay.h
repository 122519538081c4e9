#pragma once
// A picture with masks and the prompts that made them drawn on it. All edges are anti-aliased.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "media/image.h"

namespace samc {

// The colour of mask number index: a hand-picked row first, then hues a golden angle apart.
std::array<uint8_t, 3> mask_colour(int index);

struct OverlayMask {
  std::span<const uint8_t> mask;       // (height, width) of the picture; any value but 0 is on
  int colour = 0;                      // for mask_colour
  std::optional<int64_t> number = {};  // 0 or more: drawn on the mask, or beside one that is too small
};

// Pixels of the picture; (0, 0) is the top left corner of the top left pixel.
struct OverlayPoint {
  float x = 0, y = 0;
  bool positive = true;
};

struct OverlayBox {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int colour = 0;
};

// Fills each mask translucently and draws its outline; later masks lie over earlier ones, then numbers, boxes and
// points (green with a plus: belongs to the object; red with a minus: does not).
void draw_overlay(Image& image, std::span<const OverlayMask> masks, std::span<const OverlayBox> boxes,
                  std::span<const OverlayPoint> points);

}  // namespace samc
