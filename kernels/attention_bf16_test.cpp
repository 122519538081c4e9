// attention in bf16: each variant against double arithmetic on rounded numbers, and against its meaning, the scalar
// one.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/attention.h"
#include "kernels/attention_testing.h"
#include "kernels/testing.h"

namespace samc {
namespace {

// Sums of n numbers in f32 would be within 1e-5 of these; but where a weight lies between two of bf16 a small error
// takes the other one, 2^-8 of the weight away. No result is further off than a few weights that do, and hardly any is.
constexpr double kMost = 0x1p-8;
constexpr double kRootMeanSquare = 2.5e-4;

AttentionParams in_bf16(AttentionParams p, DType src = DType::kF32, DType dst = DType::kF32) {
  p.precision = Precision::kBf16;
  p.q_dtype = p.k_dtype = p.v_dtype = src;
  p.dst_dtype = dst;
  return p;
}

void expect_near(const std::vector<float>& got, const std::vector<double>& want, double most, double mean,
                 const std::string& what) {
  double worst = 0, squares = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double error = std::isnan(got[i]) ? 1e9 : std::abs(static_cast<double>(got[i]) - want[i]);
    worst = std::max(worst, error);
    squares += error * error;
  }
  const double root = std::sqrt(squares / static_cast<double>(std::max<size_t>(1, want.size())));
  EXPECT_LT(worst, most) << what;
  EXPECT_LT(root, mean) << what;
}

TEST(AttentionBf16, MatchesTheDefinitionOnRoundedNumbers) {
  for (const AttentionCase& c : attention_cases()) {
    ASSERT_TRUE(windows_pair(c.params)) << c.name;
    for (const float magnitude : {1.0f, 30.0f}) {
      const AttentionData data(c, magnitude);
      const std::vector<double> want = attention_expected(c.params, data, true);
      for (const Isa& isa : available_bf16_isas()) {
        TestContext context(isa, 2);
        expect_near(data.run(in_bf16(c.params), context.get()), want, kMost, kRootMeanSquare,
                    fmt::format("{}, {}, magnitude {}", c.name, isa.name, magnitude));
      }
    }
  }
}

// Rounding beforehand is the same as rounding inside; a result in bf16 is the one in f32, rounded.
TEST(AttentionBf16, TakesAndGivesBothTypes) {
  for (const AttentionCase& c : attention_cases()) {
    AttentionData data(c, 1.0f);
    for (float& x : data.q) x = rounded_to_bf16(x);
    for (const Isa& isa : available_bf16_isas()) {
      TestContext context(isa, 2);
      const std::vector<float> plain = data.run(in_bf16(c.params), context.get());
      EXPECT_EQ(data.run(in_bf16(c.params, DType::kBF16), context.get()), plain) << c.name << ", " << isa.name;
      std::vector<float> rounded = plain;
      for (float& x : rounded) x = rounded_to_bf16(x);
      EXPECT_EQ(data.run(in_bf16(c.params, DType::kBF16, DType::kBF16), context.get()), rounded)
          << c.name << ", " << isa.name;
      AttentionParams mixed = in_bf16(c.params);
      mixed.k_dtype = DType::kBF16;
      EXPECT_EQ(data.run(mixed, context.get()), plain) << c.name << ", " << isa.name;
    }
  }
}

// Values that are the rows of the identity give the weights back. A variant's powers of two are within 8e-5: next to a
// half-way point, which lies within 2^-9 of every number, they may round to the other side, and not elsewhere.
TEST(AttentionBf16, WeightsAreRoundedPowersOfTwo) {
  constexpr size_t kKeys = 256;
  AttentionCase c = whole(1, kKeys, 1, 1, kKeys);
  c.params.scale = 0.693147181f;  // scores become powers of two of -k
  AttentionData data(c, 1.0f);
  data.q[0] = 1;
  std::fill(data.v.begin(), data.v.end(), 0.0f);
  for (size_t key = 0; key < kKeys; ++key) {
    data.k[key] = -static_cast<float>(key) / kKeys;
    data.v[key * kKeys + key] = 1;
  }
  for (const Isa& isa : available_bf16_isas()) {
    TestContext context(isa, 1);
    const std::vector<float> got = data.run(in_bf16(c.params), context.get());
    size_t others = 0;
    for (size_t key = 0; key < kKeys; ++key) {
      const double weight = static_cast<double>(got[key]) / static_cast<double>(got[0]);
      const double wanted = rounded_to_bf16(std::exp2(data.k[key]));
      ASSERT_NEAR(weight, wanted, 0x1p-8 + 1e-6) << isa.name << ", key " << key;
      if (std::abs(weight - wanted) > 1e-6) ++others;
    }
    EXPECT_LE(others, kKeys * 4 / 100) << isa.name;
  }
}

TEST(AttentionBf16, SameBitsForAnyNumberOfThreads) {
  for (const AttentionCase& c :
       {whole(600, 300, 2, 32, 32), windowed(1, 20, 20, 14, 14, 2, 32, 1), whole(56, 4096, 1, 32, 32)}) {
    const AttentionData data(c, 1.0f);
    for (const Isa& isa : available_bf16_isas()) {
      TestContext one(isa, 1);
      TestContext three(isa, 3);
      EXPECT_EQ(data.run(in_bf16(c.params), one.get()), data.run(in_bf16(c.params), three.get()))
          << c.name << ", " << isa.name;
    }
  }
}

// All scores the same: the mean of the values, whatever the number of keys.
TEST(AttentionBf16, EqualScoresGiveTheMean) {
  for (const int64_t keys : {1, 2, 15, 16, 17, 31, 32, 33, 100, 128, 129, 300, 1500}) {
    const AttentionCase c = whole(20, keys, 1, 32, 16);
    AttentionData data(c, 1.0f);
    std::fill(data.k.begin(), data.k.end(), 0.25f);
    for (const Isa& isa : available_bf16_isas()) {
      TestContext context(isa, 2);
      const std::vector<float> got = data.run(in_bf16(c.params), context.get());
      for (size_t channel = 0; channel < 16; ++channel) {
        double mean = 0;
        for (size_t key = 0; key < static_cast<size_t>(keys); ++key)
          mean += static_cast<double>(rounded_to_bf16(data.v[key * 16 + channel])) / static_cast<double>(keys);
        for (size_t query = 0; query < 20; ++query)
          ASSERT_NEAR(got[query * 16 + channel], mean, 1e-5) << keys << " keys, " << isa.name;
      }
    }
  }
}

TEST(AttentionBf16, HugeScoresDoNotOverflow) {
  const AttentionCase c = whole(20, 300, 1, 32, 32);
  const AttentionData data(c, 1e20f);
  for (const Isa& isa : available_bf16_isas()) {
    TestContext context(isa, 2);
    for (const float x : data.run(in_bf16(c.params), context.get())) {
      ASSERT_TRUE(std::isfinite(x)) << isa.name;
      ASSERT_LE(std::abs(x), 1.001f) << isa.name;
    }
  }
}

// A finite number that no bf16 is near becomes the largest one, an infinite one is not hidden.
TEST(AttentionBf16, LargeNumbersStayFiniteAndInfiniteOnesDoNot) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const AttentionCase c = whole(20, 40, 1, 32, 32);
  AttentionData data(c, 1.0f);
  std::fill(data.k.begin(), data.k.end(), 0.0f);
  data.v[5 * 32 + 7] = -kLargest;
  for (const Isa& isa : available_bf16_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> got = data.run(in_bf16(c.params), context.get());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_TRUE(std::isfinite(got[i])) << isa.name << " at " << i;
    EXPECT_NEAR(got[7] / bf16_to_f32(0xff7f), 1.0 / 40, 1e-6) << isa.name;
    AttentionData infinite = data;
    infinite.v[5 * 32 + 7] = std::numeric_limits<float>::infinity();
    const std::vector<float> lost = infinite.run(in_bf16(c.params), context.get());
    for (size_t i = 0; i < lost.size(); ++i) ASSERT_EQ(std::isfinite(lost[i]), i % 32 != 7) << isa.name << " at " << i;
  }
}

TEST(AttentionBf16, NanStaysInItsRow) {
  const AttentionCase c = whole(20, 300, 1, 32, 32);
  AttentionData data(c, 1.0f);
  data.q[7 * 32 + 3] = std::numeric_limits<float>::quiet_NaN();
  for (const Isa& isa : available_bf16_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> got = data.run(in_bf16(c.params), context.get());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isnan(got[i]), i / 32 == 7) << isa.name << " at " << i;
  }
  for (const int64_t keys : {300, 1500}) {
    const AttentionCase in_parts = whole(20, keys, 1, 32, 32);
    AttentionData poisoned(in_parts, 1.0f);
    poisoned.k[299 * 32] = std::numeric_limits<float>::quiet_NaN();
    for (const Isa& isa : available_bf16_isas()) {
      TestContext context(isa, 2);
      for (const float x : poisoned.run(in_bf16(in_parts.params), context.get()))
        ASSERT_TRUE(std::isnan(x)) << isa.name;
    }
  }
}

}  // namespace
}  // namespace samc
