#include "runtime/postprocess.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "runtime/linear_steps.h"

namespace samc {
namespace {

class DisjointSets {
 public:
  explicit DisjointSets(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }
  int32_t root(int32_t node) {
    while (parent_[static_cast<size_t>(node)] != node) {
      int32_t& parent = parent_[static_cast<size_t>(node)];
      parent = parent_[static_cast<size_t>(parent)];
      node = parent;
    }
    return node;
  }
  void join(int32_t a, int32_t b) {
    a = root(a);
    b = root(b);
    if (a != b) parent_[static_cast<size_t>(std::max(a, b))] = std::min(a, b);
  }

 private:
  std::vector<int32_t> parent_;
};

constexpr int64_t kBand = 32;  // output rows a thread makes at once

// Calls write(row, low, high, step) for each output row of each plane, rows counted through all planes: its numbers are
// step.between(low[x], high[x]).
template <class Write>
void upscale_rows(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  size_t pixels, ThreadPool& pool, const Write& write) {
  const int64_t planes = height > 0 && width > 0 ? static_cast<int64_t>(pixels) / (height * width) : 0;
  SAMC_CHECK(planes > 0 && static_cast<int64_t>(pixels) == planes * height * width &&
                 static_cast<int64_t>(low_res.size()) == planes * in_height * in_width,
             "{} logits of {} x {} are not {} of {} x {}", low_res.size(), in_width, in_height, pixels, width, height);
  const std::vector<LinearStep> columns = linear_steps(in_width, width);
  const std::vector<LinearStep> rows = linear_steps(in_height, height);
  const int64_t bands = (height + kBand - 1) / kBand;
  pool.run(planes * bands, [&](int64_t piece, int) {
    const int64_t plane = piece / bands, band = piece % bands;
    // Neighbouring output rows mostly lie between the same two input rows, so these are widened once and kept.
    std::vector<float> low(static_cast<size_t>(width)), high(static_cast<size_t>(width));
    int64_t low_row = -1, high_row = -1;
    const auto widen = [&](int64_t row, std::vector<float>& wide) {
      const float* source = low_res.data() + (plane * in_height + row) * in_width;
      for (size_t x = 0; x < wide.size(); ++x) {
        const LinearStep& step = columns[x];
        wide[x] = step.between(source[step.low], source[step.high]);
      }
    };
    for (int64_t y = band * kBand; y < std::min((band + 1) * kBand, height); ++y) {
      const LinearStep& step = rows[static_cast<size_t>(y)];
      if (step.low != low_row) {
        if (step.low == high_row) {
          low.swap(high);
          high_row = -1;
        } else {
          widen(step.low, low);
        }
        low_row = step.low;
      }
      if (step.high != high_row) {
        widen(step.high, high);
        high_row = step.high;
      }
      write(plane * height + y, low.data(), high.data(), step);
    }
  });
}

template <class Pixel>
void upscale_thresholded(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height,
                         int64_t width, float threshold, ThreadPool& pool, std::span<Pixel> masks) {
  upscale_rows(low_res, in_height, in_width, height, width, masks.size(), pool,
               [&](int64_t row, const float* low, const float* high, const LinearStep& step) {
                 // Some logits, then their pixels: each loop of its own is of vectors, both in one would not be.
                 std::array<float, 256> logits;
                 Pixel* destination = masks.data() + row * width;
                 for (int64_t begin = 0; begin < width; begin += std::ssize(logits)) {
                   const int64_t count = std::min<int64_t>(std::ssize(logits), width - begin);
                   for (int64_t x = 0; x < count; ++x)
                     logits[static_cast<size_t>(x)] = step.between(low[begin + x], high[begin + x]);
                   for (int64_t x = 0; x < count; ++x)
                     destination[begin + x] = logits[static_cast<size_t>(x)] > threshold ? Pixel{1} : Pixel{0};
                 }
               });
}

}  // namespace

void component_areas(std::span<const uint8_t> region, int64_t height, int64_t width, std::span<int32_t> areas) {
  const auto count = static_cast<size_t>(height * width);
  SAMC_CHECK(region.size() == count && areas.size() == count, "{} pixels are not {} x {}", region.size(), width,
             height);
  DisjointSets sets(count);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const auto pixel = static_cast<int32_t>(y * width + x);
      if (region[static_cast<size_t>(pixel)] == 0) continue;
      const auto join_if_set = [&](int64_t other_y, int64_t other_x) {
        if (other_y < 0 || other_x < 0 || other_x >= width) return;
        const auto other = static_cast<int32_t>(other_y * width + other_x);
        if (region[static_cast<size_t>(other)] != 0) sets.join(pixel, other);
      };
      join_if_set(y, x - 1);
      join_if_set(y - 1, x - 1);
      join_if_set(y - 1, x);
      join_if_set(y - 1, x + 1);
    }
  }
  std::vector<int32_t> sizes(count, 0);
  for (size_t pixel = 0; pixel < count; ++pixel)
    if (region[pixel] != 0) ++sizes[static_cast<size_t>(sets.root(static_cast<int32_t>(pixel)))];
  for (size_t pixel = 0; pixel < count; ++pixel)
    areas[pixel] = region[pixel] == 0 ? 0 : sizes[static_cast<size_t>(sets.root(static_cast<int32_t>(pixel)))];
}

void fill_small_regions(std::span<float> logits, int64_t height, int64_t width, float threshold, double max_hole_area,
                        double max_sprinkle_area) {
  std::vector<uint8_t> holes(logits.size()), sprinkles(logits.size());
  for (size_t pixel = 0; pixel < logits.size(); ++pixel) {
    holes[pixel] = logits[pixel] <= threshold ? 1 : 0;
    sprinkles[pixel] = logits[pixel] > threshold ? 1 : 0;
  }
  std::vector<int32_t> areas(logits.size());
  const auto replace_small = [&](const std::vector<uint8_t>& region, double largest, float value) {
    if (!(largest > 0.0)) return;
    component_areas(region, height, width, areas);
    for (size_t pixel = 0; pixel < logits.size(); ++pixel)
      if (areas[pixel] > 0 && areas[pixel] <= largest) logits[pixel] = value;
  };
  replace_small(holes, max_hole_area, threshold + kFilledLogit);
  replace_small(sprinkles, max_sprinkle_area, threshold - kFilledLogit);
}

float stability_score(std::span<const float> logits, float delta) {
  int64_t inner = 0, outer = 0;
  for (const float logit : logits) {
    inner += logit > delta ? 1 : 0;
    outer += logit > -delta ? 1 : 0;
  }
  return outer > 0 ? static_cast<float>(inner) / static_cast<float>(outer) : 1.0f;
}

int64_t choose_single_mask(std::span<const float> logits, std::span<const float> iou_predictions, float delta,
                           float threshold) {
  SAMC_CHECK(iou_predictions.size() >= 2 && logits.size() % iou_predictions.size() == 0, "{} logits for {} masks",
             logits.size(), iou_predictions.size());
  const size_t pixels = logits.size() / iou_predictions.size();
  if (stability_score(logits.subspan(0, pixels), delta) >= threshold) return 0;
  return std::max_element(iou_predictions.begin() + 1, iou_predictions.end()) - iou_predictions.begin();
}

void upscale_logits(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                    ThreadPool& pool, std::span<float> logits) {
  upscale_rows(low_res, in_height, in_width, height, width, logits.size(), pool,
               [&](int64_t row, const float* low, const float* high, const LinearStep& step) {
                 float* destination = logits.data() + row * width;
                 for (int64_t x = 0; x < width; ++x) destination[x] = step.between(low[x], high[x]);
               });
}

void upscale_mask(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  float threshold, ThreadPool& pool, std::span<uint8_t> masks) {
  upscale_thresholded(low_res, in_height, in_width, height, width, threshold, pool, masks);
}

void upscale_mask(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  float threshold, ThreadPool& pool, std::span<float> masks) {
  upscale_thresholded(low_res, in_height, in_width, height, width, threshold, pool, masks);
}

}  // namespace samc
