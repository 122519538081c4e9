#include "runtime/box_nms.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"

namespace samc {

std::vector<size_t> suppress_overlaps(std::span<const PixelBox> boxes, std::span<const float> scores,
                                      double iou_threshold) {
  SAMC_CHECK(boxes.size() == scores.size(), "{} boxes and {} scores", boxes.size(), scores.size());
  std::vector<std::array<float, 4>> sides;
  std::vector<float> areas;
  for (const PixelBox& box : boxes) {
    std::array<float, 4> at{};
    std::ranges::transform(box, at.begin(), [](int64_t side) { return static_cast<float>(side); });
    areas.push_back((at[2] - at[0]) * (at[3] - at[1]));
    sides.push_back(at);
  }
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });

  std::vector<size_t> kept;
  for (const size_t candidate : order) {
    const std::array<float, 4>& a = sides[candidate];
    const bool is_suppressed = std::ranges::any_of(kept, [&](size_t better) {
      const std::array<float, 4>& b = sides[better];
      const float width = std::max(0.0f, std::min(a[2], b[2]) - std::max(a[0], b[0]));
      const float height = std::max(0.0f, std::min(a[3], b[3]) - std::max(a[1], b[1]));
      const float common = width * height;
      // Two empty boxes give 0 / 0, which is above nothing.
      return static_cast<double>(common / (areas[better] + areas[candidate] - common)) > iou_threshold;
    });
    if (!is_suppressed) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace samc
