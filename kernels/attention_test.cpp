#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/attention_testing.h"
#include "kernels/testing.h"

namespace samc {
namespace {

TEST(Attention, MatchesTheDefinition) {
  for (const AttentionCase& c : attention_cases()) {
    ASSERT_TRUE(windows_pair(c.params)) << c.name;
    for (const float magnitude : {1.0f, 30.0f}) {
      const AttentionData data(c, magnitude);
      const std::vector<double> want = attention_expected(c.params, data, false);
      for (const Isa& isa : available_isas()) {
        TestContext context(isa, 2);
        const std::vector<float> got = data.run(c.params, context.get());
        // A score of size s has a rounding error near s 2^-23, and so has its weight.
        const double tolerance = 2e-6 * std::max(1.0f, magnitude);
        double worst = 0;
        for (size_t i = 0; i < want.size(); ++i)
          worst = std::max(worst, std::isnan(got[i]) ? 1e9 : std::abs(got[i] - want[i]));
        EXPECT_LT(worst, tolerance) << c.name << ", " << isa.name << ", magnitude " << magnitude;
      }
    }
  }
}

TEST(Attention, SameBitsForAnyNumberOfThreads) {
  for (const AttentionCase& c :
       {whole(600, 300, 2, 32, 32), windowed(1, 20, 20, 14, 14, 2, 32, 1), whole(56, 4096, 1, 32, 32)}) {
    const AttentionData data(c, 1.0f);
    for (const Isa& isa : available_isas()) {
      TestContext one(isa, 1);
      TestContext three(isa, 3);
      EXPECT_EQ(data.run(c.params, one.get()), data.run(c.params, three.get())) << c.name << ", " << isa.name;
    }
  }
}

// As if they had been added to the keys before, in every precision.
TEST(Attention, AddsPositionsToKeys) {
  for (AttentionCase c : {whole(20, 300, 2, 32, 16), whole(64, 1100, 1, 48, 40), whole(300, 40, 3, 5, 7),
                          whole(700, 140, 1, 17, 20), windowed(2, 8, 8, 4, 4, 2, 24, 1)}) {
    AttentionData data(c, 1.0f);
    const std::vector<float> position = random_floats(static_cast<int64_t>(data.k.size()), 6);
    AttentionData summed = data;
    for (size_t i = 0; i < position.size(); ++i) summed.k[i] += position[i];
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      c.params.precision = precision;
      for (const Isa& isa : precision == Precision::kF32    ? available_isas()
                            : precision == Precision::kBf16 ? available_bf16_isas()
                                                            : available_int8_isas()) {
        TestContext context(isa, 2);
        EXPECT_EQ(data.run(c.params, context.get(), position.data()), summed.run(c.params, context.get()))
            << c.name << ", " << isa.name << ", " << precision_name(precision);
      }
    }
  }
}

TEST(Attention, NoQueriesIsNothingToDo) {
  const AttentionCase c = whole(0, 16, 2, 16, 16);
  const AttentionData data(c, 1.0f);
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    EXPECT_TRUE(data.run(c.params, context.get()).empty());
  }
}

TEST(Attention, HugeScoresDoNotOverflow) {
  const AttentionCase c = whole(20, 300, 1, 32, 32);
  const AttentionData data(c, 1e20f);
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    for (const float x : data.run(c.params, context.get())) {
      ASSERT_TRUE(std::isfinite(x)) << isa.name;
      ASSERT_LE(std::abs(x), 1.001f) << isa.name;
    }
  }
}

TEST(Attention, NanStaysInItsRow) {
  const AttentionCase c = whole(20, 300, 1, 32, 32);
  AttentionData data(c, 1.0f);
  data.q[7 * 32 + 3] = std::numeric_limits<float>::quiet_NaN();
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> got = data.run(c.params, context.get());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isnan(got[i]), i / 32 == 7) << isa.name << " at " << i;
  }
  for (const int64_t keys : {300, 1500}) {
    const AttentionCase in_parts = whole(20, keys, 1, 32, 32);
    AttentionData poisoned(in_parts, 1.0f);
    poisoned.k[299 * 32] = std::numeric_limits<float>::quiet_NaN();
    for (const Isa& isa : available_isas()) {
      TestContext context(isa, 2);
      for (const float x : poisoned.run(in_parts.params, context.get())) ASSERT_TRUE(std::isnan(x)) << isa.name;
    }
  }
}

}  // namespace
}  // namespace samc
