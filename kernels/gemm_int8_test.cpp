// Products in int8: the scalar variant against a double loop over numbers that are quantised here, and every variant
// against the scalar one, bit for bit where no activation rounds.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/bf16.h"
#include "kernels/matmul.h"
#include "kernels/testing.h"

namespace samc {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A matmul's operands. dst holds what was stored, widened to f32.
struct Product {
  explicit Product(const MatmulParams& p)
      : params(p),
        src(random_floats(p.rows * p.k, 1)),
        weight(random_floats(p.k * p.n, 2)),
        bias(random_floats(p.n, 3)),
        residual(random_floats(p.rows * p.n, 4)) {
    params.precision = Precision::kInt8;
  }

  std::vector<float> run(const Isa& isa, int threads = 1) const {
    TestContext context(isa, threads);
    std::vector<int8_t> packed(static_cast<size_t>(packed_int8(params.k, params.n)), int8_t{77});
    pack_weights_int8(weight.data(), params.k, params.n, WeightOrder::kKByN, packed.data());
    std::vector<uint16_t> narrow_src(src.size());
    std::transform(src.begin(), src.end(), narrow_src.begin(), round_to_bf16);
    const bool is_narrow = params.src_dtype == DType::kBF16, gives_narrow = params.dst_dtype == DType::kBF16;
    std::vector<float> dst(static_cast<size_t>(params.rows * params.n), -7);
    std::vector<uint16_t> narrow_dst(dst.size());
    matmul(params, is_narrow ? static_cast<const void*>(narrow_src.data()) : src.data(), packed.data(),
           bias.empty() ? nullptr : bias.data(), residual.empty() ? nullptr : residual.data(),
           gives_narrow ? static_cast<void*>(narrow_dst.data()) : dst.data(), context.get());
    if (gives_narrow) std::transform(narrow_dst.begin(), narrow_dst.end(), dst.begin(), bf16_to_f32);
    return dst;
  }

  // What the product should be, and how far rounding in f32 may take it from there.
  void check(const std::vector<float>& got) const {
    for (int64_t row = 0; row < params.rows; ++row) {
      std::vector<double> a(static_cast<size_t>(params.k));
      for (int64_t i = 0; i < params.k; ++i) {
        const float value = src[static_cast<size_t>(row * params.k + i)];
        a[static_cast<size_t>(i)] = params.src_dtype == DType::kBF16 ? rounded_to_bf16(value) : value;
      }
      if (params.normalise) {
        double mean = 0, variance = 0;
        for (const double value : a) mean += value / static_cast<double>(params.k);
        for (const double value : a) variance += (value - mean) * (value - mean) / static_cast<double>(params.k);
        for (double& value : a) value = (value - mean) / std::sqrt(variance + params.eps);
      }
      const double high = std::max(0.0, *std::ranges::max_element(a)),
                   low = std::min(0.0, *std::ranges::min_element(a));
      const double step = (high - low) / 255;
      for (int64_t column = 0; column < params.n; ++column) {
        double largest = 0, sum = 0, magnitudes = 0;
        for (int64_t i = 0; i < params.k; ++i)
          largest = std::max<double>(largest, std::abs(weight[static_cast<size_t>(i * params.n + column)]));
        const double scale = largest / 127;
        for (int64_t i = 0; i < params.k; ++i) {
          const double w = scale > 0 ? std::nearbyint(weight[static_cast<size_t>(i * params.n + column)] / scale) : 0;
          const double x = step > 0 ? std::nearbyint(a[static_cast<size_t>(i)] / step) : 0;
          sum += x * w * step * scale;
          magnitudes += std::abs(x * w * step * scale);
        }
        // A number between two steps may fall to either, by the last bits of f32: that is one step.
        const double tolerance = 2e-6 * magnitudes + 2 * step * largest + 1e-6;
        const auto place = static_cast<size_t>(row * params.n + column);
        double expected = activate(static_cast<float>(sum + (bias.empty() ? 0 : bias[static_cast<size_t>(column)])),
                                   params.activation);
        if (!residual.empty()) expected += residual[place];
        const double rounding = params.dst_dtype == DType::kBF16 ? std::abs(expected) * 0x1p-8 : 0;
        ASSERT_NEAR(got[place], expected, 1.13 * tolerance + rounding) << "row " << row << ", column " << column;
      }
    }
  }

  MatmulParams params;
  std::vector<float> src, weight, bias, residual;
};

// The same numbers, NaN at the same places.
void expect_same(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i]) && std::isnan(got[i])) continue;
    ASSERT_EQ(got[i], expected[i]) << "element " << i;
  }
}

class GemmInt8 : public testing::TestWithParam<Isa> {};

TEST(GemmInt8Scalar, is_the_product_of_quantised_operands) {
  for (const int64_t k : {1, 7, 8, 60, 96, 147}) {
    for (const bool normalise : {false, true}) {
      for (const Activation activation : {Activation::kNone, Activation::kGelu}) {
        for (const DType dtype : {DType::kF32, DType::kBF16}) {
          MatmulParams params{9, k, 35, normalise, 1e-6f, activation};
          if (!normalise) params.src_dtype = dtype;
          params.dst_dtype = dtype;
          Product product(params);
          for (float& value : product.src) value = value * 2 + 0.5f;  // rows that are not symmetric
          product.check(product.run(kScalarIsa));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(GemmInt8, gives_the_bits_of_the_scalar_variant) {
  for (const int64_t rows : {1, 6, 13, 14, 29}) {
    for (const int64_t k : {1, 8, 31, 56, 64, 96, 200}) {
      for (const int64_t n : {1, 16, 17, 48, 70}) {
        for (const bool normalise : {false, true}) {
          MatmulParams params{rows, k, n, normalise, 1e-6f, n == 48 ? Activation::kRelu : Activation::kNone};
          params.src_dtype = normalise || n == 17 ? DType::kF32 : DType::kBF16;
          params.dst_dtype = n == 70 ? DType::kBF16 : DType::kF32;
          Product product(params);
          for (float& value : product.src) value = value * 3 + 1;
          if (n == 16) product.bias.clear();
          if (n == 17) product.residual.clear();
          SCOPED_TRACE(fmt::format("{} x {} x {}, normalise {}", rows, k, n, normalise));
          expect_same(product.run(GetParam()), product.run(kScalarIsa));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(GemmInt8, activations_are_those_of_the_scalar_variant_but_for_rounding) {
  for (const Activation activation : {Activation::kGelu, Activation::kSigmoid}) {
    for (const DType dst_dtype : {DType::kF32, DType::kBF16}) {
      MatmulParams params{20, 40, 37, true, 1e-6f, activation};
      params.dst_dtype = dst_dtype;
      const Product product(params);
      const std::vector<float> got = product.run(GetParam()), expected = product.run(kScalarIsa);
      for (size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], expected[i], (dst_dtype == DType::kF32 ? 1e-6 : 0x1p-8) * (1 + std::abs(expected[i])));
    }
  }
}

// 255 times 127 and -127, as often as sums can be: what saturates at 16 bits gives something else.
TEST_P(GemmInt8, sums_at_the_extremes_are_exact) {
  for (const int64_t k : {64, 4096}) {
    for (const float sign : {1.0f, -1.0f}) {
      Product product(MatmulParams{15, k, 33});
      product.residual.clear();
      product.bias.clear();
      // Steps 255 and, where rows begin with -1, 0 and 255 in turns.
      for (int64_t i = 0; i < 15 * k; ++i)
        product.src[static_cast<size_t>(i)] = i / k % 2 == 0 || i % 2 == 0 ? 255.0f : -255.0f;
      for (int64_t i = 0; i < k * 33; ++i)
        product.weight[static_cast<size_t>(i)] = i % 33 % 2 == 0   ? sign * 127
                                                 : i / 33 % 2 == 0 ? sign * 127
                                                                   : -sign * 127;
      const std::vector<float> got = product.run(GetParam());
      for (int64_t i = 0; i < 15 * 33; ++i) {
        double expected = 0;
        for (int64_t j = 0; j < k; ++j)
          expected += static_cast<double>(product.src[static_cast<size_t>(i / 33 * k + j)]) *
                      product.weight[static_cast<size_t>(j * 33 + i % 33)];
        // In steps of 2 a row from -255 to 255 has no middle: half a step is lost of each element.
        const double lost = i / 33 % 2 == 0 ? 0 : static_cast<double>(k) * 127;
        ASSERT_NEAR(got[static_cast<size_t>(i)], expected, 1e-6 * std::abs(expected) + lost) << "element " << i;
      }
      expect_same(got, product.run(kScalarIsa));
    }
  }
}

TEST_P(GemmInt8, gives_the_same_bits_for_any_number_of_threads) {
  for (const int64_t rows : {1, 9, 333}) {
    MatmulParams params{rows, 192, 180, true, 1e-5f, Activation::kGelu};
    params.dst_dtype = DType::kBF16;
    const Product product(params);
    const std::vector<float> first = product.run(GetParam());
    for (const int threads : {2, 3, 5}) EXPECT_EQ(product.run(GetParam(), threads), first);
  }
}

TEST_P(GemmInt8, what_is_not_finite_makes_its_row_or_column_nan) {
  for (const bool normalise : {false, true}) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      for (const int64_t place : {0, 3, 19, 39}) {
        Product product(MatmulParams{20, 40, 24, normalise, 1e-6f});
        product.src[static_cast<size_t>(5 * 40 + place)] = bad;
        product.weight[static_cast<size_t>(place * 24 + 7)] = bad;
        const std::vector<float> dst = product.run(GetParam());
        for (int64_t i = 0; i < 20 * 24; ++i)
          EXPECT_EQ(std::isnan(dst[static_cast<size_t>(i)]), i / 24 == 5 || i % 24 == 7) << i;
      }
    }
  }
}

TEST_P(GemmInt8, a_row_or_column_of_zeros_gives_bias_and_residual) {
  for (const float nothing : {0.0f, -0.0f, 1e-40f}) {
    Product product(MatmulParams{16, 40, 24});
    for (int64_t i = 0; i < 40; ++i) {
      product.src[static_cast<size_t>(5 * 40 + i)] = nothing;
      product.weight[static_cast<size_t>(i * 24 + 7)] = nothing;
    }
    const std::vector<float> dst = product.run(GetParam());
    for (size_t i = 0; i < dst.size(); ++i) {
      const float without = product.bias[i % 24] + product.residual[i];
      EXPECT_EQ(dst[i] == without, i / 24 == 5 || i % 24 == 7) << i;
    }
  }
}

TEST_P(GemmInt8, the_largest_numbers_stay_finite) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  Product product(MatmulParams{2, 2, 3});
  product.src = {kLargest, -kLargest, kLargest, 0};
  product.weight = {1e-3f, 0, 1e-3f, 1e-3f, 0, -1e-3f};
  const std::vector<float> dst = product.run(GetParam());
  const double step = 2.0 * kLargest / 255;
  EXPECT_NEAR(dst[0], 0, step * 2e-3);
  EXPECT_EQ(dst[1], product.bias[1] + product.residual[1]);
  EXPECT_NEAR(dst[2], kLargest * 2e-3, step * 2e-3);
  EXPECT_NEAR(dst[3], kLargest * 1e-3, step * 1e-3);
}

TEST_P(GemmInt8, takes_unaligned_pointers) {
  Product product(MatmulParams{15, 40, 33});
  std::vector<int8_t> packed(static_cast<size_t>(packed_int8(40, 33)) + 1);
  pack_weights_int8(product.weight.data(), 40, 33, WeightOrder::kKByN, packed.data() + 1);
  std::vector<float> dst(15 * 33);
  TestContext context(GetParam(), 1);
  matmul(product.params, product.src.data(), packed.data() + 1, product.bias.data(), product.residual.data(),
         dst.data(), context.get());
  expect_same(dst, product.run(GetParam()));
}

TEST(PackInt8, holds_whole_numbers_then_sums_and_scales) {
  constexpr int64_t kK = 5, kN = 17;
  const std::vector<float> weight = random_floats(kK * kN, 9);
  for (const WeightOrder order : {WeightOrder::kKByN, WeightOrder::kNByK}) {
    std::vector<int8_t> packed(static_cast<size_t>(packed_int8(kK, kN)));
    ASSERT_EQ(packed.size(), size_t{32 * (8 + 8)});
    pack_weights_int8(weight.data(), kK, kN, order, packed.data());
    for (int64_t column = 0; column < 32; ++column) {
      const int8_t* panel = packed.data() + column / 16 * 16 * 16;
      int32_t sum = 0, stored_sum = 0;
      float scale = 0, stored_scale = 0;
      for (int64_t row = 0; row < kK && column < kN; ++row)
        scale = std::max(
            scale,
            std::abs(weight[static_cast<size_t>(order == WeightOrder::kKByN ? row * kN + column : column * kK + row)]) /
                127);
      for (int64_t row = 0; row < 8; ++row) {
        const int stored = panel[row / 4 * 64 + column % 16 * 4 + row % 4];
        const bool is_there = row < kK && column < kN;
        const float value =
            is_there ? weight[static_cast<size_t>(order == WeightOrder::kKByN ? row * kN + column : column * kK + row)]
                     : 0;
        EXPECT_NEAR(static_cast<float>(stored) * scale, value, scale * 0.5001f);
        sum += stored;
      }
      std::memcpy(&stored_sum, panel + 8 * 16 + column % 16 * 4, 4);
      std::memcpy(&stored_scale, panel + 12 * 16 + column % 16 * 4, 4);
      EXPECT_EQ(stored_sum, sum);
      EXPECT_FLOAT_EQ(stored_scale, scale);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, GemmInt8, testing::ValuesIn(available_int8_isas()),
                         [](const auto& variant) { return std::string(variant.param.name); });

}  // namespace
}  // namespace samc
