#include "kernels/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/softmax.h"
#include "kernels/testing.h"

namespace samc {
namespace {

std::vector<float> run(const LayerNormParams& p, const std::vector<float>& src, const std::vector<float>& weight,
                       const std::vector<float>& bias, KernelContext& context) {
  std::vector<float> dst(src.size());
  layer_norm(p, src.data(), weight.empty() ? nullptr : weight.data(), bias.empty() ? nullptr : bias.data(), dst.data(),
             context);
  return dst;
}

TEST(LayerNorm, MatchesTheDefinition) {
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    for (const int64_t c : {1, 3, 16, 17, 96, 100, 256, 768}) {
      for (const int64_t rows : {0, 1, 5, 300}) {
        // A large mean makes a variance from the mean of squares useless.
        for (const float shift : {0.0f, 1000.0f}) {
          std::vector<float> src = random_floats(rows * c, 1);
          for (float& x : src) x += shift;
          const std::vector<float> weight = random_floats(c, 2);
          const std::vector<float> bias = random_floats(c, 3);
          const LayerNormParams params{rows, c, 1e-6f, c == 96 ? Activation::kGelu : Activation::kNone};
          const std::vector<float> got = run(params, src, weight, bias, context.get());
          const std::vector<float> plain = run({rows, c, 1e-6f}, src, {}, {}, context.get());
          for (int64_t r = 0; r < rows; ++r) {
            const float* row = src.data() + r * c;
            double mean = 0;
            for (int64_t i = 0; i < c; ++i) mean += static_cast<double>(row[i]) / static_cast<double>(c);
            double variance = 0;
            for (int64_t i = 0; i < c; ++i) variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(c);
            for (int64_t i = 0; i < c; ++i) {
              const auto at = static_cast<size_t>(r * c + i);
              const double value = (row[i] - mean) / std::sqrt(variance + 1e-6);
              // The mean is off by a rounding error of its own size, which matters where the variance is small.
              const double tolerance = 4e-6 + 3e-7 * shift / std::sqrt(variance + 1e-6);
              ASSERT_NEAR(plain[at], value, tolerance) << isa.name << ", c " << c;
              const auto column = static_cast<size_t>(i);
              const float want = activate(static_cast<float>(value) * weight[column] + bias[column], params.activation);
              ASSERT_NEAR(got[at], want, tolerance) << isa.name << ", c " << c;
            }
          }
        }
      }
    }
  }
}

TEST(LayerNorm, NanStaysInItsRow) {
  std::vector<float> src = random_floats(3 * 20, 1);
  src[25] = std::numeric_limits<float>::quiet_NaN();
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 1);
    const std::vector<float> got = run({3, 20}, src, {}, {}, context.get());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isnan(got[i]), i / 20 == 1) << isa.name;
  }
}

TEST(Softmax, MatchesTheDefinition) {
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    for (const int64_t c : {1, 2, 15, 16, 33, 1000}) {
      for (const float magnitude : {1.0f, 1e3f, 1e30f}) {
        std::vector<float> src = random_floats(40 * c, 1);
        for (float& x : src) x *= magnitude;
        std::vector<float> got(src.size());
        const float scale = 0.25f;
        softmax({40, c, scale}, src.data(), got.data(), context.get());
        for (int64_t r = 0; r < 40; ++r) {
          const float* row = src.data() + r * c;
          double largest = -INFINITY;
          for (int64_t i = 0; i < c; ++i) largest = std::max(largest, static_cast<double>(row[i] * scale));
          double sum = 0;
          for (int64_t i = 0; i < c; ++i) sum += std::exp(row[i] * scale - largest);
          for (int64_t i = 0; i < c; ++i) {
            const double want = std::exp(row[i] * scale - largest) / sum;
            ASSERT_NEAR(got[static_cast<size_t>(r * c + i)], want, 5e-7 + 1e-6 * want) << isa.name << ", c " << c;
          }
        }
      }
    }
  }
}

TEST(Softmax, NanStaysInItsRowAndInPlaceWorks) {
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    std::vector<float> src = random_floats(3 * 20, 1);
    src[25] = std::numeric_limits<float>::quiet_NaN();
    softmax({3, 20, 1}, src.data(), src.data(), context.get());
    for (size_t i = 0; i < src.size(); ++i) ASSERT_EQ(std::isnan(src[i]), i / 20 == 1) << isa.name;
  }
}

}  // namespace
}  // namespace samc
