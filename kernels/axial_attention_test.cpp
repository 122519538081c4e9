#include "kernels/axial_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kernels/testing.h"

namespace samc {
namespace {

// grid_h, grid_w, dim, key_channels, value_channels, memories, tokens, scale. Grids that are whole pieces and that are
// not; a memory, several tiles of them, more than a block; with and without tokens.
constexpr AxialAttentionParams kCases[] = {
    {4, 4, 8, 3, 5, 1, 0, 0.5f},    {5, 7, 16, 16, 16, 2, 3, 0.3f},   {8, 8, 64, 16, 16, 7, 20, 0.125f},
    {3, 11, 12, 7, 1, 13, 1, 1.0f}, {2, 3, 4, 2, 33, 150, 300, 0.7f}, {16, 4, 32, 64, 64, 7, 64, 0.2f},
    {1, 33, 20, 5, 12, 3, 0, 2.0f},
};

struct Data {
  std::vector<float> q, key_weight, cosines, sines, keys, values, token_keys, token_values;

  explicit Data(const AxialAttentionParams& p)
      : q(random_floats(p.grid_h * p.grid_w * p.dim, 1)),
        key_weight(random_floats((p.key_channels + 1) * p.dim, 2)),
        cosines(static_cast<size_t>(p.grid_h * p.grid_w * p.dim / 2)),
        sines(cosines.size()),
        keys(random_floats(p.grid_h * p.grid_w * p.memories * p.key_channels, 4)),
        values(random_floats(p.grid_h * p.grid_w * p.memories * p.value_channels, 5)),
        token_keys(random_floats(p.tokens * p.dim, 6)),
        token_values(random_floats(p.tokens * p.value_channels, 7)) {
    const int64_t half = p.dim / 2;
    for (int64_t position = 0; position < p.grid_h * p.grid_w; ++position)
      for (int64_t pair = 0; pair < half; ++pair) {
        const int64_t place = pair < half / 2 ? position % p.grid_w : position / p.grid_w;
        const float angle = static_cast<float>(place) / static_cast<float>(1 + pair % (half / 2));
        cosines[static_cast<size_t>(position * half + pair)] = std::cos(angle);
        sines[static_cast<size_t>(position * half + pair)] = std::sin(angle);
      }
  }

  std::vector<float> run(const AxialAttentionParams& p, KernelContext& context) const {
    std::vector<float> dst(static_cast<size_t>(p.grid_h * p.grid_w * p.value_channels), NAN);
    axial_attention(p,
                    {q.data(), key_weight.data(), cosines.data(), sines.data(), keys.data(), values.data(),
                     token_keys.data(), token_values.data()},
                    dst.data(), context);
    return dst;
  }
};

// The key of one memory at a position: projected, then turned.
std::vector<double> key_of(const AxialAttentionParams& p, const Data& data, int64_t position, const float* memory) {
  const int64_t half = p.dim / 2, quarter = p.dim / 4;
  std::vector<double> key(static_cast<size_t>(p.dim));
  for (int64_t pair = 0; pair < half; ++pair) {
    const int64_t axis = pair / quarter, i = pair % quarter;
    double first = 0, second = 0;
    for (int64_t c = 0; c <= p.key_channels; ++c) {
      const float* weights = data.key_weight.data() + (axis * (p.key_channels + 1) + c) * half;
      const double channel = c < p.key_channels ? static_cast<double>(memory[c]) : 1.0;
      first += channel * static_cast<double>(weights[i]);
      second += channel * static_cast<double>(weights[quarter + i]);
    }
    const auto at = static_cast<size_t>(position * half + pair);
    const double cosine = data.cosines[at], sine = data.sines[at];
    key[static_cast<size_t>(pair)] = first * cosine - second * sine;
    key[static_cast<size_t>(half + pair)] = first * sine + second * cosine;
  }
  return key;
}

double dot(const float* query, std::span<const double> key) {
  double sum = 0;
  for (size_t i = 0; i < key.size(); ++i) sum += static_cast<double>(query[i]) * key[i];
  return sum;
}

// Straight from the definition, in double.
std::vector<double> expected(const AxialAttentionParams& p, const Data& data) {
  const int64_t grid = p.grid_h * p.grid_w;
  std::vector<std::vector<double>> keys;
  std::vector<const float*> values;
  for (int64_t at = 0; at < grid * p.memories; ++at) {
    keys.push_back(key_of(p, data, at / p.memories, data.keys.data() + at * p.key_channels));
    values.push_back(data.values.data() + at * p.value_channels);
  }
  for (int64_t token = 0; token < p.tokens; ++token) {
    const float* key = data.token_keys.data() + token * p.dim;
    keys.emplace_back(key, key + p.dim);
    values.push_back(data.token_values.data() + token * p.value_channels);
  }
  std::vector<double> dst;
  for (int64_t query = 0; query < grid; ++query) {
    std::vector<double> scores;
    scores.reserve(keys.size());
    for (const std::vector<double>& key : keys) scores.push_back(dot(data.q.data() + query * p.dim, key));
    const double largest = *std::ranges::max_element(scores);
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(static_cast<double>(p.scale) * (score - largest));
    for (int64_t c = 0; c < p.value_channels; ++c) {
      double mixed = 0;
      for (size_t key = 0; key < scores.size(); ++key) mixed += scores[key] * static_cast<double>(values[key][c]);
      dst.push_back(mixed / sum);
    }
  }
  return dst;
}

std::string name_of(const AxialAttentionParams& p) {
  return std::to_string(p.grid_h) + " x " + std::to_string(p.grid_w) + ", dim " + std::to_string(p.dim) + ", " +
         std::to_string(p.memories) + " memories, " + std::to_string(p.tokens) + " tokens";
}

TEST(AxialAttention, is_attention_to_keys_that_are_turned) {
  for (const AxialAttentionParams& p : kCases) {
    const Data data(p);
    const std::vector<double> wanted = expected(p, data);
    for (const Isa& isa : available_isas()) {
      SCOPED_TRACE(std::string(isa.name) + ", " + name_of(p));
      TestContext context(isa, 2);
      const std::vector<float> found = data.run(p, context.get());
      for (size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(found[i], wanted[i], 2e-5) << i;
    }
  }
}

AxialAttentionParams in_bf16(AxialAttentionParams p) {
  p.precision = Precision::kBf16;
  return p;
}

struct Errors {
  double most = 0;
  double root_mean_square = 0;

  template <class Wanted>
  Errors(const std::vector<float>& found, const Wanted& wanted) {
    for (size_t i = 0; i < found.size(); ++i) {
      const double error = std::isnan(found[i]) ? 1e9 : std::abs(static_cast<double>(found[i] - wanted[i]));
      most = std::max(most, error);
      root_mean_square += error * error / static_cast<double>(found.size());
    }
    root_mean_square = std::sqrt(root_mean_square);
  }
};

// Operands that are rounded to bf16 differ by at most 2^-9 of themselves; scores here are of some units, values at
// most 1.
TEST(AxialAttention, in_bf16_is_near_the_exact_one) {
  for (const AxialAttentionParams& p : kCases) {
    const Data data(p);
    const std::vector<double> wanted = expected(p, data);
    for (const Isa& isa : available_bf16_isas()) {
      TestContext context(isa, 2);
      const Errors errors(data.run(in_bf16(p), context.get()), wanted);
      EXPECT_LT(errors.most, 1.5e-2) << isa.name << ", " << name_of(p);
      EXPECT_LT(errors.root_mean_square, 3e-3) << isa.name << ", " << name_of(p);
    }
  }
}

// The scalar variant is what bf16 means. Another one's sums in f32 may differ in their last bits, and then a number
// between two of bf16 may be rounded to the other one.
TEST(AxialAttention, in_bf16_all_variants_round_alike) {
  for (const AxialAttentionParams& p : kCases) {
    const Data data(p);
    TestContext scalar(kScalarIsa, 2);
    const std::vector<float> wanted = data.run(in_bf16(p), scalar.get());
    for (const Isa& isa : available_bf16_isas()) {
      TestContext context(isa, 2);
      const Errors errors(data.run(in_bf16(p), context.get()), wanted);
      EXPECT_LT(errors.most, 0x1p-9) << isa.name << ", " << name_of(p);
      EXPECT_LT(errors.root_mean_square, 1e-4) << isa.name << ", " << name_of(p);
    }
  }
}

TEST(AxialAttention, gives_the_same_bits_for_any_number_of_threads) {
  const AxialAttentionParams& p = kCases[2];
  const Data data(p);
  for (const Isa& isa : available_isas()) {
    TestContext one(isa, 1), three(isa, 3);
    EXPECT_EQ(data.run(p, one.get()), data.run(p, three.get())) << isa.name;
  }
  for (const Isa& isa : available_bf16_isas()) {
    TestContext one(isa, 1), three(isa, 3);
    EXPECT_EQ(data.run(in_bf16(p), one.get()), data.run(in_bf16(p), three.get())) << isa.name;
  }
}

// Scores far apart: softmax is one of them, and nothing overflows.
TEST(AxialAttention, large_scores_give_the_value_of_the_largest) {
  AxialAttentionParams p = kCases[1];
  p.scale = 1e4f;
  const Data data(p);
  const std::vector<double> wanted = expected(p, data);
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> found = data.run(p, context.get());
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_TRUE(std::isfinite(found[i])) << isa.name;
      ASSERT_NEAR(found[i], wanted[i], 5e-2) << isa.name << " " << i;
    }
  }
  for (const Isa& isa : available_bf16_isas()) {
    TestContext context(isa, 2);
    for (const float value : data.run(in_bf16(p), context.get())) {
      ASSERT_TRUE(std::isfinite(value)) << isa.name;
      ASSERT_LE(std::abs(value), 1.01f) << isa.name;
    }
  }
}

TEST(AxialAttention, a_nan_is_not_lost) {
  const AxialAttentionParams& p = kCases[1];
  Data data(p);
  data.q[0] = std::numeric_limits<float>::quiet_NaN();
  data.values[3] = std::numeric_limits<float>::quiet_NaN();
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> found = data.run(p, context.get());
    for (int64_t c = 0; c < p.value_channels; ++c) EXPECT_TRUE(std::isnan(found[static_cast<size_t>(c)])) << isa.name;
    EXPECT_TRUE(std::isnan(found[static_cast<size_t>(p.value_channels + 3)])) << isa.name;
  }
  for (const Isa& isa : available_bf16_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> found = data.run(in_bf16(p), context.get());
    for (int64_t c = 0; c < p.value_channels; ++c) EXPECT_TRUE(std::isnan(found[static_cast<size_t>(c)])) << isa.name;
    EXPECT_TRUE(std::isnan(found[static_cast<size_t>(p.value_channels + 3)])) << isa.name;
  }
}

}  // namespace
}  // namespace samc
