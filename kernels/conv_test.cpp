#include "kernels/conv.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "kernels/batch_matmul.h"
#include "kernels/conv_testing.h"
#include "kernels/deconv2x2.h"
#include "kernels/depthwise_conv.h"
#include "kernels/layer_norm.h"
#include "kernels/testing.h"

namespace samc {
namespace {

double plain_conv_at(const ConvParams& params, const std::vector<float>& src, const std::vector<float>& weight,
                     int64_t y, int64_t x, int64_t out) {
  double sum = 0;
  for_each_product(params, src, weight, y, x, out, [&](double element, float tap) { sum += element * tap; });
  return sum;
}

class Conv : public testing::TestWithParam<Isa> {};

TEST_P(Conv, equals_the_plain_loop) {
  TestContext context(GetParam(), 2);
  std::vector<ConvParams> cases = {
      conv_params(20, 23, 3, 24, 7, 4, 3),   conv_params(9, 8, 5, 17, 3, 2, 1),    conv_params(8, 8, 16, 4, 2, 2, 0),
      conv_params(11, 13, 20, 33, 1, 1, 0),  conv_params(6, 7, 4, 8, 3, 1, 1),     conv_params(2, 2, 3, 5, 7, 1, 3),
      conv_params(40, 41, 3, 96, 7, 4, 3),   conv_params(7, 9, 20, 33, 1, 2, 0),   conv_params(1, 1, 1, 1, 1, 1, 0),
      conv_params(17, 19, 5, 20, 3, 1, 1),   conv_params(33, 70, 1, 4, 3, 2, 1),   conv_params(34, 35, 4, 16, 2, 2, 0),
      conv_params(16, 21, 3, 33, 5, 1, 4),   conv_params(19, 9, 24, 7, 3, 1, 1),   conv_params(16, 16, 1, 4, 2, 2, 0),
      conv_params(12, 90, 3, 48, 9, 4, 2),   conv_params(31, 37, 1, 1, 3, 1, 1),   conv_params(9, 300, 1, 4, 2, 2, 0),
      conv_params(12, 75, 1, 3, 3, 2, 1),    conv_params(7, 45, 2, 5, 3, 1, 2),    conv_params(5, 140, 1, 2, 3, 3, 1),
      conv_params(6, 81, 4, 9, 3, 1, 1),     conv_params(10, 70, 5, 20, 2, 1, 1),  conv_params(9, 58, 4, 40, 3, 2, 1),
      conv_params(13, 19, 16, 256, 1, 1, 0), conv_params(3, 61, 16, 100, 1, 1, 0), conv_params(5, 5, 1, 6, 5, 1, 4),
      conv_params(1, 33, 7, 72, 1, 1, 0),
  };
  ConvParams lopsided = conv_params(9, 10, 6, 16, 3, 2, 0);  // padded below and right only
  lopsided.out_h = 5;
  lopsided.out_w = 5;
  cases.push_back(lopsided);
  for (ConvParams params : cases) {
    for (const bool nchw : {false, true}) {
      params.src_nchw = nchw;
      params.activation = nchw ? Activation::kNone : Activation::kGelu;
      const int64_t k = params.kernel_h * params.kernel_w * params.in_c;
      const std::vector<float> src = random_floats(params.in_h * params.in_w * params.in_c, 1);
      const std::vector<float> weight = random_floats(k * params.out_c, 2);
      const std::vector<float> bias = random_floats(params.out_c, 3);
      const std::vector<float> residual = random_floats(params.out_h * params.out_w * params.out_c, 4);
      std::vector<float> packed(static_cast<size_t>(packed_floats(k, params.out_c)));
      pack_conv_weights(weight.data(), params.out_c, params.in_c, params.kernel_h, params.kernel_w, nchw,
                        packed.data());
      std::vector<float> dst(residual.size());
      conv(params, src.data(), packed.data(), bias.data(), residual.data(), dst.data(), context.get());
      size_t place = 0;
      for (int64_t y = 0; y < params.out_h; ++y) {
        for (int64_t x = 0; x < params.out_w; ++x) {
          for (int64_t c = 0; c < params.out_c; ++c, ++place) {
            const double sum = plain_conv_at(params, src, weight, y, x, c) + bias[static_cast<size_t>(c)];
            ASSERT_NEAR(dst[place], activate(static_cast<float>(sum), params.activation) + residual[place], 1e-4)
                << k << " -> " << params.out_c << (nchw ? " nchw" : " nhwc") << " at " << y << ", " << x << ", " << c;
          }
        }
      }
    }
  }
}

TEST_P(Conv, depthwise_equals_the_plain_loop) {
  TestContext context(GetParam(), 2);
  for (const int64_t channels : {1, 8, 16, 20, 40}) {
    for (const auto& [kernel, stride, pad] : {std::array<int64_t, 3>{7, 1, 3}, {3, 2, 1}, {3, 1, 1}, {1, 1, 0}}) {
      DepthwiseConvParams params;
      params.in_h = 11;
      params.in_w = 29;
      params.in_c = channels;
      params.out_h = (11 + 2 * pad - kernel) / stride + 1;
      params.out_w = (29 + 2 * pad - kernel) / stride + 1;
      params.kernel_h = params.kernel_w = kernel;
      params.stride_h = params.stride_w = stride;
      params.pad_top = params.pad_left = pad;
      const std::vector<float> src = random_floats(11 * 29 * channels, 1);
      const std::vector<float> weight = random_floats(kernel * kernel * channels, 2);
      const std::vector<float> bias = random_floats(channels, 3);
      std::vector<float> dst(static_cast<size_t>(params.out_h * params.out_w * channels));
      for (const bool with_bias : {true, false}) {
        depthwise_conv(params, src.data(), weight.data(), with_bias ? bias.data() : nullptr, dst.data(), context.get());
        size_t place = 0;
        for (int64_t y = 0; y < params.out_h; ++y) {
          for (int64_t x = 0; x < params.out_w; ++x) {
            for (int64_t c = 0; c < channels; ++c, ++place) {
              double sum = with_bias ? bias[static_cast<size_t>(c)] : 0;
              for (int64_t ty = 0; ty < kernel; ++ty) {
                for (int64_t tx = 0; tx < kernel; ++tx) {
                  const int64_t from_y = y * stride - pad + ty;
                  const int64_t from_x = x * stride - pad + tx;
                  if (from_y < 0 || from_y >= 11 || from_x < 0 || from_x >= 29) continue;
                  sum += static_cast<double>(src[static_cast<size_t>((from_y * 29 + from_x) * channels + c)]) *
                         weight[static_cast<size_t>((ty * kernel + tx) * channels + c)];
                }
              }
              ASSERT_NEAR(dst[place], sum, 1e-5) << channels << " channels, " << kernel << "x" << kernel;
            }
          }
        }
      }
    }
  }
}

TEST_P(Conv, deconv2x2_equals_the_plain_loop) {
  TestContext context(GetParam(), 2);
  for (const int64_t out_c : {1, 3, 4, 8, 16, 24, 32, 64}) {
    for (const Activation activation : {Activation::kNone, Activation::kGelu}) {
      for (const bool with_residual : {false, true}) {
        const int64_t h = 5;
        const int64_t w = 7;
        const int64_t in_c = 19;
        const std::vector<float> src = random_floats(h * w * in_c, 1);
        const std::vector<float> weight = random_floats(in_c * out_c * 4, 2);
        const std::vector<float> bias = random_floats(out_c, 3);
        const std::vector<float> residual = random_floats(4 * h * w * out_c, 4);
        std::vector<float> packed(static_cast<size_t>(packed_floats(in_c, 4 * out_c)));
        pack_deconv2x2_weights(weight.data(), in_c, out_c, packed.data());
        std::vector<float> dst(residual.size());
        deconv2x2({h, w, in_c, out_c, activation}, src.data(), packed.data(), bias.data(),
                  with_residual ? residual.data() : nullptr, dst.data(), context.get());
        size_t place = 0;
        for (int64_t y = 0; y < 2 * h; ++y) {
          for (int64_t x = 0; x < 2 * w; ++x) {
            for (int64_t c = 0; c < out_c; ++c, ++place) {
              double sum = bias[static_cast<size_t>(c)] + (with_residual ? residual[place] : 0);
              for (int64_t i = 0; i < in_c; ++i) {
                sum += static_cast<double>(src[static_cast<size_t>((y / 2 * w + x / 2) * in_c + i)]) *
                       weight[static_cast<size_t>((i * out_c + c) * 4 + y % 2 * 2 + x % 2)];
              }
              ASSERT_NEAR(dst[place], activate(static_cast<float>(sum), activation), 1e-5) << out_c << " channels";
            }
          }
        }
      }
    }
  }
}

// Against the same in steps, which give the same sums.
TEST_P(Conv, deconv2x2_with_a_finish_equals_its_steps) {
  TestContext context(GetParam(), 2);
  struct Case {
    int64_t h, w, in_c, out_c, mixes;
    bool norm;
  };
  for (const Case& c : {Case{5, 7, 19, 8, 0, true}, Case{40, 11, 32, 24, 4, false}, Case{3, 130, 16, 32, 3, true},
                        Case{64, 64, 20, 16, 1, false}, Case{1, 1, 3, 8, 17, true}}) {
    const int64_t pixels = 4 * c.h * c.w;
    const std::vector<float> src = random_floats(c.h * c.w * c.in_c, 1), bias = random_floats(c.out_c, 3),
                             residual = random_floats(pixels * c.out_c, 4), norm_weight = random_floats(c.out_c, 5),
                             norm_bias = random_floats(c.out_c, 6), mix = random_floats(c.mixes * c.out_c, 7);
    std::vector<float> packed(static_cast<size_t>(packed_floats(c.in_c, 4 * c.out_c)));
    pack_deconv2x2_weights(random_floats(c.in_c * c.out_c * 4, 2).data(), c.in_c, c.out_c, packed.data());
    const Deconv2x2Params params{c.h, c.w, c.in_c, c.out_c, Activation::kGelu};
    const Deconv2x2Finish finish{c.norm, 1e-6f, norm_weight.data(), norm_bias.data(), c.mixes, mix.data()};
    std::vector<float> got(static_cast<size_t>(c.mixes > 0 ? c.mixes * pixels : pixels * c.out_c), NAN);
    deconv2x2(params, src.data(), packed.data(), bias.data(), residual.data(), got.data(), context.get(), finish);

    Deconv2x2Params first = params;
    if (c.norm) first.activation = Activation::kNone;
    std::vector<float> wanted(residual.size());
    deconv2x2(first, src.data(), packed.data(), bias.data(), residual.data(), wanted.data(), context.get());
    if (c.norm)
      layer_norm({pixels, c.out_c, 1e-6f, Activation::kGelu}, wanted.data(), norm_weight.data(), norm_bias.data(),
                 wanted.data(), context.get());
    if (c.mixes > 0) {
      std::vector<float> mixed(got.size());
      batch_matmul({1, c.mixes, c.out_c, pixels, true, 1}, mix.data(), wanted.data(), mixed.data(), context.get());
      wanted = mixed;
    }
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], wanted[i], 2e-6) << i << " of " << c.h << " x " << c.w;
  }
}

TEST_P(Conv, gives_the_same_bits_for_any_number_of_threads) {
  const ConvParams params = conv_params(40, 50, 3, 20, 7, 4, 3);
  const std::vector<float> src = random_floats(40 * 50 * 3, 1);
  const std::vector<float> packed = random_floats(packed_floats(147, 20), 2);
  const std::vector<float> wide = random_floats(40 * 50 * 32, 3);
  const std::vector<float> deconv_weight = random_floats(packed_floats(32, 64), 4);
  const ConvParams small = conv_params(40, 50, 3, 20, 3, 1, 1);
  const std::vector<float> depthwise_weight = random_floats(7 * 7 * 32, 5);
  std::vector<float> first;
  for (const int threads : {1, 2, 5}) {
    TestContext context(GetParam(), threads);
    std::vector<float> dst(static_cast<size_t>(params.out_h * params.out_w * 20));
    conv(params, src.data(), packed.data(), nullptr, nullptr, dst.data(), context.get());
    std::vector<float> larger(80 * 100 * 16);
    deconv2x2({40, 50, 32, 16}, wide.data(), deconv_weight.data(), nullptr, nullptr, larger.data(), context.get());
    dst.insert(dst.end(), larger.begin(), larger.end());
    std::vector<float> mixed(3 * 80 * 100);
    deconv2x2({40, 50, 32, 16}, wide.data(), deconv_weight.data(), nullptr, nullptr, mixed.data(), context.get(),
              {true, 1e-6f, nullptr, nullptr, 3, wide.data()});
    dst.insert(dst.end(), mixed.begin(), mixed.end());
    std::vector<float> same_size(40 * 50 * 32);
    conv(small, src.data(), packed.data(), nullptr, nullptr, same_size.data(), context.get());
    dst.insert(dst.end(), same_size.begin(), same_size.begin() + 40 * 50 * 20);
    for (const ConvParams& few : {conv_params(200, 110, 1, 4, 3, 2, 1), conv_params(70, 101, 4, 20, 3, 2, 1)}) {
      std::vector<float> few_dst(static_cast<size_t>(few.out_h * few.out_w * few.out_c));
      conv(few, wide.data(), deconv_weight.data(), nullptr, nullptr, few_dst.data(), context.get());
      dst.insert(dst.end(), few_dst.begin(), few_dst.end());
    }
    depthwise_conv({40, 50, 32, 40, 50, 7, 7, 1, 1, 3, 3}, wide.data(), depthwise_weight.data(), nullptr,
                   same_size.data(), context.get());
    dst.insert(dst.end(), same_size.begin(), same_size.end());
    if (first.empty()) first = dst;
    EXPECT_EQ(dst, first);
  }
}

TEST_P(Conv, nan_reaches_the_pixels_that_see_it_and_no_other) {
  TestContext context(GetParam(), 1);
  const ConvParams params = conv_params(9, 9, 4, 16, 3, 1, 1);
  std::vector<float> src = random_floats(9 * 9 * 4, 1);
  src[(4 * 9 + 4) * 4] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> packed = random_floats(packed_floats(36, 16), 2);
  std::vector<float> dst(9 * 9 * 16);
  conv(params, src.data(), packed.data(), nullptr, nullptr, dst.data(), context.get());
  for (int64_t i = 0; i < 9 * 9 * 16; ++i) {
    const bool near = std::abs(i / 16 / 9 - 4) <= 1 && std::abs(i / 16 % 9 - 4) <= 1;
    EXPECT_EQ(std::isnan(dst[static_cast<size_t>(i)]), near) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(, Conv, testing::ValuesIn(available_isas()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace samc
