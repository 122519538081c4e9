// attention in whole numbers of 16 bits: each variant against the definition in double.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "kernels/attention_testing.h"

namespace samc {
namespace {

AttentionParams in_int8(AttentionParams p, DType src = DType::kF32, DType dst = DType::kF32) {
  p.precision = Precision::kInt8;
  p.q_dtype = p.k_dtype = p.v_dtype = src;
  p.dst_dtype = dst;
  return p;
}

// A value is half a step off at most, of 1023 in the largest of its column, here 1; weights add less, and scores as
// much as they are large.
TEST(AttentionInt8, MatchesTheDefinition) {
  for (const AttentionCase& c : attention_cases()) {
    for (const float magnitude : {1.0f, 30.0f}) {
      const AttentionData data(c, magnitude);
      const std::vector<double> want = attention_expected(c.params, data, false);
      for (const Isa& isa : available_int8_isas()) {
        TestContext context(isa, 2);
        const std::vector<float> got = data.run(in_int8(c.params), context.get());
        double worst = 0, squares = 0;
        for (size_t i = 0; i < want.size(); ++i) {
          const double error = std::isnan(got[i]) ? 1e9 : std::abs(static_cast<double>(got[i]) - want[i]);
          worst = std::max(worst, error);
          squares += error * error;
        }
        const std::string what = fmt::format("{}, {}, magnitude {}", c.name, isa.name, magnitude);
        EXPECT_LT(worst, magnitude == 1 ? 1e-3 : 5e-3) << what;
        EXPECT_LT(std::sqrt(squares / static_cast<double>(want.size())), magnitude == 1 ? 4e-4 : 7e-4) << what;
      }
    }
  }
}

TEST(AttentionInt8, TakesAndGivesBothTypesOnAnyNumberOfThreads) {
  for (const AttentionCase& c : attention_cases()) {
    AttentionData data(c, 1.0f);
    for (std::vector<float>* values : {&data.q, &data.k, &data.v, &data.pad_k, &data.pad_v})
      std::ranges::transform(*values, values->begin(), rounded_to_bf16);
    for (const Isa& isa : available_int8_isas()) {
      TestContext one(isa, 1), three(isa, 3);
      const std::vector<float> plain = data.run(in_int8(c.params), one.get());
      EXPECT_EQ(data.run(in_int8(c.params), three.get()), plain) << c.name << ", " << isa.name;
      EXPECT_EQ(data.run(in_int8(c.params, DType::kBF16), three.get()), plain) << c.name << ", " << isa.name;
      std::vector<float> rounded(plain.size());
      std::ranges::transform(plain, rounded.begin(), rounded_to_bf16);
      EXPECT_EQ(data.run(in_int8(c.params, DType::kF32, DType::kBF16), one.get()), rounded)
          << c.name << ", " << isa.name;
    }
  }
}

// Every number the largest one: sums reach what 32 bits hold.
TEST(AttentionInt8, SumsAtTheExtremesFit) {
  for (const AttentionCase& c : {whole(20, 256, 1, 96, 40), whole(5, 128, 1, 256, 33), whole(3, 130, 1, 1, 16)}) {
    for (const float sign : {1.0f, -1.0f}) {
      AttentionData data(c, 1.0f);
      std::ranges::fill(data.q, sign * 3.0f);
      std::ranges::fill(data.k, 3.0f);
      std::ranges::fill(data.v, sign * 7.0f);
      for (const Isa& isa : available_int8_isas()) {
        TestContext context(isa, 1);
        for (const float got : data.run(in_int8(c.params), context.get()))
          ASSERT_NEAR(got, sign * 7, 1e-5) << c.name << ", " << isa.name;
      }
    }
  }
}

TEST(AttentionInt8, NothingGivesTheMeanOfValues) {
  const AttentionCase c = whole(9, 40, 1, 16, 16);
  AttentionData data(c, 0.0f);
  std::ranges::fill(data.v, 0.0f);
  std::ranges::fill(data.k, 0.0f);
  for (size_t i = 0; i < data.v.size(); i += 2) data.v[i] = 1e-25f;
  for (const Isa& isa : available_int8_isas()) {
    TestContext context(isa, 1);
    const std::vector<float> got = data.run(in_int8(c.params), context.get());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], i % 2 == 0 ? 1e-25f : 0.0f, 1e-29f) << isa.name;
  }
}

TEST(AttentionInt8, NanIsNeverLost) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const AttentionCase& c : {whole(17, 300, 2, 32, 24), windowed(1, 16, 16, 8, 8, 1, 16, 1)}) {
    const AttentionParams& p = c.params;
    for (const Isa& isa : available_int8_isas()) {
      TestContext context(isa, 1);
      const auto nans = [&](const AttentionData& data) {
        std::vector<bool> result;
        for (const float value : data.run(in_int8(p), context.get())) result.push_back(std::isnan(value));
        return result;
      };
      const auto columns = static_cast<size_t>(p.heads * p.value_dim);
      AttentionData data(c, 1.0f);
      data.q[static_cast<size_t>(3 * p.q_pitch + p.q_offset + 5)] = kNan;  // of query 3, the first head
      std::vector<bool> found = nans(data);
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i], i / columns == 3 && i % columns < static_cast<size_t>(p.value_dim)) << c.name << isa.name;
      data = AttentionData(c, 1.0f);
      data.k[static_cast<size_t>(2 * p.k_pitch + p.k_offset + 1)] = kNan;  // a key of the first window and head
      found = nans(data);
      EXPECT_TRUE(found[0] && found[static_cast<size_t>(p.value_dim) - 1] && found[columns]) << c.name << isa.name;
      data = AttentionData(c, 1.0f);
      data.v[static_cast<size_t>(2 * p.v_pitch + p.v_offset + 4)] = kNan;  // column 4
      found = nans(data);
      for (size_t i = 0; i < 2 * columns; ++i) EXPECT_EQ(found[i], i % columns == 4) << c.name << isa.name;
    }
  }
}

}  // namespace
}  // namespace samc
