#include "kernels/axial_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
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
  std::vector<float> q, by_column, by_row, keys, values, token_keys, token_values;

  explicit Data(const AxialAttentionParams& p)
      : q(random_floats(p.grid_h * p.grid_w * p.dim, 1)),
        by_column(random_floats(p.grid_w * (p.key_channels + 1) * p.dim / 2, 2)),
        by_row(random_floats(p.grid_h * (p.key_channels + 1) * p.dim / 2, 3)),
        keys(random_floats(p.grid_h * p.grid_w * p.memories * p.key_channels, 4)),
        values(random_floats(p.grid_h * p.grid_w * p.memories * p.value_channels, 5)),
        token_keys(random_floats(p.tokens * p.dim, 6)),
        token_values(random_floats(p.tokens * p.value_channels, 7)) {}

  std::vector<float> run(const AxialAttentionParams& p, KernelContext& context) const {
    std::vector<float> dst(static_cast<size_t>(p.grid_h * p.grid_w * p.value_channels), NAN);
    axial_attention(p, q.data(), by_column.data(), by_row.data(), keys.data(), values.data(), token_keys.data(),
                    token_values.data(), dst.data(), context);
    return dst;
  }
};

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Straight from the definition, in double: the keys are made of the tables.
std::vector<double> expected(const AxialAttentionParams& p, const Data& data) {
  const int64_t grid = p.grid_h * p.grid_w, half = p.dim / 2, quarter = p.dim / 4, rows = p.key_channels + 1;
  std::vector<double> dst;
  for (int64_t query = 0; query < grid; ++query) {
    const float* q = data.q.data() + query * p.dim;
    std::vector<float> columns, lines;  // q's halves of pairs by the key's column, and by its row
    for (const int64_t first : {int64_t{0}, half}) {
      columns.insert(columns.end(), q + first, q + first + quarter);
      lines.insert(lines.end(), q + first + quarter, q + first + half);
    }
    std::vector<double> scores;
    std::vector<const float*> values;
    for (int64_t position = 0; position < grid; ++position) {
      const float* by_column = data.by_column.data() + position % p.grid_w * rows * half;
      const float* by_row = data.by_row.data() + position / p.grid_w * rows * half;
      for (int64_t memory = 0; memory < p.memories; ++memory) {
        const int64_t at = position * p.memories + memory;
        const auto product = [&](int64_t c) {
          return dot(by_column + c * half, columns.data(), half) + dot(by_row + c * half, lines.data(), half);
        };
        double score = product(p.key_channels);
        for (int64_t c = 0; c < p.key_channels; ++c)
          score += product(c) * static_cast<double>(data.keys[static_cast<size_t>(at * p.key_channels + c)]);
        scores.push_back(score);
        values.push_back(data.values.data() + at * p.value_channels);
      }
    }
    for (int64_t token = 0; token < p.tokens; ++token) {
      scores.push_back(dot(q, data.token_keys.data() + token * p.dim, p.dim));
      values.push_back(data.token_values.data() + token * p.value_channels);
    }
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

TEST(AxialAttention, gives_the_same_bits_for_any_number_of_threads) {
  const AxialAttentionParams& p = kCases[2];
  const Data data(p);
  for (const Isa& isa : available_isas()) {
    TestContext one(isa, 1), three(isa, 3);
    EXPECT_EQ(data.run(p, one.get()), data.run(p, three.get())) << isa.name;
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
}

}  // namespace
}  // namespace samc
