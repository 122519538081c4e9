// What is measured without a mask at the image's size, against the mask at the image's size.

#include "runtime/mask_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/thread_pool.h"
#include "runtime/postprocess.h"

namespace samc {
namespace {

constexpr int64_t kLow = 24;

// Blobs with noise on them: long edges, islands, holes, and values that are exactly a threshold.
std::vector<float> blobs(uint32_t seed, int64_t height, int64_t width, float noise) {
  std::mt19937 random(seed);
  const auto uniform = [&] { return static_cast<float>(random() % 10'000) / 10'000.0f; };
  std::vector<float> logits(static_cast<size_t>(height * width));
  const float x0 = uniform() * static_cast<float>(width), y0 = uniform() * static_cast<float>(height),
              radius = (0.15f + 0.5f * uniform()) * static_cast<float>(width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const float distance = std::hypot(static_cast<float>(x) - x0, static_cast<float>(y) - y0);
      const float value = 3.0f * (radius - distance) + noise * (uniform() - 0.5f);
      logits[static_cast<size_t>(y * width + x)] = random() % 13 == 0 ? std::round(value) : value;
    }
  return logits;
}

struct Expected {
  int64_t inner = 0, outer = 0;
  PixelBox box = {};
  Rle runs;
};

Expected expect_of(std::span<const float> logits, int64_t low_height, int64_t low_width, const PixelBox& crop,
                   int64_t width, int64_t height, const MaskThresholds& thresholds) {
  ThreadPool pool(1);
  const int64_t crop_width = crop[2] - crop[0], crop_height = crop[3] - crop[1];
  std::vector<float> large(static_cast<size_t>(crop_width * crop_height));
  upscale_logits(logits, low_height, low_width, crop_height, crop_width, pool, large);
  std::vector<uint8_t> mask(static_cast<size_t>(width * height), 0);
  Expected expected;
  bool is_empty = true;
  for (int64_t y = 0; y < crop_height; ++y)
    for (int64_t x = 0; x < crop_width; ++x) {
      const float logit = large[static_cast<size_t>(y * crop_width + x)];
      expected.inner += logit > thresholds.inner ? 1 : 0;
      expected.outer += logit > thresholds.outer ? 1 : 0;
      if (!(logit > thresholds.mask)) continue;
      mask[static_cast<size_t>((crop[1] + y) * width + crop[0] + x)] = 1;
      PixelBox& box = expected.box;
      box = is_empty ? PixelBox{x, y, x, y}
                     : PixelBox{std::min(box[0], x), std::min(box[1], y), std::max(box[2], x), std::max(box[3], y)};
      is_empty = false;
    }
  expected.runs = encode_rle(mask, static_cast<int>(height), static_cast<int>(width));
  return expected;
}

void expect_same(std::span<const float> logits, int64_t low_height, int64_t low_width, const PixelBox& crop,
                 int64_t width, int64_t height, const MaskThresholds& thresholds) {
  const Expected expected = expect_of(logits, low_height, low_width, crop, width, height, thresholds);
  const MaskMeter meter(low_height, low_width, crop, width, height);
  const std::optional<MaskStatistics> found = meter.measure(logits, thresholds, 0);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->runs.counts, expected.runs.counts);
  EXPECT_EQ(found->runs.height, height);
  EXPECT_EQ(found->runs.width, width);
  EXPECT_EQ(found->box, expected.box);
  const float stability = static_cast<float>(expected.inner) / static_cast<float>(expected.outer);
  if (expected.outer == 0) {
    EXPECT_TRUE(std::isnan(found->stability));
    return;
  }
  EXPECT_EQ(found->stability, stability);
  // At its own stability it stays, above it goes.
  EXPECT_TRUE(meter.measure(logits, thresholds, stability).has_value() || stability == 0);
  EXPECT_FALSE(meter.measure(logits, thresholds, std::nextafter(stability, 2.0f)).has_value());
}

TEST(MaskMeter, MeasuresTheMaskAtTheImagesSize) {
  const MaskThresholds usual = {0.0f, 1.0f, -1.0f};
  struct Frame {
    PixelBox crop;
    int64_t width, height;
  };
  const std::vector<Frame> frames = {
      {{0, 0, 180, 121}, 180, 121},   // enlarged, by other factors in both directions
      {{0, 0, 24, 24}, 24, 24},       // as large as the logits
      {{0, 0, 7, 100}, 7, 100},       // reduced in one direction
      {{0, 0, 1, 1}, 1, 1},           //
      {{31, 17, 100, 93}, 140, 110},  // a crop
      {{0, 60, 77, 110}, 140, 110},
  };
  for (const Frame& frame : frames)
    for (uint32_t seed = 0; seed < 12; ++seed)
      for (const float noise : {0.0f, 4.0f, 60.0f}) {
        SCOPED_TRACE(testing::Message() << frame.crop[0] << " " << frame.crop[2] << " of " << frame.width << ", seed "
                                        << seed << ", noise " << noise);
        expect_same(blobs(seed, kLow, kLow, noise), kLow, kLow, frame.crop, frame.width, frame.height, usual);
      }
}

TEST(MaskMeter, TakesLogitsAndThresholdsOfAnyKind) {
  const PixelBox all = {0, 0, 90, 70};
  for (const MaskThresholds& thresholds :
       {MaskThresholds{-2.5f, -1.5f, -3.5f}, MaskThresholds{0, 0, 0}, MaskThresholds{0.0f, -1.0f, 1.0f}})
    for (uint32_t seed = 0; seed < 4; ++seed) expect_same(blobs(seed, 11, 33, 20.0f), 11, 33, all, 90, 70, thresholds);
  const MaskThresholds usual = {0.0f, 1.0f, -1.0f};
  // Nothing, all, and what is the threshold everywhere, or next to it by rounding alone.
  for (const float level : {-5.0f, 5.0f, 0.0f, 1.0f, std::nextafter(1.0f, 2.0f), -1.0f, 1e-30f, -1e-30f})
    expect_same(std::vector<float>(kLow * kLow, level), kLow, kLow, all, 90, 70, usual);
  expect_same(std::vector<float>{0.3f}, 1, 1, all, 90, 70, usual);
}

TEST(MaskMeter, EmptyMasksAreNeverStable) {
  const MaskMeter meter(2, 2, {0, 0, 10, 10}, 10, 10);
  const std::vector<float> nothing(4, -9.0f);
  EXPECT_FALSE(meter.measure(nothing, {0, 1, -1}, 0.01f).has_value());
  const std::optional<MaskStatistics> any = meter.measure(nothing, {0, 1, -1}, 0);
  ASSERT_TRUE(any.has_value());
  EXPECT_EQ(any->runs.counts, std::vector<uint32_t>{100});
  EXPECT_EQ(any->box, PixelBox{});
}

}  // namespace
}  // namespace samc
