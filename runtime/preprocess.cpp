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

// Number: what the weights are computed in, before they are rounded to f32.
template <class Number>
ResizeWeights antialiased_bilinear(int64_t input_size, int64_t output_size) {
  const Number scale = static_cast<Number>(input_size) / static_cast<Number>(output_size);
  const Number support = std::max(scale, Number{1});  // an enlargement is plain bilinear interpolation
  const Number half{0.5};
  ResizeWeights result;
  result.widest = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  result.weights.assign(static_cast<size_t>(output_size * result.widest), 0.0f);
  for (int64_t output = 0; output < output_size; ++output) {
    const Number centre = scale * (static_cast<Number>(output) + half);
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(centre - support + half), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(centre + support + half), input_size);
    const int64_t count = std::min(end - first, result.widest);
    float* weights = result.weights.data() + output * result.widest;
    Number total{0};
    std::vector<Number> exact(static_cast<size_t>(count));
    for (int64_t tap = 0; tap < count; ++tap) {
      const Number distance = std::abs(static_cast<Number>(first + tap) - centre + half) / support;
      exact[static_cast<size_t>(tap)] = std::max(Number{0}, Number{1} - distance);
      total += exact[static_cast<size_t>(tap)];
    }
    for (int64_t tap = 0; tap < count; ++tap)
      weights[tap] = static_cast<float>(exact[static_cast<size_t>(tap)] / total);
    result.first.push_back(first);
    result.count.push_back(count);
  }
  return result;
}

// What is resized: rows of some planes of numbers. resize_row(y, columns, width, planes) makes input row y into
// (planes, width) weighted sums.
template <class View>
struct ImageRows {
  static constexpr int64_t kPlanes = 3;
  const View& image;

  void resize_row(int64_t y, const ResizeWeights& columns, int64_t width, float* planes) const {
    const auto* pixels = image.row(y);
    for (int64_t x = 0; x < width; ++x) {
      const auto* pixel = pixels + columns.first[static_cast<size_t>(x)] * 3;
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
};

struct PlaneRows {
  static constexpr int64_t kPlanes = 1;
  std::span<const float> values;  // (height, row_width)
  int64_t row_width;

  void resize_row(int64_t y, const ResizeWeights& columns, int64_t width, float* plane) const {
    for (int64_t x = 0; x < width; ++x) {
      const float* value = values.data() + y * row_width + columns.first[static_cast<size_t>(x)];
      const float* weights = columns.of(x);
      float sum = 0.0f;
      for (int64_t tap = 0; tap < columns.count[static_cast<size_t>(x)]; ++tap) sum += weights[tap] * value[tap];
      plane[x] = sum;
    }
  }
};

// Output rows a thread makes at once. Rows of the input that two bands need are resized twice, so a band is not too
// small.
constexpr int64_t kBand = 16;

// Output rows [top, bottom), summed as the input's rows come: an input row is resized once and added to every output
// row that it is part of, so memory does not grow with the image. Each output value is summed in the order of the rows.
template <class Source>
class Band {
 public:
  Band(const Source& source, const ResizeWeights& columns, const ResizeWeights& rows, int64_t width)
      : source_(source),
        columns_(columns),
        rows_(rows),
        width_(width),
        resized_(static_cast<size_t>(Source::kPlanes * width)) {}

  // (bottom - top, planes, width)
  const std::vector<float>& sum(int64_t top, int64_t bottom) {
    sums_.assign(static_cast<size_t>(bottom - top) * resized_.size(), 0.0f);
    int64_t low = top, high = top;  // output rows that the input row at hand is part of: [low, high)
    for (int64_t y = first(top); y < end(bottom - 1); ++y) {
      while (low < bottom && end(low) <= y) ++low;
      while (high < bottom && first(high) <= y) ++high;
      if (low == high) continue;
      source_.resize_row(y, columns_, width_, resized_.data());
      for (int64_t output = low; output < high; ++output)
        add(rows_.of(output)[y - first(output)], sums_.data() + static_cast<size_t>(output - top) * resized_.size());
    }
    return sums_;
  }

 private:
  int64_t first(int64_t output) const { return rows_.first[static_cast<size_t>(output)]; }
  int64_t end(int64_t output) const { return first(output) + rows_.count[static_cast<size_t>(output)]; }
  void add(float weight, float* sums) const {
    for (size_t i = 0; i < resized_.size(); ++i) sums[i] += weight * resized_[i];
  }

  const Source& source_;
  const ResizeWeights& columns_;
  const ResizeWeights& rows_;
  int64_t width_;
  std::vector<float> resized_;  // an input row: (planes, width)
  std::vector<float> sums_;
};

// finish(channel, sum) makes the stored value of a weighted sum.
template <class Source, class Finish>
void resize(const Source& source, const ResizeWeights& columns, const ResizeWeights& rows, ThreadPool& pool,
            std::span<float> output, const Finish& finish) {
  const auto height = static_cast<int64_t>(rows.first.size()), width = static_cast<int64_t>(columns.first.size());
  SAMC_CHECK(static_cast<int64_t>(output.size()) == Source::kPlanes * height * width, "{} values for {} x {}",
             output.size(), width, height);
  pool.run((height + kBand - 1) / kBand, [&](int64_t band, int) {
    const int64_t top = band * kBand;
    const int64_t bottom = std::min(top + kBand, height);
    Band rows_at_once(source, columns, rows, width);
    const float* sum = rows_at_once.sum(top, bottom).data();
    for (int64_t y = top; y < bottom; ++y)
      for (int64_t channel = 0; channel < Source::kPlanes; ++channel)
        for (int64_t x = 0; x < width; ++x)
          output[static_cast<size_t>((channel * height + y) * width + x)] =
              finish(static_cast<size_t>(channel), *sum++);
  });
}

template <class View, class Finish>
void resize(const View& image, int64_t height, int64_t width, ThreadPool& pool, std::span<float> output,
            const Finish& finish) {
  SAMC_CHECK(is_image_size(image.width, image.height) && image.stride >= 3 * image.width, "not an image: {} x {}",
             image.width, image.height);
  resize(ImageRows<View>{image}, antialiased_bilinear<double>(image.width, width),
         antialiased_bilinear<double>(image.height, height), pool, output, finish);
}

}  // namespace

void preprocess_image(const RgbView& picture, int64_t size, std::span<const float> mean, std::span<const float> std,
                      ThreadPool& pool, std::span<float> output) {
  resize(picture, size, size, pool, output,
         [&](size_t channel, float sum) { return (sum / 255.0f - mean[channel]) / std[channel]; });
}

void preprocess_image(const RgbFloatView& picture, int64_t size, std::span<const float> mean,
                      std::span<const float> std, ThreadPool& pool, std::span<float> output) {
  resize(picture, size, size, pool, output,
         [&](size_t channel, float sum) { return (sum - mean[channel]) / std[channel]; });
}

void resize_image(const RgbView& picture, int64_t height, int64_t width, ThreadPool& pool, std::span<float> output) {
  resize(picture, height, width, pool, output, [](size_t, float sum) { return sum; });
}

void resize_plane(std::span<const float> input, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  ThreadPool& pool, std::span<float> output) {
  SAMC_CHECK(is_image_size(in_width, in_height) && static_cast<int64_t>(input.size()) == in_height * in_width,
             "{} values are not {} x {}", input.size(), in_width, in_height);
  resize(PlaneRows{input, in_width}, antialiased_bilinear<float>(in_width, width),
         antialiased_bilinear<float>(in_height, height), pool, output, [](size_t, float sum) { return sum; });
}

}  // namespace samc
