#include "runtime/preprocess.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

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
// small; and its intermediate rows are kept, so for a picture of 20,000 rows it is not too large either.
constexpr int64_t kBand = 16;

// finish(channel, sum) makes the stored value of a weighted sum of 0..255.
template <class Finish>
void resize(const RgbView& picture, int64_t height, int64_t width, ThreadPool& pool, std::span<float> output,
            const Finish& finish) {
  SAMC_CHECK(picture.width > 0 && picture.height > 0 && picture.stride >= 3 * picture.width, "not a picture: {} x {}",
             picture.width, picture.height);
  SAMC_CHECK(static_cast<int64_t>(output.size()) == 3 * height * width, "{} values for {} x {}", output.size(), width,
             height);
  const ResizeWeights columns = antialiased_bilinear(picture.width, width);
  const ResizeWeights rows = antialiased_bilinear(picture.height, height);

  pool.run((height + kBand - 1) / kBand, [&](int64_t band, int) {
    const int64_t top = band * kBand;
    const int64_t bottom = std::min(top + kBand, height);
    const int64_t first = rows.first[static_cast<size_t>(top)];
    const auto last_row = static_cast<size_t>(bottom - 1);
    const int64_t end = rows.first[last_row] + rows.count[last_row];
    std::vector<float> resized(static_cast<size_t>((end - first) * 3 * width));  // (input rows, 3, width)
    for (int64_t y = first; y < end; ++y)
      resize_row(picture.row(y), columns, width, resized.data() + (y - first) * 3 * width);

    std::vector<float> sums(static_cast<size_t>(width));
    for (int64_t y = top; y < bottom; ++y) {
      const float* weights = rows.of(y);
      for (int64_t channel = 0; channel < 3; ++channel) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (int64_t tap = 0; tap < rows.count[static_cast<size_t>(y)]; ++tap) {
          const int64_t row = rows.first[static_cast<size_t>(y)] + tap - first;
          const float* source = resized.data() + (row * 3 + channel) * width;
          for (int64_t x = 0; x < width; ++x) sums[static_cast<size_t>(x)] += weights[tap] * source[x];
        }
        float* destination = output.data() + (channel * height + y) * width;
        for (int64_t x = 0; x < width; ++x)
          destination[x] = finish(static_cast<size_t>(channel), sums[static_cast<size_t>(x)]);
      }
    }
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
