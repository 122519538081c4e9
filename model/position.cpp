#include "model/position.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace samc {
namespace {

// Four neighbours of an output position along one axis, and their weights.
struct CubicTap {
  std::array<int64_t, 4> index;
  std::array<float, 4> weight;
};

std::vector<CubicTap> cubic_taps(int64_t in, int64_t out) {
  constexpr float a = -0.75f;
  const auto near = [](float x) { return ((a + 2.0f) * x - (a + 3.0f)) * x * x + 1.0f; };       // |x| <= 1
  const auto far = [](float x) { return ((a * x - 5.0f * a) * x + 8.0f * a) * x - 4.0f * a; };  // 1 < |x| < 2
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  std::vector<CubicTap> taps(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    const float position = scale * (static_cast<float>(i) + 0.5f) - 0.5f;
    const float base = std::floor(position);
    const float t = position - base;
    CubicTap& tap = taps[static_cast<size_t>(i)];
    tap.weight = {far(t + 1.0f), near(t), near(1.0f - t), far((1.0f - t) + 1.0f)};
    for (int64_t k = 0; k < 4; ++k)
      tap.index[static_cast<size_t>(k)] = std::clamp<int64_t>(static_cast<int64_t>(base) - 1 + k, 0, in - 1);
  }
  return taps;
}

float weighted(const CubicTap& tap, const float* values, int64_t stride) {
  float sum = values[tap.index[0] * stride] * tap.weight[0];
  for (size_t k = 1; k < 4; ++k) sum += values[tap.index[k] * stride] * tap.weight[k];
  return sum;
}

}  // namespace

Tensor resize_bicubic(const TensorView& source, int64_t height, int64_t width) {
  SAMC_CHECK(source.shape.size() == 4, "a tensor of shape {}", shape_to_string(source.shape));
  const int64_t planes = source.shape[0] * source.shape[1];
  const int64_t in_h = source.shape[2];
  const int64_t in_w = source.shape[3];
  const std::vector<CubicTap> vertical = cubic_taps(in_h, height);
  const std::vector<CubicTap> horizontal = cubic_taps(in_w, width);
  Tensor result({source.shape[0], source.shape[1], height, width});
  std::vector<float> rows(static_cast<size_t>(in_h * width));  // one plane, resized along its rows
  for (int64_t plane = 0; plane < planes; ++plane) {
    const float* in = source.f32().data() + plane * in_h * in_w;
    float* out = result.f32().data() + plane * height * width;
    for (int64_t y = 0; y < in_h; ++y)
      for (int64_t x = 0; x < width; ++x)
        rows[static_cast<size_t>(y * width + x)] = weighted(horizontal[static_cast<size_t>(x)], in + y * in_w, 1);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        out[y * width + x] = weighted(vertical[static_cast<size_t>(y)], rows.data() + x, width);
  }
  return result;
}

Tensor hiera_position_embedding(const TensorView& background, const TensorView& window, int64_t height, int64_t width) {
  const Tensor resized = resize_bicubic(background, height, width);
  const int64_t channels = background.shape[1];
  const int64_t window_h = window.shape[2];
  const int64_t window_w = window.shape[3];
  SAMC_CHECK(window.shape[1] == channels && height % window_h == 0 && width % window_w == 0,
             "window part {} on a map of {} x {}", shape_to_string(window.shape), height, width);
  Tensor result({1, height, width, channels});
  const float* from = resized.f32().data();
  const float* tile = window.f32().data();
  float* to = result.f32().data();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c)
        to[(y * width + x) * channels + c] =
            from[(c * height + y) * width + x] + tile[(c * window_h + y % window_h) * window_w + x % window_w];
  return result;
}

Tensor dense_position_encoding(const TensorView& gaussian, int64_t size) {
  const int64_t features = gaussian.shape[1];
  const float* matrix = gaussian.f32().data();  // rows: x, y
  Tensor result({1, 2 * features, size, size});
  float* sines = result.f32().data();
  float* cosines = sines + features * size * size;
  const auto normalised = [size](int64_t i) {
    return 2.0f * ((static_cast<float>(i) + 0.5f) / static_cast<float>(size)) - 1.0f;
  };
  for (int64_t f = 0; f < features; ++f)
    for (int64_t y = 0; y < size; ++y)
      for (int64_t x = 0; x < size; ++x) {
        const float angle = static_cast<float>(2.0 * std::numbers::pi) *
                            (normalised(x) * matrix[f] + normalised(y) * matrix[features + f]);
        const int64_t at = (f * size + y) * size + x;
        sines[at] = std::sin(angle);
        cosines[at] = std::cos(angle);
      }
  return result;
}

Tensor sine_periods(int64_t count, double temperature) {
  Tensor periods({count});
  for (int64_t i = 0; i < count; ++i) {
    const float exponent = static_cast<float>(2 * (i / 2)) / static_cast<float>(count);
    periods.f32()[static_cast<size_t>(i)] = std::pow(static_cast<float>(temperature), exponent);
  }
  return periods;
}

Tensor sine_position_encoding(int64_t channels, int64_t side, double temperature) {
  const int64_t half = channels / 2;  // of the row, then of the column
  const Tensor periods = sine_periods(half, temperature);
  const float scale = static_cast<float>(2.0 * std::numbers::pi);
  // values (side, half): what a coordinate becomes
  Tensor values({side, half});
  for (int64_t i = 0; i < side; ++i)
    for (int64_t f = 0; f < half; ++f) {
      const float place = static_cast<float>(i + 1) / (static_cast<float>(side) + 1e-6f) * scale;
      const float angle = place / periods.f32()[static_cast<size_t>(f)];
      values.f32()[static_cast<size_t>(i * half + f)] = f % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  Tensor result({1, side * side, channels});
  float* to = result.f32().data();
  for (int64_t y = 0; y < side; ++y)
    for (int64_t x = 0; x < side; ++x, to += channels) {
      std::copy_n(values.f32().data() + y * half, half, to);
      std::copy_n(values.f32().data() + x * half, half, to + half);
    }
  return result;
}

Tensor rotary_table(int64_t dim, const std::array<int64_t, 2>& feat_sizes, int64_t side, double theta,
                    double (*function)(double)) {
  const int64_t positions = side * side, quarter = dim / 4;
  const int64_t width = feat_sizes[0] * feat_sizes[1] == positions ? feat_sizes[0] : side;
  Tensor table({positions, 1, 2 * quarter});
  float* to = table.f32().data();
  for (int64_t position = 0; position < positions; ++position)
    for (const int64_t coordinate : {position % width, position / width})
      for (int64_t f = 0; f < quarter; ++f, ++to) {
        const float exponent = static_cast<float>(4 * f) / static_cast<float>(dim);
        const float frequency = 1.0f / std::pow(static_cast<float>(theta), exponent);
        *to = static_cast<float>(function(static_cast<float>(coordinate) * frequency));
      }
  return table;
}

}  // namespace samc
