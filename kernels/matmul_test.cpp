#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/batch_matmul.h"
#include "kernels/gemm.h"
#include "kernels/testing.h"

namespace samc {
namespace {

struct Operands {
  explicit Operands(const MatmulParams& params)
      : src(random_floats(params.rows * params.k, 1)),
        weight(random_floats(params.k * params.n, 2)),
        bias(random_floats(params.n, 3)),
        residual(random_floats(params.rows * params.n, 4)),
        packed(static_cast<size_t>(packed_floats(params.k, params.n))) {
    pack_weights(weight.data(), params.k, params.n, WeightOrder::kKByN, packed.data());
  }
  std::vector<float> src, weight, bias, residual, packed;
};

std::vector<float> plain_matmul(const MatmulParams& params, const Operands& operands, bool bias, bool residual) {
  std::vector<float> dst(static_cast<size_t>(params.rows * params.n));
  std::vector<double> row(static_cast<size_t>(params.k));
  for (int64_t r = 0; r < params.rows; ++r) {
    double mean = 0;
    double variance = 0;
    for (int64_t i = 0; i < params.k; ++i)
      row[static_cast<size_t>(i)] = operands.src[static_cast<size_t>(r * params.k + i)];
    for (const double value : row) mean += value / static_cast<double>(params.k);
    for (const double value : row) variance += (value - mean) * (value - mean) / static_cast<double>(params.k);
    if (params.normalise) {
      for (double& value : row) value = (value - mean) / std::sqrt(variance + static_cast<double>(params.eps));
    }
    for (int64_t c = 0; c < params.n; ++c) {
      double sum = bias ? operands.bias[static_cast<size_t>(c)] : 0;
      for (int64_t i = 0; i < params.k; ++i) {
        sum += row[static_cast<size_t>(i)] * operands.weight[static_cast<size_t>(i * params.n + c)];
      }
      const auto place = static_cast<size_t>(r * params.n + c);
      dst[place] = activate(static_cast<float>(sum), params.activation) + (residual ? operands.residual[place] : 0);
    }
  }
  return dst;
}

void expect_near_all(const std::vector<float>& got, const std::vector<float>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], tolerance) << "element " << i;
}

class Matmul : public testing::TestWithParam<Isa> {};

TEST_P(Matmul, equals_the_plain_product_for_many_shapes) {
  TestContext context(GetParam(), 2);
  for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 29, 100}) {
    for (const int64_t k : {1, 4, 15, 16, 17, 96, 130}) {
      for (const int64_t n : {1, 4, 8, 15, 16, 17, 32, 40, 48, 96, 127, 255}) {
        const MatmulParams params{rows, k, n};
        const Operands operands(params);
        std::vector<float> dst(static_cast<size_t>(rows * n), -7);
        matmul(params, operands.src.data(), operands.packed.data(), operands.bias.data(), nullptr, dst.data(),
               context.get());
        SCOPED_TRACE(fmt::format("{} x {} x {}", rows, k, n));
        expect_near_all(dst, plain_matmul(params, operands, true, false), 1e-6 * std::sqrt(static_cast<double>(k)) * 4);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(Matmul, applies_norm_activation_and_residual) {
  TestContext context(GetParam(), 2);
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu, Activation::kSigmoid}) {
    for (const int64_t rows : {1, 3, 20}) {
      for (const int64_t n : {5, 32, 70}) {
        for (const bool normalise : {false, true}) {
          for (const bool with_bias : {false, true}) {
            const MatmulParams params{rows, 77, n, normalise, 1e-6f, activation};
            Operands operands(params);
            for (float& value : operands.src) value += 3;  // a mean that normalisation must remove
            const std::vector<float> expected = plain_matmul(params, operands, with_bias, true);
            // dst is residual: the plan may run a residual sum in place.
            std::vector<float> dst = operands.residual;
            matmul(params, operands.src.data(), operands.packed.data(), with_bias ? operands.bias.data() : nullptr,
                   dst.data(), dst.data(), context.get());
            expect_near_all(dst, expected, 1e-4);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST_P(Matmul, multiplies_a_long_k_in_parts) {
  for (const int64_t k : {3201, 3600, 4096, 4608}) {  // 4096 is packed: its rows share a cache set
    for (const int64_t n : {5, 40}) {
      const MatmulParams params{31, k, n, false, 0, Activation::kRelu};
      const Operands operands(params);
      const std::vector<float> expected = plain_matmul(params, operands, true, true);
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 3}) {
        TestContext context(GetParam(), threads);
        std::vector<float> dst = operands.residual;
        matmul(params, operands.src.data(), operands.packed.data(), operands.bias.data(), dst.data(), dst.data(),
               context.get());
        expect_near_all(dst, expected, 1e-6 * std::sqrt(static_cast<double>(k)) * 4);
        results.push_back(dst);
      }
      EXPECT_EQ(results[0], results[1]) << k;
    }
  }
}

TEST_P(Matmul, takes_unaligned_pointers) {
  TestContext context(GetParam(), 1);
  const MatmulParams params{17, 33, 50};
  const Operands operands(params);
  const auto shifted = [](const std::vector<float>& values) {
    std::vector<float> result(values.size() + 1);
    std::copy(values.begin(), values.end(), result.begin() + 1);
    return result;
  };
  std::vector<float> dst(static_cast<size_t>(17 * 50 + 1));
  matmul(params, shifted(operands.src).data() + 1, shifted(operands.packed).data() + 1,
         shifted(operands.bias).data() + 1, shifted(operands.residual).data() + 1, dst.data() + 1, context.get());
  dst.erase(dst.begin());
  expect_near_all(dst, plain_matmul(params, operands, true, true), 1e-5);
}

TEST_P(Matmul, gives_the_same_bits_for_any_number_of_threads) {
  for (const int64_t rows : {1, 9, 333}) {
    const MatmulParams params{rows, 200, 180, true, 1e-5f, Activation::kGelu};
    const Operands operands(params);
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 3, 5}) {
      TestContext context(GetParam(), threads);
      std::vector<float> dst(static_cast<size_t>(rows * params.n));
      matmul(params, operands.src.data(), operands.packed.data(), operands.bias.data(), operands.residual.data(),
             dst.data(), context.get());
      results.push_back(dst);
    }
    for (const std::vector<float>& result : results) EXPECT_EQ(result, results[0]);
  }
}

TEST_P(Matmul, a_row_does_not_depend_on_how_many_rows_there_are) {
  TestContext context(GetParam(), 1);
  const MatmulParams many{30, 64, 100};
  const Operands operands(many);
  std::vector<float> all(30 * 100);
  matmul(many, operands.src.data(), operands.packed.data(), nullptr, nullptr, all.data(), context.get());
  for (int64_t rows = 1; rows <= 16; ++rows) {
    const MatmulParams few{rows, 64, 100};
    std::vector<float> some(static_cast<size_t>(rows * 100));
    matmul(few, operands.src.data(), operands.packed.data(), nullptr, nullptr, some.data(), context.get());
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows << " rows";
  }
}

TEST_P(Matmul, keeps_nan_and_infinity_in_their_rows) {
  TestContext context(GetParam(), 1);
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu, Activation::kSigmoid}) {
    for (const bool normalise : {false, true}) {
      const MatmulParams params{16, 20, 24, normalise, 1e-6f, activation};
      Operands operands(params);
      operands.src[5 * 20 + 3] = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> dst(16 * 24);
      matmul(params, operands.src.data(), operands.packed.data(), operands.bias.data(), nullptr, dst.data(),
             context.get());
      for (int64_t i = 0; i < 16 * 24; ++i) EXPECT_EQ(std::isnan(dst[static_cast<size_t>(i)]), i / 24 == 5) << i;
    }
  }
  const MatmulParams params{3, 20, 24};
  Operands operands(params);
  operands.src[20] = std::numeric_limits<float>::infinity();
  std::vector<float> dst(3 * 24);
  matmul(params, operands.src.data(), operands.packed.data(), nullptr, nullptr, dst.data(), context.get());
  for (int64_t i = 0; i < 3 * 24; ++i) EXPECT_EQ(std::isinf(dst[static_cast<size_t>(i)]), i / 24 == 1) << i;
}

TEST_P(Matmul, gelu_is_the_exact_one) {
  TestContext context(GetParam(), 1);
  constexpr int64_t kCount = 20001;
  const MatmulParams params{1, 1, kCount, false, 0, Activation::kGelu};
  std::vector<float> weight(kCount);
  for (int64_t i = 0; i < kCount; ++i) weight[static_cast<size_t>(i)] = static_cast<float>(i - kCount / 2) * 1e-3f;
  std::vector<float> packed(static_cast<size_t>(packed_floats(1, kCount)));
  pack_weights(weight.data(), 1, kCount, WeightOrder::kKByN, packed.data());
  const float one = 1;
  std::vector<float> dst(kCount);
  matmul(params, &one, packed.data(), nullptr, nullptr, dst.data(), context.get());
  for (size_t i = 0; i < dst.size(); ++i) {
    const double x = weight[i];
    const double expected = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    ASSERT_NEAR(dst[i], expected, 2e-7 * std::max(1.0, std::abs(x))) << "at " << x;
  }
}

TEST_P(Matmul, batched_equals_the_plain_product) {
  TestContext context(GetParam(), 2);
  for (const int64_t m : {1, 4, 15, 40}) {
    for (const int64_t k : {1, 8, 17, 32, 40}) {
      for (const int64_t n : {1, 7, 16, 33, 100, 1030}) {
        for (const bool transpose : {false, true}) {
          const BatchMatmulParams params{2, m, k, n, transpose, 0.25f};
          const std::vector<float> a = random_floats(2 * m * k, 5);
          const std::vector<float> b = random_floats(2 * k * n, 6);
          std::vector<float> dst(static_cast<size_t>(2 * m * n), -7);
          batch_matmul(params, a.data(), b.data(), dst.data(), context.get());
          for (int64_t i = 0; i < 2 * m * n; ++i) {
            const int64_t item = i / (m * n);
            const int64_t row = i / n % m;
            const int64_t column = i % n;
            double sum = 0;
            for (int64_t j = 0; j < k; ++j) {
              const int64_t place = item * k * n + (transpose ? column * k + j : j * n + column);
              sum +=
                  static_cast<double>(a[static_cast<size_t>((item * m + row) * k + j)]) * b[static_cast<size_t>(place)];
            }
            ASSERT_NEAR(dst[static_cast<size_t>(i)], 0.25 * sum, 1e-5) << m << " x " << k << " x " << n << ", " << i;
          }
        }
      }
    }
  }
}

TEST_P(Matmul, is_empty_when_there_are_no_rows) {
  TestContext context(GetParam(), 2);
  const MatmulParams params{0, 8, 8};
  matmul(params, nullptr, nullptr, nullptr, nullptr, nullptr, context.get());
  batch_matmul({1, 0, 8, 8}, nullptr, nullptr, nullptr, context.get());
}

TEST(PackWeights, both_orders_give_the_same_panels) {
  const std::vector<float> k_by_n = random_floats(5 * 19, 7);
  std::vector<float> n_by_k(k_by_n.size());
  for (size_t row = 0; row < 5; ++row) {
    for (size_t column = 0; column < 19; ++column) n_by_k[column * 5 + row] = k_by_n[row * 19 + column];
  }
  ASSERT_EQ(packed_floats(5, 19), 2 * 16 * 5);
  std::vector<float> first(160, -1);
  std::vector<float> second(160, -2);
  pack_weights(k_by_n.data(), 5, 19, WeightOrder::kKByN, first.data());
  pack_weights(n_by_k.data(), 5, 19, WeightOrder::kNByK, second.data());
  EXPECT_EQ(first, second);
  EXPECT_EQ(first[0], k_by_n[0]);
  EXPECT_EQ(first[16], k_by_n[19]);
  EXPECT_EQ(first[80 + 2], k_by_n[18]);
  EXPECT_EQ(first[80 + 3], 0);
}

// Sets of which none includes the other have no order but the list's.
TEST(KernelVariants, the_first_whose_needs_are_met_runs) {
  const Isa tiles{"amx", {CpuFeature::kAmxTile, CpuFeature::kAmxInt8}};
  const Isa vnni{"avx512_vnni", {CpuFeature::kAvx2, CpuFeature::kAvx512, CpuFeature::kAvx512Vnni}};
  using Function = int();
  const KernelVariant<Function> list[] = {
      {tiles, nullptr}, {vnni, nullptr}, {kAvx512Isa, nullptr}, {kAvx2Isa, nullptr}, {kScalarIsa, nullptr}};
  const KernelVariants<Function> variants{"made_up", list};
  const auto name = [&](const CpuFeatures& allowed) { return std::string(variants.chosen(allowed).needs.name); };
  CpuFeatures both = vnni.features;
  both.add(tiles.features);
  EXPECT_EQ(name(both), "amx");
  EXPECT_EQ(name(tiles.features), "amx");
  EXPECT_EQ(name({CpuFeature::kAvx2, CpuFeature::kAmxTile}), "avx2");  // tiles alone, without int8
  EXPECT_EQ(name(vnni.features), "avx512_vnni");
  EXPECT_EQ(name(kAvx512Isa.features), "avx512");
  EXPECT_EQ(name({CpuFeature::kNeon}), "scalar");

  TestContext context(Isa{"all", both}, 1);
  variants.choose(context.get());
  EXPECT_EQ(context.get().ran, tiles.features);
  context.get().isa = kAvx2Isa;
  variants.choose(context.get());
  EXPECT_EQ(context.get().ran.to_string(), "avx2+amx+amx_int8");
}

INSTANTIATE_TEST_SUITE_P(, Matmul, testing::ValuesIn(available_isas()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace samc
