#include "runtime/preprocess.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/limits.h"

namespace samc {
namespace {

// For each output position the input positions that it is a weighted sum of.
struct ResizeWeights {
  std::vector<int64_t> first;
  std::vector<int64_t> count;
  std::vector<float> weights;  // (output, widest)
  int64_t widest = 0;

  const float* of(int64_t output) const { return weights.data() + output * widest; }
};

ResizeWeights antialiased_bilinear(int64_t input_size, int64_t output_size) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(output_size);
  const double support = std::max(scale, 1.0);  // an enlargement is plain bilinear interpolation
  ResizeWeights result;
  result.widest = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  result.weights.assign(static_cast<size_t>(output_size * result.widest), 0.0f);
  for (int64_t output = 0; output < output_size; ++output) {
    const double centre = scale * (static_cast<double>(output) + 0.5);
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(centre + support + 0.5), input_size);
    const int64_t count = std::min(end - first, result.widest);
    float* weights = result.weights.data() + output * result.widest;
    double total = 0.0;
    std::vector<double> exact(static_cast<size_t>(count));
    for (int64_t tap = 0; tap < count; ++tap) {
      const double distance = std::abs(static_cast<double>(first + tap) - centre + 0.5) / support;
      exact[static_cast<size_t>(tap)] = std::max(0.0, 1.0 - distance);
      total += exact[static_cast<size_t>(tap)];
    }
    for (int64_t tap = 0; tap < count; ++tap)
      weights[tap] = static_cast<float>(exact[static_cast<size_t>(tap)] / total);
    result.first.push_back(first);
    result.count.push_back(count);
  }
  return result;
}

// One input row to (3, width) planes of weighted sums, still in 0..255.
void resize_row(const uint8_t* pixels, const ResizeWeights& columns, int64_t width, float* planes) {
  for (int64_t x = 0; x < width; ++x) {
    const uint8_t* pixel = pixels + columns.first[static_cast<size_t>(x)] * 3;
    const float* weights = columns.of(x);
    const int64_t count = columns.count[static_cast<size_t>(x)];
    float red = 0.0f, green = 0.0f, blue = 0.0f;
    for (int64_t tap = 0; tap < count; ++tap, pixel += 3) {
      red += weights[tap] * static_cast<float>(pixel[0]);
      green += weights[tap] * static_cast<float>(pixel[1]);
      blue += weights[tap] * static_cast<float>(pixel[2]);
    }
    planes[x] = red;
    planes[width + x] = green;
    planes[2 * width + x] = blue;
  }
}

// Output rows a thread makes at once. Rows of the input that two bands need are resized twice, so a band is not too
// small.
constexpr int64_t kBand = 16;

// Output rows [top, bottom), summed as the input's rows come: an input row is resized once and added to every output
// row that it is part of, so memory does not grow with the image. Each output value is summed in the order of the rows.
class Band {
 public:
  Band(const RgbView& image, const ResizeWeights& columns, const ResizeWeights& rows, int64_t width)
      : image_(image), columns_(columns), rows_(rows), width_(width), resized_(static_cast<size_t>(3 * width)) {}

  // (bottom - top, 3, width)
  const std::vector<float>& sum(int64_t top, int64_t bottom) {
    sums_.assign(static_cast<size_t>((bottom - top) * 3 * width_), 0.0f);
    int64_t low = top, high = top;  // output rows that the input row at hand is part of: [low, high)
    for (int64_t y = first(top); y < end(bottom - 1); ++y) {
      while (low < bottom && end(low) <= y) ++low;
      while (high < bottom && first(high) <= y) ++high;
      if (low == high) continue;
      resize_row(image_.row(y), columns_, width_, resized_.data());
      for (int64_t output = low; output < high; ++output)
        add(rows_.of(output)[y - first(output)], sums_.data() + (output - top) * 3 * width_);
    }
    return sums_;
  }

 private:
  int64_t first(int64_t output) const { return rows_.first[static_cast<size_t>(output)]; }
  int64_t end(int64_t output) const { return first(output) + rows_.count[static_cast<size_t>(output)]; }
  void add(float weight, float* sums) const {
    for (size_t i = 0; i < resized_.size(); ++i) sums[i] += weight * resized_[i];
  }

  const RgbView& image_;
  const ResizeWeights& columns_;
  const ResizeWeights& rows_;
  int64_t width_;
  std::vector<float> resized_;  // an input row: (3, width)
  std::vector<float> sums_;
};

// finish(channel, sum) makes the stored value of a weighted sum of 0..255.
template <class Finish>
void resize(const RgbView& image, int64_t height, int64_t width, ThreadPool& pool, std::span<float> output,
            const Finish& finish) {
  SAMC_CHECK(is_image_size(image.width, image.height) && image.stride >= 3 * image.width, "not an image: {} x {}",
             image.width, image.height);
  SAMC_CHECK(static_cast<int64_t>(output.size()) == 3 * height * width, "{} values for {} x {}", output.size(), width,
             height);
  const ResizeWeights columns = antialiased_bilinear(image.width, width);
  const ResizeWeights rows = antialiased_bilinear(image.height, height);

  pool.run((height + kBand - 1) / kBand, [&](int64_t band, int) {
    const int64_t top = band * kBand;
    const int64_t bottom = std::min(top + kBand, height);
    Band rows_at_once(image, columns, rows, width);
    const float* sum = rows_at_once.sum(top, bottom).data();
    for (int64_t y = top; y < bottom; ++y)
      for (int64_t channel = 0; channel < 3; ++channel)
        for (int64_t x = 0; x < width; ++x)
          output[static_cast<size_t>((channel * height + y) * width + x)] =
              finish(static_cast<size_t>(channel), *sum++);
  });
}

}  // namespace

void preprocess_image(const RgbView& picture, int64_t size, std::span<const float> mean, std::span<const float> std,
                      ThreadPool& pool, std::span<float> output) {
  resize(picture, size, size, pool, output,
         [&](size_t channel, float sum) { return (sum / 255.0f - mean[channel]) / std[channel]; });
}

void resize_image(const RgbView& picture, int64_t height, int64_t width, ThreadPool& pool, std::span<float> output) {
  resize(picture, height, width, pool, output, [](size_t, float sum) { return sum; });
}

}  // namespace samc
