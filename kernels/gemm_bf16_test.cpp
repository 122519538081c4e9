// Products in bf16: matmul, conv and deconv2x2, each variant against a double product of the rounded operands. So the
// tolerance is that of sums in f32: 1e-5 of the sum of magnitudes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/bf16.h"
#include "kernels/conv_testing.h"
#include "kernels/deconv2x2.h"
#include "kernels/matmul.h"
#include "kernels/testing.h"

namespace samc {
namespace {

constexpr double kOfMagnitudes = 1e-5;

float rounded(float value) { return bf16_to_f32(round_to_bf16(value)); }

std::vector<uint16_t> to_bf16(const std::vector<float>& values) {
  std::vector<uint16_t> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), round_to_bf16);
  return result;
}

// Values in the type that a kernel wants.
class Typed {
 public:
  Typed(const std::vector<float>& values, DType dtype) : dtype_(dtype), f32_(values), bf16_(to_bf16(values)) {}
  void* data() { return dtype_ == DType::kF32 ? static_cast<void*>(f32_.data()) : bf16_.data(); }
  std::vector<float> values() const {
    if (dtype_ == DType::kF32) return f32_;
    std::vector<float> result(bf16_.size());
    std::transform(bf16_.begin(), bf16_.end(), result.begin(), bf16_to_f32);
    return result;
  }

 private:
  DType dtype_;
  std::vector<float> f32_;
  std::vector<uint16_t> bf16_;
};

// An element of dst, exactly, and the sum of magnitudes that its rounding errors go with.
struct Expected {
  double value = 0;
  double magnitude = 0;

  void add(double product) {
    value += product;
    magnitude += std::abs(product);
  }
};

// All activations here have a slope of at most 1.13.
void expect_near(float got, const Expected& expected, DType dtype, int64_t place) {
  const double rounding = dtype == DType::kBF16 ? std::abs(expected.value) * 0x1p-8 : 0;
  ASSERT_NEAR(got, expected.value, kOfMagnitudes * expected.magnitude + rounding) << "element " << place;
}

struct Types {
  DType src;
  DType dst;
};
constexpr Types kAllTypes[] = {
    {DType::kF32, DType::kF32}, {DType::kF32, DType::kBF16}, {DType::kBF16, DType::kF32}, {DType::kBF16, DType::kBF16}};

class GemmBf16 : public testing::TestWithParam<Isa> {};

// A matmul's operands and what it should give.
struct Product {
  Product(const MatmulParams& p, bool with_bias, bool with_residual)
      : params(p),
        src(random_floats(p.rows * p.k, 1)),
        weight(random_floats(p.k * p.n, 2)),
        bias(with_bias ? random_floats(p.n, 3) : std::vector<float>()),
        residual(with_residual ? random_floats(p.rows * p.n, 4) : std::vector<float>()) {
    params.precision = Precision::kBf16;
  }

  std::vector<uint16_t> packed() const {
    std::vector<uint16_t> result(static_cast<size_t>(packed_bf16(params.k, params.n)), uint16_t{0x7fc0});
    pack_weights_bf16(weight.data(), params.k, params.n, WeightOrder::kKByN, result.data());
    return result;
  }

  std::vector<float> run(KernelContext& context) const {
    Typed typed_src(src, params.src_dtype);
    const std::vector<uint16_t> weights = packed();
    // dst is residual where it can be: the plan may run a residual sum in place.
    const bool in_place = !residual.empty() && params.dst_dtype == DType::kF32;
    Typed dst(in_place ? residual : std::vector<float>(static_cast<size_t>(params.rows * params.n), -7),
              params.dst_dtype);
    const float* added = residual.empty() ? nullptr : in_place ? static_cast<float*>(dst.data()) : residual.data();
    matmul(params, typed_src.data(), weights.data(), bias.empty() ? nullptr : bias.data(), added, dst.data(), context);
    return dst.values();
  }

  std::vector<float> rounded_row(int64_t row) const {
    std::vector<float> values(src.begin() + row * params.k, src.begin() + (row + 1) * params.k);
    if (params.normalise) {
      double mean = 0, variance = 0;
      for (const float value : values) mean += value / static_cast<double>(params.k);
      for (const float value : values) variance += (value - mean) * (value - mean) / static_cast<double>(params.k);
      for (float& value : values) value = static_cast<float>((value - mean) / std::sqrt(variance + params.eps));
    }
    std::transform(values.begin(), values.end(), values.begin(), rounded);
    return values;
  }

  void check(const std::vector<float>& got, double more_of_magnitudes = 0) const {
    for (int64_t row = 0; row < params.rows; ++row) {
      const std::vector<float> a = rounded_row(row);
      for (int64_t column = 0; column < params.n; ++column) {
        Expected expected;
        if (!bias.empty()) expected.add(bias[static_cast<size_t>(column)]);
        for (int64_t i = 0; i < params.k; ++i) {
          expected.add(static_cast<double>(a[static_cast<size_t>(i)]) *
                       rounded(weight[static_cast<size_t>(i * params.n + column)]));
        }
        expected.value = activate(static_cast<float>(expected.value), params.activation);
        const int64_t place = row * params.n + column;
        if (!residual.empty()) expected.add(residual[static_cast<size_t>(place)]);
        expected.magnitude *= 1 + more_of_magnitudes / kOfMagnitudes;
        expect_near(got[static_cast<size_t>(place)], expected, params.dst_dtype, place);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }

  MatmulParams params;
  std::vector<float> src, weight, bias, residual;
};

TEST_P(GemmBf16, matmul_equals_the_product_of_rounded_operands) {
  TestContext context(GetParam(), 2);
  for (const int64_t rows : {1, 2, 5, 14, 15, 16, 17, 31, 32, 33, 35, 70}) {
    for (const int64_t k : {1, 2, 15, 31, 32, 33, 64, 96, 130}) {
      for (const int64_t n : {1, 16, 17, 31, 32, 33, 96, 127}) {
        for (const Types& types : kAllTypes) {
          MatmulParams params{rows, k, n};
          params.src_dtype = types.src;
          params.dst_dtype = types.dst;
          const Product product(params, true, false);
          SCOPED_TRACE(fmt::format("{} x {} x {}, {} to {}", rows, k, n, dtype_name(types.src), dtype_name(types.dst)));
          product.check(product.run(context.get()));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(GemmBf16, matmul_applies_norm_activation_and_residual) {
  TestContext context(GetParam(), 2);
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu, Activation::kSigmoid}) {
    for (const int64_t n : {5, 32, 70}) {
      for (const bool normalise : {false, true}) {
        for (const bool with_bias : {false, true}) {
          for (const DType dst : {DType::kF32, DType::kBF16}) {
            MatmulParams params{37, 77, n, normalise, 1e-6f, activation};
            params.dst_dtype = dst;
            Product product(params, with_bias, true);
            if (normalise)
              for (float& value : product.src) value += 3;  // a mean that normalisation must remove
            // A norm that differs in its last bits may round an element the other way: 2^-8 of that one's product.
            product.check(product.run(context.get()), normalise ? 0x1p-8 / 8 : 0);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST_P(GemmBf16, matmul_multiplies_a_long_k_in_parts) {
  for (const int64_t k : {6401, 6402, 7200, 8192}) {  // 8192 is packed: its rows share a cache set
    for (const int64_t n : {5, 40}) {
      MatmulParams params{37, k, n, false, 0, Activation::kRelu};
      params.src_dtype = DType::kBF16;
      const Product product(params, true, true);
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 3}) {
        TestContext context(GetParam(), threads);
        results.push_back(product.run(context.get()));
        product.check(results.back());
        if (HasFatalFailure()) return;
      }
      EXPECT_EQ(results[0], results[1]) << k;
    }
  }
}

TEST_P(GemmBf16, gives_the_same_bits_for_any_number_of_threads) {
  for (const int64_t rows : {1, 9, 33, 333}) {
    for (const Types& types : kAllTypes) {
      MatmulParams params{rows, 192, 180, types.src == DType::kF32, 1e-5f, Activation::kGelu};
      params.src_dtype = types.src;
      params.dst_dtype = types.dst;
      const Product product(params, true, true);
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 2, 3, 5}) {
        TestContext context(GetParam(), threads);
        results.push_back(product.run(context.get()));
      }
      for (const std::vector<float>& result : results) EXPECT_EQ(result, results[0]);
    }
  }
}

TEST_P(GemmBf16, a_row_does_not_depend_on_how_many_rows_there_are) {
  TestContext context(GetParam(), 1);
  for (const Types& types : kAllTypes) {
    MatmulParams many{70, 64, 100};
    many.src_dtype = types.src;
    many.dst_dtype = types.dst;
    const std::vector<float> all = Product(many, true, false).run(context.get());
    for (int64_t rows = 1; rows <= 40; ++rows) {
      MatmulParams few = many;
      few.rows = rows;
      const std::vector<float> some = Product(few, true, false).run(context.get());
      EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows << " rows";
    }
  }
}

TEST_P(GemmBf16, keeps_nan_and_infinity_in_their_rows) {
  TestContext context(GetParam(), 1);
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu, Activation::kSigmoid}) {
    for (const bool normalise : {false, true}) {
      for (const DType dst_dtype : {DType::kF32, DType::kBF16}) {
        MatmulParams params{40, 20, 24, normalise, 1e-6f, activation};
        params.dst_dtype = dst_dtype;
        Product product(params, true, false);
        product.src[5 * 20 + 3] = std::numeric_limits<float>::quiet_NaN();
        const std::vector<float> dst = product.run(context.get());
        for (int64_t i = 0; i < 40 * 24; ++i) EXPECT_EQ(std::isnan(dst[static_cast<size_t>(i)]), i / 24 == 5) << i;
      }
    }
  }
  for (const Types& types : kAllTypes) {
    for (const int64_t k : {20, 32}) {
      MatmulParams params{3, k, 24};
      params.src_dtype = types.src;
      params.dst_dtype = types.dst;
      Product product(params, false, false);
      product.src[static_cast<size_t>(k)] = std::numeric_limits<float>::infinity();
      const std::vector<float> dst = product.run(context.get());
      for (int64_t i = 0; i < 3 * 24; ++i) EXPECT_EQ(std::isinf(dst[static_cast<size_t>(i)]), i / 24 == 1) << i;
    }
  }
}

// Rounding alone never makes an infinity, neither of an operand nor of a result, and rounds to nearest even.
TEST_P(GemmBf16, what_is_finite_stays_finite) {
  TestContext context(GetParam(), 1);
  constexpr float kLargest = std::numeric_limits<float>::max();
  const float largest_bf16 = bf16_to_f32(0x7f7f);
  std::vector<float> values = {kLargest, -kLargest, 0x1.fep127f, 0x1.ff0000p127f, 0x1.fefffep127f, -0x1.ffp127f,
                               1.0f,     0x1.01p0f, 0x1.03p0f,   0x1.010002p0f,   -0x1.01p0f,      0x1.02p0f};
  const auto count = static_cast<int64_t>(values.size());
  std::vector<float> expected(values.size());
  std::transform(values.begin(), values.end(), expected.begin(), rounded);
  ASSERT_EQ(expected[0], largest_bf16);
  ASSERT_EQ(expected[1], -largest_bf16);
  ASSERT_EQ(expected[7], 1.0f);
  ASSERT_EQ(expected[8], 0x1.04p0f);
  // Each a row by itself, times 1; then each as residual, so that the result is what is rounded.
  for (const bool as_residual : {false, true}) {
    for (const DType dst_dtype : {DType::kF32, DType::kBF16}) {
      if (as_residual && dst_dtype == DType::kF32) continue;
      for (const int64_t n : {1, 16, 33}) {
        MatmulParams params{count, 1, n};
        params.dst_dtype = dst_dtype;
        Product product(params, false, as_residual);
        std::fill(product.weight.begin(), product.weight.end(), as_residual ? 0.0f : 1.0f);
        if (as_residual) {
          for (size_t i = 0; i < product.residual.size(); ++i) {
            product.residual[i] = values[i / static_cast<size_t>(n)];
          }
        } else {
          product.src = values;
        }
        const std::vector<float> dst = product.run(context.get());
        for (size_t i = 0; i < dst.size(); ++i) EXPECT_EQ(dst[i], expected[i / static_cast<size_t>(n)]) << i;
      }
    }
  }
}

// The result of a bf16 dst comes from shorter fits: within 5e-4 of GELU, beside its rounding of at most 2^-8.
TEST_P(GemmBf16, gelu_is_the_exact_one_within_its_rounding) {
  TestContext context(GetParam(), 1);
  constexpr int64_t kCount = 24001;
  MatmulParams params{1, 1, kCount, false, 0, Activation::kGelu};
  for (const DType dst_dtype : {DType::kF32, DType::kBF16}) {
    params.dst_dtype = dst_dtype;
    Product product(params, true, false);
    product.src[0] = 0;  // so that bias is what GELU is taken of
    for (int64_t i = 0; i < kCount; ++i) {
      product.bias[static_cast<size_t>(i)] = static_cast<float>(i - kCount / 2) * 1e-3f;
    }
    const std::vector<float> dst = product.run(context.get());
    for (size_t i = 0; i < dst.size(); ++i) {
      const double x = product.bias[i];
      const double expected = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
      const double tolerance = dst_dtype == DType::kF32 ? 2e-7 * std::max(1.0, std::abs(x))
                                                        : (0x1p-8 + 5e-4) * std::abs(expected) + (x < -5 ? 1e-7 : 0);
      ASSERT_NEAR(dst[i], expected, tolerance) << "at " << x;
    }
  }
}

TEST_P(GemmBf16, takes_unaligned_pointers) {
  TestContext context(GetParam(), 1);
  for (const int64_t k : {34, 64}) {
    MatmulParams params{37, k, 50};
    params.src_dtype = params.dst_dtype = DType::kBF16;
    const Product product(params, true, false);
    const auto shifted = [](const std::vector<uint16_t>& bits) {
      std::vector<uint16_t> result(bits.size() + 1);
      std::copy(bits.begin(), bits.end(), result.begin() + 1);
      return result;
    };
    const std::vector<uint16_t> src = shifted(to_bf16(product.src)), packed = shifted(product.packed());
    std::vector<uint16_t> dst(37 * 50 + 1);
    matmul(product.params, src.data() + 1, packed.data() + 1, product.bias.data(), nullptr, dst.data() + 1,
           context.get());
    std::vector<float> got(37 * 50);
    std::transform(dst.begin() + 1, dst.end(), got.begin(), bf16_to_f32);
    product.check(got);
  }
}

// Of the rounded operands.
Expected plain_conv_at(const ConvParams& params, const std::vector<float>& src, const std::vector<float>& weight,
                       int64_t y, int64_t x, int64_t out) {
  Expected sum;
  for_each_product(params, src, weight, y, x, out,
                   [&](float element, float tap) { sum.add(static_cast<double>(rounded(element)) * rounded(tap)); });
  return sum;
}

TEST_P(GemmBf16, conv_equals_the_plain_loop) {
  const ConvParams cases[] = {
      conv_params(20, 23, 3, 24, 7, 4, 3),  conv_params(9, 8, 5, 17, 3, 2, 1),    conv_params(8, 8, 16, 4, 2, 2, 0),
      conv_params(11, 13, 20, 33, 1, 1, 0), conv_params(6, 7, 32, 8, 3, 1, 1),    conv_params(40, 41, 3, 96, 7, 4, 3),
      conv_params(12, 70, 32, 33, 3, 1, 1), conv_params(17, 19, 64, 20, 3, 2, 1), conv_params(12, 40, 2, 18, 3, 1, 1),
      conv_params(9, 50, 4, 4, 2, 2, 0),    conv_params(13, 19, 32, 40, 1, 1, 0), conv_params(10, 45, 34, 16, 3, 1, 1),
  };
  for (ConvParams params : cases) {
    params.precision = Precision::kBf16;
    const int64_t k = params.kernel_h * params.kernel_w * params.in_c;
    const std::vector<float> src = random_floats(params.in_h * params.in_w * params.in_c, 1);
    const std::vector<float> weight = random_floats(k * params.out_c, 2);
    const std::vector<float> bias = random_floats(params.out_c, 3);
    const std::vector<float> residual = random_floats(params.out_h * params.out_w * params.out_c, 4);
    for (const bool nchw : {false, true}) {
      params.src_nchw = nchw;
      params.activation = nchw ? Activation::kNone : Activation::kRelu;
      std::vector<uint16_t> packed(static_cast<size_t>(packed_bf16(k, params.out_c)));
      pack_conv_weights_bf16(weight.data(), params.out_c, params.in_c, params.kernel_h, params.kernel_w, nchw,
                             packed.data());
      for (const Types& types : kAllTypes) {
        params.src_dtype = types.src;
        params.dst_dtype = types.dst;
        std::vector<std::vector<float>> results;
        for (const int threads : {1, 2, 3}) {
          TestContext context(GetParam(), threads);
          Typed typed_src(src, types.src), dst(residual, types.dst);
          conv(params, typed_src.data(), packed.data(), bias.data(), residual.data(), dst.data(), context.get());
          results.push_back(dst.values());
        }
        EXPECT_EQ(results[0], results[1]);
        EXPECT_EQ(results[0], results[2]);
        SCOPED_TRACE(fmt::format("{} -> {}{}, {} to {}", k, params.out_c, nchw ? " nchw" : " nhwc",
                                 dtype_name(types.src), dtype_name(types.dst)));
        int64_t place = 0;
        for (int64_t y = 0; y < params.out_h; ++y) {
          for (int64_t x = 0; x < params.out_w; ++x) {
            for (int64_t c = 0; c < params.out_c; ++c, ++place) {
              Expected expected = plain_conv_at(params, src, weight, y, x, c);
              expected.add(bias[static_cast<size_t>(c)]);
              expected.value = activate(static_cast<float>(expected.value), params.activation);
              expected.add(residual[static_cast<size_t>(place)]);
              expect_near(results[0][static_cast<size_t>(place)], expected, types.dst, place);
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

TEST_P(GemmBf16, deconv2x2_equals_the_plain_loop) {
  constexpr int64_t kHeight = 5, kWidth = 7;
  for (const int64_t in_c : {19, 64}) {
    for (const int64_t out_c : {1, 3, 4, 8, 24, 32}) {
      for (const bool with_residual : {false, true}) {
        for (const Types& types : kAllTypes) {
          const std::vector<float> src = random_floats(kHeight * kWidth * in_c, 1);
          const std::vector<float> weight = random_floats(in_c * out_c * 4, 2);
          const std::vector<float> bias = random_floats(out_c, 3);
          const std::vector<float> residual = random_floats(4 * kHeight * kWidth * out_c, 4);
          std::vector<uint16_t> packed(static_cast<size_t>(packed_bf16(in_c, 4 * out_c)));
          pack_deconv2x2_weights_bf16(weight.data(), in_c, out_c, packed.data());
          const Deconv2x2Params params{kHeight,           kWidth,           in_c,      out_c,
                                       Activation::kRelu, Precision::kBf16, types.src, types.dst};
          TestContext context(GetParam(), 2);
          Typed typed_src(src, types.src), dst(residual, types.dst);
          deconv2x2(params, typed_src.data(), packed.data(), bias.data(), with_residual ? residual.data() : nullptr,
                    dst.data(), context.get());
          const std::vector<float> got = dst.values();
          SCOPED_TRACE(fmt::format("{} -> {} channels", in_c, out_c));
          int64_t place = 0;
          for (int64_t y = 0; y < 2 * kHeight; ++y) {
            for (int64_t x = 0; x < 2 * kWidth; ++x) {
              for (int64_t c = 0; c < out_c; ++c, ++place) {
                Expected expected;
                expected.add(bias[static_cast<size_t>(c)]);
                if (with_residual) expected.add(residual[static_cast<size_t>(place)]);
                for (int64_t i = 0; i < in_c; ++i) {
                  expected.add(
                      static_cast<double>(rounded(src[static_cast<size_t>((y / 2 * kWidth + x / 2) * in_c + i)])) *
                      rounded(weight[static_cast<size_t>((i * out_c + c) * 4 + y % 2 * 2 + x % 2)]));
                }
                expected.value = activate(static_cast<float>(expected.value), params.activation);
                expect_near(got[static_cast<size_t>(place)], expected, types.dst, place);
                if (HasFatalFailure()) return;
              }
            }
          }
        }
      }
    }
  }
}

TEST(PackWeightsBf16, lays_pairs_of_k_side_by_side) {
  const std::vector<float> k_by_n = random_floats(5 * 19, 7);
  std::vector<float> n_by_k(k_by_n.size());
  for (size_t row = 0; row < 5; ++row) {
    for (size_t column = 0; column < 19; ++column) n_by_k[column * 5 + row] = k_by_n[row * 19 + column];
  }
  ASSERT_EQ(packed_bf16(5, 19), 2 * 16 * 32);
  ASSERT_EQ(packed_bf16(33, 16), 16 * 64);
  std::vector<uint16_t> first(1024, 1), second(1024, 2);
  pack_weights_bf16(k_by_n.data(), 5, 19, WeightOrder::kKByN, first.data());
  pack_weights_bf16(n_by_k.data(), 5, 19, WeightOrder::kNByK, second.data());
  EXPECT_EQ(first, second);
  for (size_t panel = 0; panel < 2; ++panel) {
    for (size_t row = 0; row < 32; ++row) {
      for (size_t lane = 0; lane < 16; ++lane) {
        const size_t column = panel * 16 + lane;
        const uint16_t expected = row < 5 && column < 19 ? f32_to_bf16(k_by_n[row * 19 + column]) : uint16_t{0};
        EXPECT_EQ(first[panel * 512 + row / 2 * 32 + lane * 2 + row % 2], expected) << row << ", " << column;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, GemmBf16, testing::ValuesIn(available_bf16_isas()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace samc
