#include "kernels/token_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/testing.h"

namespace samc {
namespace {

struct Case {
  TokenAttentionParams params;
  bool key_bias = true;
  bool bias = true;
  bool residual = true;
  bool position = false;
};

std::string name_of(const Case& c) {
  const TokenAttentionParams& p = c.params;
  return std::to_string(p.rows) + " rows of " + std::to_string(p.k) + ", " + std::to_string(p.tokens) + " tokens, " +
         std::to_string(p.heads) + " heads, " + std::to_string(p.n) + " columns";
}

struct Data {
  std::vector<float> src, keys, key_bias, values, bias, residual, position, norm_weight, norm_bias;

  explicit Data(const TokenAttentionParams& p)
      : src(random_floats(p.rows * p.k, 1)),
        keys(random_floats(p.heads * p.tokens * p.k, 2)),
        key_bias(random_floats(p.heads * p.tokens, 3)),
        values(random_floats(p.heads * p.tokens * p.n, 4)),
        bias(random_floats(p.n, 5)),
        residual(random_floats(p.rows * p.n, 6)),
        position(random_floats(p.rows * p.k, 7)),
        norm_weight(random_floats(p.n, 8)),
        norm_bias(random_floats(p.n, 9)) {}

  std::vector<float> run(const Case& c, KernelContext& context) const {
    std::vector<float> dst(static_cast<size_t>(c.params.rows * c.params.n), NAN);
    TokenAttentionOperands operands{src.data(), keys.data(), values.data(), dst.data()};
    if (c.key_bias) operands.key_bias = key_bias.data();
    if (c.bias) operands.bias = bias.data();
    if (c.residual) operands.residual = residual.data();
    if (c.position) operands.position = position.data();
    if (c.params.norm) {
      operands.norm_weight = norm_weight.data();
      operands.norm_bias = norm_bias.data();
    }
    token_attention(c.params, operands, context);
    return dst;
  }
};

// Straight from the definition, in double.
std::vector<double> expected(const Case& c, const Data& data) {
  const TokenAttentionParams& p = c.params;
  std::vector<double> dst(static_cast<size_t>(p.rows * p.n));
  for (int64_t row = 0; row < p.rows; ++row) {
    double* out = &dst[static_cast<size_t>(row * p.n)];
    for (int64_t i = 0; i < p.n; ++i) {
      if (c.bias) out[i] += data.bias[static_cast<size_t>(i)];
      if (c.residual) out[i] += data.residual[static_cast<size_t>(row * p.n + i)];
    }
    for (int64_t head = 0; head < p.heads; ++head) {
      std::vector<double> weights;
      double largest = -INFINITY, sum = 0;
      for (int64_t token = 0; token < p.tokens; ++token) {
        const int64_t key = head * p.tokens + token;
        double score = c.key_bias ? data.key_bias[static_cast<size_t>(key)] : 0.0;
        for (int64_t i = 0; i < p.k; ++i) {
          const auto place = static_cast<size_t>(row * p.k + i);
          score += (static_cast<double>(data.src[place]) + (c.position ? data.position[place] : 0.0f)) *
                   data.keys[static_cast<size_t>(key * p.k + i)];
        }
        weights.push_back(score * p.scale);
        largest = std::max(largest, weights.back());
      }
      for (double& weight : weights) sum += weight = std::exp(weight - largest);
      for (int64_t token = 0; token < p.tokens; ++token)
        for (int64_t i = 0; i < p.n; ++i)
          out[i] += weights[static_cast<size_t>(token)] / sum *
                    data.values[static_cast<size_t>((head * p.tokens + token) * p.n + i)];
    }
    if (!p.norm) continue;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < p.n; ++i) mean += out[i] / static_cast<double>(p.n);
    for (int64_t i = 0; i < p.n; ++i) variance += (out[i] - mean) * (out[i] - mean) / static_cast<double>(p.n);
    for (int64_t i = 0; i < p.n; ++i)
      out[i] = (out[i] - mean) / std::sqrt(variance + p.eps) * data.norm_weight[static_cast<size_t>(i)] +
               data.norm_bias[static_cast<size_t>(i)];
  }
  return dst;
}

TEST(TokenAttention, MatchesTheDefinition) {
  for (const Case& c : {
           Case{{300, 256, 256, 8, 8, 0.25f}},
           Case{{113, 64, 40, 8, 7, 0.25f}, false, true, false},
           Case{{1, 3, 5, 1, 1, 1.0f}, true, false, true},
           Case{{15, 33, 17, 2, 9, 2.0f}, false, false, false},
           Case{{40, 32, 32, 16, 3, 0.5f}},
           Case{{40, 32, 32, 4, 21, 0.5f}},
           Case{{300, 256, 256, 8, 8, 0.25f, true, 1e-5f}, true, true, true, true},
           Case{{17, 5, 33, 4, 3, 0.5f}, true, false, true, true},
           Case{{230, 16, 24, 2, 3, 0.5f, true, 1e-6f}, true, true, false, false},
       }) {
    const Data data(c.params);
    const std::vector<double> wanted = expected(c, data);
    for (const Isa& isa : available_isas()) {
      TestContext context(isa, 2);
      const std::vector<float> got = data.run(c, context.get());
      double worst = 0;
      for (size_t i = 0; i < wanted.size(); ++i)
        worst = std::max(worst, std::isnan(got[i]) ? 1e9 : std::abs(got[i] - wanted[i]));
      EXPECT_LT(worst, 5e-6) << name_of(c) << ", " << isa.name;
    }
  }
}

TEST(TokenAttention, SameBitsForAnyNumberOfThreads) {
  const Case c{{700, 64, 48, 8, 11, 0.25f, true, 1e-6f}, true, true, true, true};
  const Data data(c.params);
  for (const Isa& isa : available_isas()) {
    TestContext one(isa, 1);
    TestContext three(isa, 3);
    EXPECT_EQ(data.run(c, one.get()), data.run(c, three.get())) << isa.name;
  }
}

TEST(TokenAttention, NanStaysInItsRowAndHugeScoresDoNotOverflow) {
  const Case c{{40, 16, 32, 8, 5, 0.25f}};
  Data data(c.params);
  for (size_t i = 0; i < 16; ++i) data.src[3 * 16 + i] *= 1e20f;
  data.src[7 * 16 + 2] = std::numeric_limits<float>::quiet_NaN();
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    const std::vector<float> got = data.run(c, context.get());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isnan(got[i]), i / 32 == 7) << isa.name << " at " << i;
  }
}

}  // namespace
}  // namespace samc
