#include "media/overlay_number.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "media/overlay_paint.h"

namespace samc {
namespace {

struct Place {
  int x = 0, y = 0;  // the label's top left corner
};

// Digits of seven strokes in a cell of 1 x 2, as on a pocket calculator.
struct Stroke {
  float x0, y0, x1, y1;
};
constexpr std::array<Stroke, 7> kStrokes{
    {{0, 0, 1, 0}, {1, 0, 1, 1}, {1, 1, 1, 2}, {0, 2, 1, 2}, {0, 1, 0, 2}, {0, 0, 0, 1}, {0, 1, 1, 1}}};
constexpr std::array<uint8_t, 10> kDigits{0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f};

float distance_to(const Stroke& stroke, float x, float y) {
  const float dx = stroke.x1 - stroke.x0, dy = stroke.y1 - stroke.y0;
  const float along = std::clamp((x - stroke.x0) * dx + (y - stroke.y0) * dy, 0.0f, 1.0f);  // strokes are 1 long
  return std::hypot(x - stroke.x0 - along * dx, y - stroke.y0 - along * dy);
}

// A number as it is drawn: in pixels.
class Label {
 public:
  Label(int64_t number, float unit) : text_(fmt::format("{}", number)), cell_(kCell * unit), half_(kHalf * unit) {}

  float margin() const { return 2.2f * half_; }
  int width() const {
    const auto count = static_cast<float>(text_.size());
    return static_cast<int>(std::ceil(cell_ * (count + kGap * (count - 1)) + 2 * margin()));
  }
  int height() const { return static_cast<int>(std::ceil(2 * cell_ + 2 * margin())); }

  void draw(Image& image, const Place& place) const {
    const float left = static_cast<float>(place.x) + margin(), top = static_cast<float>(place.y) + margin();
    const auto shape = [&](float half) {
      return [this, left, top, half](float x, float y) {
        float nearest = std::numeric_limits<float>::max();
        for (size_t i = 0; i < text_.size(); ++i) {
          const float cell_x = (x - left) / cell_ - static_cast<float>(i) * (1 + kGap);
          for (size_t s = 0; s < kStrokes.size(); ++s)
            if ((kDigits[static_cast<size_t>(text_[i] - '0')] >> s & 1) != 0)
              nearest = std::min(nearest, distance_to(kStrokes[s], cell_x, (y - top) / cell_));
        }
        return nearest * cell_ - half;
      };
    };
    const auto paint = [&](const Colour& colour, float alpha, float half) {
      const auto x = static_cast<float>(place.x), y = static_cast<float>(place.y);
      paint_area(image, x, y, x + static_cast<float>(width()), y + static_cast<float>(height()), colour, alpha,
                 shape(half));
    };
    paint(kBlack, 0.7f, 2 * half_);
    paint(kWhite, 1, half_);
  }

 private:
  static constexpr float kCell = 9, kHalf = 1.4f, kGap = 0.7f;
  std::string text_;
  float cell_, half_;
};

// The box of a mask and the mean of its pixels. Nothing where none is on.
struct Extent {
  int x0, y0, x1, y1;  // x1, y1 are outside
  double middle_x, middle_y;
};
std::optional<Extent> extent_of(std::span<const uint8_t> mask, int width, int height) {
  Extent extent{width, height, 0, 0, 0, 0};
  int64_t count = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      if (mask[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)] == 0) continue;
      extent.x0 = std::min(extent.x0, x);
      extent.x1 = std::max(extent.x1, x + 1);
      extent.y0 = std::min(extent.y0, y);
      extent.y1 = y + 1;
      extent.middle_x += x + 0.5;
      extent.middle_y += y + 0.5;
      ++count;
    }
  if (count == 0) return std::nullopt;
  extent.middle_x /= static_cast<double>(count);
  extent.middle_y /= static_cast<double>(count);
  return extent;
}

// What is on in each rectangle of the extent's box.
class Sums {
 public:
  Sums(std::span<const uint8_t> mask, int width, const Extent& extent)
      : extent_(extent), stride_(static_cast<size_t>(extent.x1 - extent.x0) + 1) {
    sums_.resize(stride_ * (static_cast<size_t>(extent.y1 - extent.y0) + 1));
    for (int y = extent.y0; y < extent.y1; ++y) {
      int32_t row = 0;
      for (int x = extent.x0; x < extent.x1; ++x) {
        row += mask[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)] != 0 ? 1 : 0;
        sums_[place(x + 1, y + 1)] = sums_[place(x + 1, y)] + row;
      }
    }
  }
  int32_t count(int x0, int y0, int x1, int y1) const {
    return sums_[place(x1, y1)] - sums_[place(x0, y1)] - sums_[place(x1, y0)] + sums_[place(x0, y0)];
  }

 private:
  size_t place(int x, int y) const {
    return static_cast<size_t>(y - extent_.y0) * stride_ + static_cast<size_t>(x - extent_.x0);
  }
  const Extent& extent_;
  size_t stride_;
  std::vector<int32_t> sums_;
};

std::optional<Place> place_inside(const Extent& extent, const Sums& sums, int width, int height) {
  std::optional<Place> best;
  double nearest = 0;
  for (int y = extent.y0; y + height <= extent.y1; ++y)
    for (int x = extent.x0; x + width <= extent.x1; ++x) {
      if (sums.count(x, y, x + width, y + height) != width * height) continue;
      const double distance = std::hypot(x + width / 2.0 - extent.middle_x, y + height / 2.0 - extent.middle_y);
      if (best && distance >= nearest) continue;
      best = Place{x, y};
      nearest = distance;
    }
  return best;
}

std::optional<Place> place_beside(const Extent& extent, const Image& image, int width, int height) {
  if (width > image.width) return std::nullopt;
  const int x = std::clamp(static_cast<int>(extent.middle_x) - width / 2, 0, image.width - width);
  if (extent.y0 >= height) return Place{x, extent.y0 - height};
  if (extent.y1 + height <= image.height) return Place{x, extent.y1};
  return std::nullopt;
}

}  // namespace

void draw_number(Image& image, std::span<const uint8_t> mask, int64_t number) {
  const auto extent = extent_of(mask, image.width, image.height);
  if (!extent) return;
  const Label label(number, unit_of(image));
  const int width = label.width(), height = label.height();
  auto place = place_inside(*extent, Sums(mask, image.width, *extent), width, height);
  if (!place) place = place_beside(*extent, image, width, height);
  if (place) label.draw(image, *place);
}

}  // namespace samc
