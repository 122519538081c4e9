#include "kernels/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/testing.h"

namespace samc {
namespace {

TEST(MaxPool, MatchesTheDefinition) {
  TestContext context(kScalarIsa, 2);
  for (const MaxPoolParams& p : {MaxPoolParams{6, 8, 5, 5, 0, 2, 2, 2, 2}, MaxPoolParams{7, 9, 3, 11, 4, 2, 2, 2, 2},
                                 MaxPoolParams{7, 9, 2, 2, 0, 3, 2, 1, 3}, MaxPoolParams{2, 2, 1, 1, 0, 2, 2, 2, 2},
                                 MaxPoolParams{1, 1, 1, 1, 0, 2, 2, 2, 2}}) {
    const int64_t out_h = p.in_h < p.kernel_h ? 0 : (p.in_h - p.kernel_h) / p.stride_h + 1;
    const int64_t out_w = p.in_w < p.kernel_w ? 0 : (p.in_w - p.kernel_w) / p.stride_w + 1;
    const std::vector<float> src = random_floats(p.in_h * p.in_w * p.pitch, 1);
    std::vector<float> dst(static_cast<size_t>(out_h * out_w * p.c));
    max_pool(p, src.data(), dst.data(), context.get());
    for (int64_t y = 0; y < out_h; ++y)
      for (int64_t x = 0; x < out_w; ++x)
        for (int64_t c = 0; c < p.c; ++c) {
          float want = -INFINITY;
          for (int64_t i = 0; i < p.kernel_h; ++i)
            for (int64_t j = 0; j < p.kernel_w; ++j) {
              const int64_t pixel = (y * p.stride_h + i) * p.in_w + x * p.stride_w + j;
              want = std::max(want, src[static_cast<size_t>(pixel * p.pitch + p.offset + c)]);
            }
          ASSERT_EQ(dst[static_cast<size_t>((y * out_w + x) * p.c + c)], want);
        }
  }
}

TEST(MaxPool, NanWinsWhereverItStands) {
  TestContext context(kScalarIsa, 1);
  for (size_t place = 0; place < 4; ++place) {
    std::vector<float> src{1, 2, 3, 4};
    src[place] = std::numeric_limits<float>::quiet_NaN();
    float dst = 0;
    max_pool({2, 2, 1, 1, 0, 2, 2, 2, 2}, src.data(), &dst, context.get());
    EXPECT_TRUE(std::isnan(dst)) << place;
  }
}

// The largest of bf16 numbers is one of them: exactly what f32 gives. Zeros, infinities and NaN of both signs too.
TEST(MaxPool, InBf16IsThatOfTheNumbers) {
  TestContext context(kScalarIsa, 2);
  for (const MaxPoolParams& p : {MaxPoolParams{6, 8, 5, 5, 0, 2, 2, 2, 2}, MaxPoolParams{7, 9, 19, 40, 4, 2, 2, 2, 2},
                                 MaxPoolParams{7, 9, 2, 2, 0, 3, 2, 1, 3}, MaxPoolParams{1, 1, 1, 1, 0, 2, 2, 2, 2}}) {
    const int64_t out_h = p.in_h < p.kernel_h ? 0 : (p.in_h - p.kernel_h) / p.stride_h + 1;
    const int64_t out_w = p.in_w < p.kernel_w ? 0 : (p.in_w - p.kernel_w) / p.stride_w + 1;
    std::vector<float> src = random_floats(p.in_h * p.in_w * p.pitch, 1);
    constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
    const float special[] = {0.0f, -kInfinity, kInfinity, kNan, -kNan};
    for (size_t i = 0; i < src.size(); i += 11) src[i] = special[i / 11 % 5];
    std::vector<uint16_t> bits(src.size());
    for (size_t i = 0; i < src.size(); ++i) {
      bits[i] = f32_to_bf16(src[i]);
      src[i] = bf16_to_f32(bits[i]);
    }
    std::vector<float> wanted(static_cast<size_t>(out_h * out_w * p.c));
    std::vector<uint16_t> given(wanted.size());
    max_pool(p, src.data(), wanted.data(), context.get());
    max_pool(p, bits.data(), given.data(), context.get());
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (std::isnan(wanted[i])) {
        ASSERT_TRUE(std::isnan(bf16_to_f32(given[i]))) << i;
      } else {
        ASSERT_EQ(bf16_to_f32(given[i]), wanted[i]) << i;
      }
    }
  }
}

TEST(UpsampleNearest, WithAndWithoutResidual) {
  TestContext context(kScalarIsa, 2);
  for (const int64_t scale : {1, 2, 3}) {
    const std::vector<float> src = random_floats(3 * 4 * 5, 1);
    const std::vector<float> residual = random_floats(3 * 4 * 5 * scale * scale, 2);
    std::vector<float> plain(residual.size());
    std::vector<float> sum = residual;
    upsample_nearest({3, 4, 5, scale}, src.data(), nullptr, plain.data(), context.get());
    upsample_nearest({3, 4, 5, scale}, src.data(), sum.data(), sum.data(), context.get());
    for (int64_t y = 0; y < 3 * scale; ++y)
      for (int64_t x = 0; x < 4 * scale; ++x)
        for (int64_t c = 0; c < 5; ++c) {
          const float want = src[static_cast<size_t>((y / scale * 4 + x / scale) * 5 + c)];
          const auto at = static_cast<size_t>((y * 4 * scale + x) * 5 + c);
          ASSERT_EQ(plain[at], want);
          ASSERT_EQ(sum[at], want + residual[at]);
        }
  }
}

TEST(InterpLinear, MatchesTheDefinition) {
  TestContext context(kScalarIsa, 2);
  for (const InterpLinearParams& p :
       {InterpLinearParams{2, 4, 5, 16, 20}, InterpLinearParams{1, 8, 8, 8, 8}, InterpLinearParams{3, 9, 7, 4, 5},
        InterpLinearParams{1, 1, 1, 3, 4}, InterpLinearParams{2, 5, 6, 11, 3, 4}, InterpLinearParams{0, 5, 6, 11, 3}}) {
    const std::vector<float> src = random_floats(p.planes * p.in_h * p.in_w * p.c, 1);
    std::vector<float> dst(static_cast<size_t>(p.planes * p.out_h * p.out_w * p.c));
    interp_linear(p, src.data(), dst.data(), context.get());
    const auto pixel = [&](int64_t plane, int64_t y, int64_t x, int64_t c) {
      y = std::clamp<int64_t>(y, 0, p.in_h - 1);
      x = std::clamp<int64_t>(x, 0, p.in_w - 1);
      return static_cast<double>(src[static_cast<size_t>(((plane * p.in_h + y) * p.in_w + x) * p.c + c)]);
    };
    for (int64_t plane = 0; plane < p.planes; ++plane)
      for (int64_t y = 0; y < p.out_h; ++y)
        for (int64_t x = 0; x < p.out_w; ++x)
          for (int64_t c = 0; c < p.c; ++c) {
            const double sy = std::max(
                0.0, (static_cast<double>(y) + 0.5) * static_cast<double>(p.in_h) / static_cast<double>(p.out_h) - 0.5);
            const double sx = std::max(
                0.0, (static_cast<double>(x) + 0.5) * static_cast<double>(p.in_w) / static_cast<double>(p.out_w) - 0.5);
            const auto y0 = static_cast<int64_t>(sy);
            const auto x0 = static_cast<int64_t>(sx);
            const double wy = sy - std::floor(sy);
            const double wx = sx - std::floor(sx);
            const double want = (1 - wy) * ((1 - wx) * pixel(plane, y0, x0, c) + wx * pixel(plane, y0, x0 + 1, c)) +
                                wy * ((1 - wx) * pixel(plane, y0 + 1, x0, c) + wx * pixel(plane, y0 + 1, x0 + 1, c));
            ASSERT_NEAR(dst[static_cast<size_t>(((plane * p.out_h + y) * p.out_w + x) * p.c + c)], want, 3e-6);
          }
  }
}

// What torch.nn.functional.interpolate(mode="bilinear", align_corners=False) gives for [[0, 1], [2, 3]] to 4 x 4.
TEST(InterpLinear, KnownValues) {
  TestContext context(kScalarIsa, 1);
  const std::vector<float> src{0, 1, 2, 3};
  std::vector<float> dst(16);
  interp_linear({1, 2, 2, 4, 4}, src.data(), dst.data(), context.get());
  EXPECT_EQ(dst, (std::vector<float>{0, 0.25f, 0.75f, 1, 0.5f, 0.75f, 1.25f, 1.5f, 1.5f, 1.75f, 2.25f, 2.5f, 2, 2.25f,
                                     2.75f, 3}));
}

}  // namespace
}  // namespace samc
