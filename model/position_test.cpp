#include "model/position.h"

#include <gtest/gtest.h>

namespace samc {
namespace {

// Values of torch.nn.functional.interpolate(mode="bicubic") and of the official PositionEmbeddingRandom.

TEST(Position, BicubicAsPyTorch) {
  Tensor source({1, 2, 3, 4});
  for (int64_t i = 0; i < source.count(); ++i)
    source.f32()[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 11) / 10.0f;
  const Tensor resized = resize_bicubic(source.view(), 7, 5);
  ASSERT_EQ(resized.shape(), (Shape{1, 2, 7, 5}));
  const float expected[7][5] = {// of the second channel
                                {0.31372952f, 0.81087840f, 0.46674106f, 0.06650164f, 0.46963543f},
                                {0.45302951f, 0.71131521f, 0.43077642f, 0.21905679f, 0.59266758f},
                                {0.77454513f, 0.49216923f, 0.35558480f, 0.57057554f, 0.87736100f},
                                {0.94252515f, 0.35120004f, 0.29687500f, 0.75569999f, 1.02429986f},
                                {0.72206706f, 0.43969122f, 0.30310676f, 0.51809746f, 0.82488298f},
                                {0.36381665f, 0.62210226f, 0.34156358f, 0.12984394f, 0.50345463f},
                                {0.20279647f, 0.69994551f, 0.35580823f, -0.04443147f, 0.35870239f}};
  for (size_t y = 0; y < 7; ++y)
    for (size_t x = 0; x < 5; ++x) EXPECT_NEAR(resized.f32()[35 + 5 * y + x], expected[y][x], 1e-6) << y << ", " << x;
}

TEST(Position, HieraAddsTheTiledWindow) {
  Tensor background({1, 2, 2, 2});
  Tensor window({1, 2, 2, 2});
  for (float& value : background.f32()) value = 1.0f;  // a constant stays itself under any resize
  for (size_t i = 0; i < 8; ++i) window.f32()[i] = static_cast<float>(i);
  const Tensor embedding = hiera_position_embedding(background.view(), window.view(), 4, 6);
  ASSERT_EQ(embedding.shape(), (Shape{1, 4, 6, 2}));
  for (int64_t y = 0; y < 4; ++y)
    for (int64_t x = 0; x < 6; ++x)
      for (int64_t c = 0; c < 2; ++c)
        EXPECT_NEAR(embedding.f32()[static_cast<size_t>((y * 6 + x) * 2 + c)],
                    1.0f + static_cast<float>(c * 4 + y % 2 * 2 + x % 2), 1e-6);
}

TEST(Position, DenseAsTheOfficialCode) {
  Tensor gaussian({2, 3});
  const float values[6] = {0.5f, -1.25f, 2.0f, 1.5f, 0.75f, -0.3f};
  for (size_t i = 0; i < 6; ++i) gaussian.f32()[i] = values[i];
  const Tensor encoding = dense_position_encoding(gaussian.view(), 4);
  ASSERT_EQ(encoding.shape(), (Shape{1, 6, 4, 4}));
  const float at_1_3[6] = {0.0f, -0.70710677f, -0.45399070f, 1.0f, 0.70710677f, -0.89100641f};  // y 1, x 3
  const float at_2_0[6] = {0.0f, 0.70710677f, 0.45399070f, 1.0f, 0.70710677f, -0.89100641f};
  for (size_t c = 0; c < 6; ++c) {
    EXPECT_NEAR(encoding.f32()[16 * c + 4 * 1 + 3], at_1_3[c], 1e-6);
    EXPECT_NEAR(encoding.f32()[16 * c + 4 * 2 + 0], at_2_0[c], 1e-6);
  }
}

}  // namespace
}  // namespace samc
