#include "runtime/resize_pil.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/limits.h"

namespace samc {
namespace {

constexpr int kFractionBits = 22;  // Pillow's: 32 less 8 for the byte and 2 to spare
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

double bicubic(double distance) {
  constexpr double kA = -0.5;
  distance = std::abs(distance);
  if (distance < 1.0) return ((kA + 2.0) * distance - (kA + 3.0)) * distance * distance + 1.0;
  if (distance < 2.0) return (((distance - 5.0) * distance + 8.0) * distance - 4.0) * kA;
  return 0.0;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

// For each output position the input positions that it is a weighted sum of.
struct Weights {
  std::vector<int64_t> first;
  std::vector<int64_t> count;
  std::vector<int32_t> weights;  // (output, widest), in units of 2^-22
  int64_t widest = 0;

  int64_t outputs() const { return static_cast<int64_t>(first.size()); }
  int64_t end(int64_t output) const { return first[static_cast<size_t>(output)] + count[static_cast<size_t>(output)]; }
  const int32_t* of(int64_t output) const { return weights.data() + output * widest; }
};

Weights bicubic_weights(int64_t input_size, int64_t output_size) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(output_size);
  const double stretch = std::max(scale, 1.0);
  const double support = 2.0 * stretch;
  Weights result;
  result.widest = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  result.weights.assign(static_cast<size_t>(output_size * result.widest), 0);
  std::vector<double> exact(static_cast<size_t>(result.widest));
  for (int64_t output = 0; output < output_size; ++output) {
    const double centre = (static_cast<double>(output) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    const int64_t end = std::min(static_cast<int64_t>(centre + support + 0.5), input_size);
    double total = 0.0;
    for (int64_t tap = 0; tap < end - first; ++tap) {
      const double distance = (static_cast<double>(tap + first) - centre + 0.5) * (1.0 / stretch);
      exact[static_cast<size_t>(tap)] = bicubic(distance);
      total += exact[static_cast<size_t>(tap)];
    }
    int32_t* weights = result.weights.data() + output * result.widest;
    for (int64_t tap = 0; tap < end - first; ++tap) {
      const double weight = exact[static_cast<size_t>(tap)] / total * (1 << kFractionBits);
      weights[tap] = static_cast<int32_t>(weight < 0.0 ? weight - 0.5 : weight + 0.5);
    }
    result.first.push_back(first);
    result.count.push_back(end - first);
  }
  return result;
}

// One input row to (width, 3) bytes.
void resize_row(const uint8_t* pixels, const Weights& columns, uint8_t* output) {
  for (int64_t x = 0; x < columns.outputs(); ++x, output += 3) {
    const uint8_t* pixel = pixels + columns.first[static_cast<size_t>(x)] * 3;
    const int32_t* weights = columns.of(x);
    int32_t red = kHalf, green = kHalf, blue = kHalf;
    for (int64_t tap = 0; tap < columns.count[static_cast<size_t>(x)]; ++tap, pixel += 3) {
      red += weights[tap] * pixel[0];
      green += weights[tap] * pixel[1];
      blue += weights[tap] * pixel[2];
    }
    output[0] = to_byte(red);
    output[1] = to_byte(green);
    output[2] = to_byte(blue);
  }
}

// A weighted sum of rows, each of as many bytes as sums has.
template <class Row>
void sum_rows(const Weights& rows, int64_t output, const Row& row, std::vector<int32_t>& sums, uint8_t* bytes) {
  std::ranges::fill(sums, kHalf);
  for (int64_t tap = 0; tap < rows.count[static_cast<size_t>(output)]; ++tap) {
    const int32_t weight = rows.of(output)[tap];
    const uint8_t* source = row(rows.first[static_cast<size_t>(output)] + tap);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += weight * source[i];
  }
  std::ranges::transform(sums, bytes, to_byte);
}

// Output rows a thread makes at once: the input rows that two bands share are resized twice.
constexpr int64_t kBand = 64;

// row_done(y, bytes) for each output row; bytes is (width, 3).
template <class RowDone>
void resize(const RgbView& image, int64_t height, int64_t width, ThreadPool& pool, const RowDone& row_done) {
  SAMC_CHECK(is_image_size(image.width, image.height) && image.stride >= 3 * image.width, "not an image: {} x {}",
             image.width, image.height);
  SAMC_CHECK(height > 0 && width > 0, "resized to {} x {}", width, height);
  const Weights columns = bicubic_weights(image.width, width);
  const Weights rows = bicubic_weights(image.height, height);
  const auto row_bytes = static_cast<size_t>(width * 3);
  // Each pass rounds, so their order shows. Pillow 13 begins with the columns where that takes away more than twice as
  // many rows as the other pass takes away columns (found by trying sizes); earlier releases always begin with the
  // rows.
  const bool columns_first = image.height - height > 2 * std::max<int64_t>(image.width - width, 0);
  pool.run((height + kBand - 1) / kBand, [&](int64_t band, int) {
    const int64_t top = band * kBand, bottom = std::min(top + kBand, height);
    std::vector<uint8_t> bytes(row_bytes);
    if (columns_first) {
      std::vector<int32_t> sums(static_cast<size_t>(image.width * 3));
      std::vector<uint8_t> summed(sums.size());
      for (int64_t y = top; y < bottom; ++y) {
        sum_rows(
            rows, y, [&](int64_t input) { return image.row(input); }, sums, summed.data());
        resize_row(summed.data(), columns, bytes.data());
        row_done(y, std::span<const uint8_t>(bytes));
      }
      return;
    }
    const int64_t first = rows.first[static_cast<size_t>(top)], end = rows.end(bottom - 1);
    std::vector<uint8_t> resized(static_cast<size_t>(end - first) * row_bytes);
    const auto resized_row = [&](int64_t input) {
      return resized.data() + static_cast<size_t>(input - first) * row_bytes;
    };
    for (int64_t input = first; input < end; ++input) resize_row(image.row(input), columns, resized_row(input));
    std::vector<int32_t> sums(row_bytes);
    for (int64_t y = top; y < bottom; ++y) {
      sum_rows(rows, y, resized_row, sums, bytes.data());
      row_done(y, std::span<const uint8_t>(bytes));
    }
  });
}

}  // namespace

void resize_pil_bicubic(const RgbView& image, int64_t height, int64_t width, ThreadPool& pool,
                        std::span<uint8_t> output) {
  SAMC_CHECK(static_cast<int64_t>(output.size()) == height * width * 3, "{} bytes for {} x {}", output.size(), width,
             height);
  resize(image, height, width, pool,
         [&](int64_t y, std::span<const uint8_t> bytes) { std::ranges::copy(bytes, output.begin() + y * width * 3); });
}

void preprocess_video_frame(const RgbView& frame, int64_t size, std::span<const float> mean, std::span<const float> std,
                            ThreadPool& pool, std::span<float> output) {
  SAMC_CHECK(static_cast<int64_t>(output.size()) == 3 * size * size, "{} values for {} x {}", output.size(), size,
             size);
  std::array<std::array<float, 256>, 3> normalised;
  for (size_t channel = 0; channel < 3; ++channel)
    for (size_t value = 0; value < 256; ++value)  // NumPy divides bytes in f64
      normalised[channel][value] =
          (static_cast<float>(static_cast<double>(value) / 255.0) - mean[channel]) / std[channel];
  resize(frame, size, size, pool, [&](int64_t y, std::span<const uint8_t> bytes) {
    for (size_t channel = 0; channel < 3; ++channel) {
      float* plane = output.data() + (static_cast<int64_t>(channel) * size + y) * size;
      for (size_t x = 0; x < static_cast<size_t>(size); ++x) plane[x] = normalised[channel][bytes[x * 3 + channel]];
    }
  });
}

}  // namespace samc
