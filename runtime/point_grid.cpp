#include "runtime/point_grid.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.h"

namespace samc {

std::vector<GridPoint> point_grid(int64_t per_side) {
  SAMC_CHECK(per_side >= 1, "a grid of {} points a side", per_side);
  const double first = 1.0 / (2.0 * static_cast<double>(per_side)), last = 1.0 - first;
  const auto position = [&](int64_t i) {
    if (per_side == 1) return first;
    if (i == per_side - 1) return last;
    return first + static_cast<double>(i) * ((last - first) / static_cast<double>(per_side - 1));
  };
  std::vector<GridPoint> points;
  points.reserve(static_cast<size_t>(per_side * per_side));
  for (int64_t y = 0; y < per_side; ++y)
    for (int64_t x = 0; x < per_side; ++x) points.push_back({position(x), position(y)});
  return points;
}

int64_t points_per_side_of(int64_t layer, int64_t per_side, int64_t downscale) {
  const double divisor = std::pow(static_cast<double>(downscale), static_cast<double>(layer));
  return static_cast<int64_t>(static_cast<double>(per_side) / divisor);
}

std::vector<Crop> image_crops(int64_t width, int64_t height, int64_t layers, double overlap_ratio) {
  std::vector<Crop> crops = {{{0, 0, width, height}, 0}};
  const auto shorter = static_cast<double>(std::min(width, height));
  for (int64_t layer = 1; layer <= layers; ++layer) {
    const int64_t per_side = int64_t{1} << layer;
    const auto overlap = static_cast<int64_t>(overlap_ratio * shorter * (2.0 / static_cast<double>(per_side)));
    const auto length = [&](int64_t whole) {
      return static_cast<int64_t>(
          std::ceil(static_cast<double>(overlap * (per_side - 1) + whole) / static_cast<double>(per_side)));
    };
    const int64_t crop_width = length(width), crop_height = length(height);
    for (int64_t column = 0; column < per_side; ++column)
      for (int64_t row = 0; row < per_side; ++row) {
        const int64_t left = (crop_width - overlap) * column, top = (crop_height - overlap) * row;
        crops.push_back({{left, top, std::min(left + crop_width, width), std::min(top + crop_height, height)}, layer});
      }
  }
  return crops;
}

bool is_near_crop_edge(const PixelBox& box, const PixelBox& crop, int64_t width, int64_t height) {
  constexpr int64_t kNear = 20;
  const PixelBox image = {0, 0, width, height};
  for (size_t side = 0; side < box.size(); ++side) {
    const int64_t at = box[side] + crop[side % 2];  // sides 0 and 2 move with the crop's left, 1 and 3 with its top
    if (std::abs(at - crop[side]) <= kNear && std::abs(at - image[side]) > kNear) return true;
  }
  return false;
}

}  // namespace samc
