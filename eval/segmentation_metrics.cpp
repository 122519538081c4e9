#include "eval/segmentation_metrics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace samc {
namespace {

void check_sizes(const MaskView& first, const MaskView& second) {
  SAMC_CHECK(first.width == second.width && first.height == second.height, "masks of {} x {} and {} x {}", first.width,
             first.height, second.width, second.height);
  for (const MaskView& mask : {first, second})
    SAMC_CHECK(mask.pixels.size() == static_cast<size_t>(mask.width) * static_cast<size_t>(mask.height),
               "a mask of {} x {} with {} pixels", mask.width, mask.height, mask.pixels.size());
}

// The pixels whose neighbour to the right, below, or to the lower right is on the other side of the mask's edge.
// Along the last row only the right neighbour counts, along the last column only the one below.
class Boundary {
 public:
  explicit Boundary(const MaskView& mask)
      : width_(mask.width), height_(mask.height), sums_(static_cast<size_t>(height_) * (width_ + 1)) {
    for (int y = 0; y < height_; ++y) {
      const auto inside = [&](int column, int row) {
        return mask.pixels[static_cast<size_t>(row) * static_cast<size_t>(width_) + static_cast<size_t>(column)] != 0;
      };
      int32_t* sums = sums_of(y);
      for (int x = 0; x < width_; ++x) {
        const bool here = inside(x, y);
        const bool has_right = x + 1 < width_, has_below = y + 1 < height_;
        const bool edge = (has_right && here != inside(x + 1, y)) || (has_below && here != inside(x, y + 1)) ||
                          (has_right && has_below && here != inside(x + 1, y + 1));
        sums[x + 1] = sums[x] + (edge ? 1 : 0);
      }
      count_ += sums[width_];
    }
  }

  int64_t count() const { return count_; }

  // How many of the other's pixels have one of ours within the disk.
  int64_t count_near(const Boundary& other, const std::vector<int>& half_widths) const {
    const int radius = static_cast<int>(half_widths.size()) / 2;
    int64_t near = 0;
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; ++x)
        if (other.in_row(y, x, x)) {
          bool found = false;
          for (int row = std::max(y - radius, 0); !found && row <= std::min(y + radius, height_ - 1); ++row) {
            const int at = row - y + radius;
            const int half = half_widths[static_cast<size_t>(at)];
            found = in_row(row, std::max(x - half, 0), std::min(x + half, width_ - 1));
          }
          near += found ? 1 : 0;
        }
    return near;
  }

 private:
  // Whether any of the columns first to last of the row is of the boundary.
  bool in_row(int y, int first, int last) const {
    const int32_t* sums = sums_.data() + static_cast<size_t>(y) * (static_cast<size_t>(width_) + 1);
    return sums[last + 1] != sums[first];
  }
  int32_t* sums_of(int y) { return sums_.data() + static_cast<size_t>(y) * (static_cast<size_t>(width_) + 1); }

  int width_, height_;
  int64_t count_ = 0;
  std::vector<int32_t> sums_;  // (height, width + 1): boundary pixels of the row left of this column
};

// Of each row of a disk, top to bottom: how far it reaches to each side of the centre.
std::vector<int> disk_rows(int radius) {
  std::vector<int> half_widths;
  for (int y = -radius; y <= radius; ++y) {
    int half = radius;
    while (half * half + y * y > radius * radius) --half;
    half_widths.push_back(half);
  }
  return half_widths;
}

}  // namespace

double region_similarity(const MaskView& annotation, const MaskView& prediction) {
  check_sizes(annotation, prediction);
  int64_t both = 0, either = 0;
  for (size_t i = 0; i < annotation.pixels.size(); ++i) {
    const bool first = annotation.pixels[i] != 0, second = prediction.pixels[i] != 0;
    both += first && second ? 1 : 0;
    either += first || second ? 1 : 0;
  }
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

double boundary_measure(const MaskView& annotation, const MaskView& prediction) {
  check_sizes(annotation, prediction);
  const Boundary wanted(annotation), found(prediction);
  if (wanted.count() == 0 && found.count() == 0) return 1.0;
  if (wanted.count() == 0 || found.count() == 0) return 0.0;
  // The square root of the sum, not hypot(): the last bit decides where the product is a whole number.
  const double diagonal = std::sqrt(static_cast<double>(int64_t{annotation.width} * annotation.width +
                                                        int64_t{annotation.height} * annotation.height));
  const std::vector<int> disk = disk_rows(static_cast<int>(std::ceil(kBoundaryShare * diagonal)));
  const double precision = static_cast<double>(wanted.count_near(found, disk)) / static_cast<double>(found.count());
  const double recall = static_cast<double>(found.count_near(wanted, disk)) / static_cast<double>(wanted.count());
  return precision + recall == 0 ? 0.0 : 2 * precision * recall / (precision + recall);
}

}  // namespace samc
