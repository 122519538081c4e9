#include "targets/sophgo/calibrate/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "targets/sophgo/tools/quantize_tables.h"

namespace samc::sophgo {
namespace {

Histogram of(const std::vector<std::vector<float>>& parts, int threads = 1) {
  ThreadPool pool(threads);
  Histogram histogram;
  for (const auto& part : parts) EXPECT_TRUE(histogram.add(part, pool).is_ok());
  return histogram;
}

uint64_t sum_of(const Histogram& histogram) {
  return std::accumulate(histogram.bins().begin(), histogram.bins().end(), uint64_t{0});
}

// A bell from -4 to 4 and one value far out.
std::vector<float> with_outlier(float outlier) {
  std::vector<float> values;
  for (int i = -4000; i <= 4000; ++i) {
    const double x = i / 1000.0;
    values.insert(values.end(), static_cast<size_t>(100 * std::exp(-x * x / 2)), static_cast<float>(x));
  }
  values.push_back(outlier);
  return values;
}

TEST(Histogram, Bounds) {
  const Histogram histogram = of({{0.5f, -3.0f}, {1.0f}});
  EXPECT_EQ(histogram.min(), -3.0);
  EXPECT_EQ(histogram.max(), 1.0);
  EXPECT_EQ(histogram.largest(), 3.0);
  EXPECT_EQ(histogram.count(), 3u);
}

TEST(Histogram, RangeDoublesExactly) {
  // What was counted in a small range lies where it would have lain in the large one.
  const std::vector<float> small = {0.1f, -0.2f, 0.3f, 0.999f}, large = {100.0f};
  const Histogram grown = of({small, large}), at_once = of({{0.1f, -0.2f, 0.3f, 0.999f, 100.0f}});
  EXPECT_EQ(grown.bins(), at_once.bins());
  EXPECT_EQ(grown.bin_width(), 128.0 / Histogram::kBins);
  EXPECT_EQ(sum_of(grown), 5u);
}

TEST(Histogram, PowersOfTwoAndZeros) {
  EXPECT_EQ(sum_of(of({{0.0f, 0.0f}, {1.0f, 2.0f, 4.0f, -4.0f}})), 6u);
  EXPECT_EQ(of({{0.0f}, {1.0f}}).bins(), of({{0.0f, 1.0f}}).bins());
  const Histogram tiny = of({{1e-38f, -1e-44f}});
  EXPECT_EQ(sum_of(tiny), 2u);
  const Histogram huge = of({{std::numeric_limits<float>::max()}});
  EXPECT_EQ(sum_of(huge), 1u);
}

TEST(Histogram, ThreadsDoNotMatter) {
  std::vector<float> values(1 << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i * 7919 % 20011) - 9999);
  EXPECT_EQ(of({values}, 1).bins(), of({values}, 3).bins());
}

TEST(Histogram, NotFinite) {
  ThreadPool pool(1);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Histogram histogram;
    const std::vector<float> values = {1.0f, bad, 2.0f};
    EXPECT_FALSE(histogram.add(values, pool).is_ok());
    EXPECT_EQ(histogram.count(), 0u);
  }
}

TEST(Threshold, Max) { EXPECT_EQ(threshold_of(of({{0.5f, -3.0f}}), {}), 3.0); }

TEST(Threshold, ZeroIsNone) {
  for (const auto method :
       {ThresholdMethod::kMax, ThresholdMethod::kPercentile, ThresholdMethod::kKl, ThresholdMethod::kMse})
    EXPECT_EQ(threshold_of(of({{0.0f, 0.0f}}), {method, 99.0}), kLeastThreshold);
  EXPECT_EQ(threshold_of(Histogram(), {}), kLeastThreshold);
}

TEST(Threshold, Percentile) {
  std::vector<float> values(1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1) / 1000.0f;  // to 1
  const Histogram histogram = of({values});
  EXPECT_NEAR(threshold_of(histogram, {ThresholdMethod::kPercentile, 90.0}), 0.9, 2 * histogram.bin_width());
  EXPECT_EQ(threshold_of(histogram, {ThresholdMethod::kPercentile, 100.0}), 1.0);
}

TEST(Threshold, OneOutlierIsCut) {
  const Histogram histogram = of({with_outlier(400.0f)});
  const double kl = threshold_of(histogram, {ThresholdMethod::kKl, 0}),
               mse = threshold_of(histogram, {ThresholdMethod::kMse, 0});
  EXPECT_LT(kl, 100.0);
  EXPECT_GE(kl, 3.0);
  EXPECT_LE(mse, 400.0);
  EXPECT_GT(mse, 100.0);  // 300 cut off squared is more than a step's rounding of all others
}

TEST(Threshold, NothingToCut) {
  // As many of each magnitude: cutting loses more than finer steps gain.
  std::vector<float> values(40000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 40000.0f;
  const Histogram histogram = of({values});
  EXPECT_NEAR(threshold_of(histogram, {ThresholdMethod::kMse, 0}), 1.0, 0.02);
  EXPECT_NEAR(threshold_of(histogram, {ThresholdMethod::kKl, 0}), 1.0, 0.05);
}

TEST(Threshold, Methods) {
  EXPECT_EQ(find_threshold_method("kl").value(), ThresholdMethod::kKl);
  const auto unknown = find_threshold_method("best");
  ASSERT_FALSE(unknown.is_ok());
  EXPECT_EQ(unknown.status().to_string(), "--method best is not known; use max, percentile, kl or mse");
}

}  // namespace
}  // namespace samc::sophgo
