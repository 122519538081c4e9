#pragma once
// Inside media/: anti-aliased painting by signed distances.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "media/image.h"

namespace samc {

using Colour = std::array<uint8_t, 3>;
inline constexpr Colour kWhite{255, 255, 255}, kBlack{0, 0, 0};

inline void blend(uint8_t* pixel, const Colour& colour, float alpha) {
  for (size_t c = 0; c < 3; ++c) {
    const float value = static_cast<float>(pixel[c]);
    pixel[c] = static_cast<uint8_t>(value + (static_cast<float>(colour[c]) - value) * alpha + 0.5f);
  }
}

// Line widths follow the image, so that overlays of small and large images look alike on a screen.
inline float unit_of(const Image& image) {
  return std::clamp(static_cast<float>(std::max(image.width, image.height)) / 1000.0f, 0.6f, 12.0f);
}

inline int bounded(float value, int most) {
  return static_cast<int>(std::clamp(value, 0.0f, static_cast<float>(most)));
}

// Colours the pixels x0 <= x < x1 of a row. distance(x, y) is the signed distance of a pixel's centre to a shape,
// negative inside.
template <class Distance>
void paint_row(Image& image, int y, int x0, int x1, const Colour& colour, float alpha, const Distance& distance) {
  for (int x = x0; x < x1; ++x) {
    const float cover =
        std::clamp(0.5f - distance(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f), 0.0f, 1.0f);
    if (cover > 0) blend(image.row(y) + static_cast<size_t>(x) * 3, colour, cover * alpha);
  }
}

// The same for the rows that touch x0 <= x < x1, y0 <= y < y1.
template <class Distance>
void paint_area(Image& image, float x0, float y0, float x1, float y1, const Colour& colour, float alpha,
                const Distance& distance) {
  for (int y = bounded(y0, image.height); y < bounded(y1, image.height); ++y)
    paint_row(image, y, bounded(x0, image.width), bounded(x1, image.width), colour, alpha, distance);
}

}  // namespace samc
