#include "media/overlay.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "media/overlay_number.h"
#include "media/overlay_paint.h"

namespace samc {
namespace {

constexpr std::array<Colour, 10> kColours{{{30, 144, 255},
                                           {255, 112, 67},
                                           {102, 187, 106},
                                           {236, 64, 160},
                                           {255, 202, 40},
                                           {126, 87, 194},
                                           {38, 198, 218},
                                           {239, 83, 80},
                                           {156, 204, 101},
                                           {141, 110, 99}}};
constexpr Colour kGreen{0, 170, 70}, kRed{225, 40, 40};
constexpr float kFill = 0.45f;

Colour from_hue(float hue, float saturation, float value) {
  const auto channel = [&](float n) {
    const float k = std::fmod(n + hue * 6, 6.0f);
    const float level = value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0f, 1.0f);
    return static_cast<uint8_t>(level * 255 + 0.5f);
  };
  return {channel(5), channel(3), channel(1)};
}

Colour lighter(const Colour& colour, float amount) {
  Colour out;
  for (size_t c = 0; c < 3; ++c)
    out[c] = static_cast<uint8_t>(static_cast<float>(colour[c]) + (255.0f - static_cast<float>(colour[c])) * amount);
  return out;
}

// A moving average of 2 radius + 1 values along each row of (height, width); the edge value continues outside.
void average_rows(std::vector<float>& values, size_t width, size_t height, int radius) {
  const double scale = 1.0 / (2 * radius + 1);
  const int last = static_cast<int>(width) - 1;
  std::vector<float> source(width);
  for (size_t y = 0; y < height; ++y) {
    float* row = &values[y * width];
    std::copy_n(row, width, source.begin());
    const auto at = [&](int x) { return static_cast<double>(source[static_cast<size_t>(std::clamp(x, 0, last))]); };
    double sum = 0;
    for (int x = -radius; x <= radius; ++x) sum += at(x);
    for (int x = 0; x <= last; ++x) {
      row[x] = static_cast<float>(sum * scale);
      sum += at(x + radius + 1) - at(x - radius);
    }
  }
}

// The same along the columns, a row of sums at a time.
void average_columns(std::vector<float>& values, size_t width, size_t height, int radius) {
  const double scale = 1.0 / (2 * radius + 1);
  const int last = static_cast<int>(height) - 1;
  const std::vector<float> source = values;
  const auto row = [&](int y) { return &source[static_cast<size_t>(std::clamp(y, 0, last)) * width]; };
  std::vector<double> sums(width);
  for (int y = -radius; y <= radius; ++y)
    for (size_t x = 0; x < width; ++x) sums[x] += static_cast<double>(row(y)[x]);
  for (int y = 0; y <= last; ++y) {
    const float* enters = row(y + radius + 1);
    const float* leaves = row(y - radius);
    float* target = &values[static_cast<size_t>(y) * width];
    for (size_t x = 0; x < width; ++x) {
      target[x] = static_cast<float>(sums[x] * scale);
      sums[x] += static_cast<double>(enters[x]) - static_cast<double>(leaves[x]);
    }
  }
}

struct Region {
  int x0, y0, x1, y1;  // x1, y1 are outside
  int width() const { return x1 - x0; }
  int height() const { return y1 - y0; }
};

// The part of the picture that a mask and its outline touch. Empty when nothing is on.
Region region_of(std::span<const uint8_t> mask, int width, int height, int margin) {
  Region region{width, height, 0, 0};
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = mask.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    int first = 0;
    while (first < width && row[first] == 0) ++first;
    if (first == width) continue;
    int last = width - 1;
    while (row[last] == 0) --last;
    region.x0 = std::min(region.x0, first);
    region.x1 = std::max(region.x1, last + 1);
    region.y0 = std::min(region.y0, y);
    region.y1 = y + 1;
  }
  if (region.y1 == 0) return {0, 0, 0, 0};
  return {std::max(region.x0 - margin, 0), std::max(region.y0 - margin, 0), std::min(region.x1 + margin, width),
          std::min(region.y1 + margin, height)};
}

// A mask has hard pixel steps. Averaged twice along both axes it rises smoothly across an edge, by a slope that is
// known for a straight edge, so its value tells the distance to the edge: what an anti-aliased outline needs.
void draw_mask(Image& image, const OverlayMask& mask) {
  const float unit = unit_of(image);
  const int radius = std::max(1, static_cast<int>(std::lround(1.6f * unit)));
  const Region region = region_of(mask.mask, image.width, image.height, 4 * radius + 2);
  if (region.width() <= 0) return;
  const size_t width = static_cast<size_t>(region.width()), height = static_cast<size_t>(region.height());
  std::vector<float> smooth(width * height);
  for (size_t y = 0; y < height; ++y) {
    const uint8_t* row = mask.mask.data() + (y + static_cast<size_t>(region.y0)) * static_cast<size_t>(image.width) +
                         static_cast<size_t>(region.x0);
    for (size_t x = 0; x < width; ++x) smooth[y * width + x] = row[x] != 0 ? 1.0f : 0.0f;
  }
  for (int pass = 0; pass < 2; ++pass) {
    average_rows(smooth, width, height, radius);
    average_columns(smooth, width, height, radius);
  }
  const float reach = static_cast<float>(2 * radius + 1);  // the smoothed step is 0 at -reach and 1 at reach
  const float half_line = 1.0f * unit;
  const Colour fill = mask_colour(mask.colour), line = lighter(fill, 0.45f);
  for (size_t y = 0; y < height; ++y) {
    uint8_t* row = image.row(static_cast<int>(y) + region.y0) + static_cast<size_t>(region.x0) * 3;
    for (size_t x = 0; x < width; ++x) {
      const float value = smooth[y * width + x];
      if (value <= 0) continue;
      // Two averages make a step (1 + d / reach)^2 / 2 outside of the edge and its mirror image inside: solved for d.
      const float distance =
          value < 0.5f ? reach * (std::sqrt(2 * value) - 1) : reach * (1 - std::sqrt(std::max(2 - 2 * value, 0.0f)));
      uint8_t* pixel = row + x * 3;
      const float inside = std::clamp(distance + 0.5f, 0.0f, 1.0f);
      blend(pixel, fill, kFill * inside);
      const float shadow = std::clamp(half_line + 1.5f * unit + 0.5f - std::abs(distance), 0.0f, 1.0f);
      if (distance < 0 && shadow > 0) blend(pixel, kBlack, 0.25f * shadow);
      const float outline = std::clamp(half_line + 0.5f - std::abs(distance), 0.0f, 1.0f);
      if (outline > 0) blend(pixel, line, outline);
    }
  }
}

void draw_frame(Image& image, const OverlayBox& box, float half_width, const Colour& colour, float alpha) {
  const float middle_x = (box.x0 + box.x1) / 2, middle_y = (box.y0 + box.y1) / 2;
  const float half_x = (box.x1 - box.x0) / 2, half_y = (box.y1 - box.y0) / 2;
  const auto distance = [&](float x, float y) {
    const float dx = std::abs(x - middle_x) - half_x, dy = std::abs(y - middle_y) - half_y;
    const float outside = std::hypot(std::max(dx, 0.0f), std::max(dy, 0.0f));
    return std::abs(outside + std::min(std::max(dx, dy), 0.0f)) - half_width;
  };
  const float reach = half_width + 2;
  const int left = bounded(box.x0 - reach, image.width), right = bounded(box.x1 + reach, image.width);
  // Between the upper and the lower side only the ends of a row can be touched.
  const int left_end = bounded(box.x0 + reach, image.width);
  const int right_start = std::max(bounded(box.x1 - reach, image.width), left_end);
  for (int y = bounded(box.y0 - reach, image.height); y < bounded(box.y1 + reach, image.height); ++y) {
    const float centre = static_cast<float>(y) + 0.5f;
    const bool is_on_a_side = centre < box.y0 + reach || centre > box.y1 - reach;
    paint_row(image, y, left, is_on_a_side ? right : left_end, colour, alpha, distance);
    if (!is_on_a_side) paint_row(image, y, right_start, right, colour, alpha, distance);
  }
}

void draw_point(Image& image, const OverlayPoint& point) {
  const float unit = unit_of(image);
  const float radius = 8.0f * unit, rim = 2.0f * unit;
  const float half_sign = 4.2f * unit, half_stroke = 1.15f * unit;
  const auto disc = [&](float size) {
    return [&point, size](float x, float y) { return std::hypot(x - point.x, y - point.y) - size; };
  };
  const auto bar = [&](float half_x, float half_y) {
    return [&point, half_x, half_y](float x, float y) {
      return std::max(std::abs(x - point.x) - half_x, std::abs(y - point.y) - half_y);
    };
  };
  const auto fill = [&](float reach, const Colour& colour, float alpha, const auto& distance) {
    paint_area(image, point.x - reach - 2, point.y - reach - 2, point.x + reach + 2, point.y + reach + 2, colour, alpha,
               distance);
  };
  fill(radius + 2 * rim, kBlack, 0.25f, disc(radius + 1.6f * rim));
  fill(radius + rim, kWhite, 1, disc(radius + rim));
  fill(radius, point.positive ? kGreen : kRed, 1, disc(radius));
  fill(half_sign, kWhite, 1, bar(half_sign, half_stroke));
  if (point.positive) fill(half_sign, kWhite, 1, bar(half_stroke, half_sign));
}

}  // namespace

std::array<uint8_t, 3> mask_colour(int index) {
  const size_t number = static_cast<size_t>(std::max(index, 0));
  if (number < kColours.size()) return kColours[number];
  constexpr float kGoldenRatio = 0.618034f;
  return from_hue(std::fmod(static_cast<float>(number) * kGoldenRatio, 1.0f), 0.7f, 0.95f);
}

void draw_overlay(Image& image, std::span<const OverlayMask> masks, std::span<const OverlayBox> boxes,
                  std::span<const OverlayPoint> points) {
  for (const OverlayMask& mask : masks) {
    SAMC_CHECK(mask.mask.size() * 3 == image.rgb.size(), "a mask of {} pixels on an image of {} x {}", mask.mask.size(),
               image.width, image.height);
    draw_mask(image, mask);
  }
  for (const OverlayMask& mask : masks)
    if (mask.number) draw_number(image, mask.mask, *mask.number);
  const float unit = unit_of(image);
  for (const OverlayBox& box : boxes) {
    draw_frame(image, box, 1.9f * unit, kWhite, 0.9f);
    draw_frame(image, box, 1.1f * unit, mask_colour(box.colour), 1);
  }
  for (const OverlayPoint& point : points) draw_point(image, point);
}

}  // namespace samc
