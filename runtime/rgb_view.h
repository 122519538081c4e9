#pragma once
// A picture in the caller's memory.

#include <cstddef>
#include <cstdint>

#include "media/image.h"

namespace samc {

// 8-bit RGB, row by row, the three bytes of a pixel together. stride: bytes from one row to the next, at least 3 *
// width.
struct RgbView {
  const uint8_t* pixels = nullptr;
  int64_t width = 0;   // pixels
  int64_t height = 0;  // pixels
  int64_t stride = 0;  // bytes

  RgbView() = default;
  RgbView(const uint8_t* pixels_in, int64_t width_in, int64_t height_in, int64_t stride_in)
      : pixels(pixels_in), width(width_in), height(height_in), stride(stride_in) {}
  RgbView(const Image& image)  // implicit: an Image is such a picture
      : pixels(image.rgb.data()), width(image.width), height(image.height), stride(int64_t{image.width} * 3) {}

  const uint8_t* row(int64_t y) const { return pixels + y * stride; }
};

// RGB as f32, the three numbers of a pixel together. The official image predictor takes such arrays as they are: 0 is
// black and 1 is white, and nothing is divided by 255.
struct RgbFloatView {
  const float* pixels = nullptr;
  int64_t width = 0;   // pixels
  int64_t height = 0;  // pixels
  int64_t stride = 0;  // numbers from one row to the next, at least 3 * width

  const float* row(int64_t y) const { return pixels + y * stride; }
};

}  // namespace samc
