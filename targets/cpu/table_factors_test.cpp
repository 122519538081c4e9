#include "targets/cpu/table_factors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace samc::cpu {
namespace {

// (height, width, channels)
Tensor map_of(int64_t height, int64_t width, int64_t channels,
              const std::function<double(int64_t, int64_t, int64_t)>& element) {
  Tensor map({height, width, channels});
  for (int64_t i = 0; i < map.count(); ++i)
    map.f32()[static_cast<size_t>(i)] =
        static_cast<float>(element(i / channels / width, i / channels % width, i % channels));
  return map;
}

// What the factors give, by the plainest code.
std::vector<float> product_of(const TableFactors& factors) {
  std::vector<float> result(static_cast<size_t>(element_count(factors.shape)));
  const auto part = [&](size_t which, int64_t i) {
    const Tensor& tensor = factors.parts[which];
    const int64_t channels = factors.shape[2], width = factors.shape[1];
    const int64_t y = i / channels / width, x = i / channels % width, c = i % channels;
    const Shape& shape = tensor.shape();
    return tensor.f32()[static_cast<size_t>(((shape[0] == 1 ? 0 : y) * shape[1] + (shape[1] == 1 ? 0 : x)) * shape[2] +
                                            (shape[2] == 1 ? 0 : c))];
  };
  for (size_t at = 0; at < result.size(); ++at) {
    const auto i = static_cast<int64_t>(at);
    if (factors.kind == TableFactors::Kind::kSum) {
      result[at] = part(0, i) + part(1, i);
    } else if (factors.kind == TableFactors::Kind::kProducts) {
      result[at] = part(0, i) * part(1, i) + part(2, i) * part(3, i);
    } else if (factors.kind == TableFactors::Kind::kGrid) {
      const Shape &middle = factors.parts[1].shape(), &last = factors.parts[2].shape();
      const int64_t w = middle[1], c = last[2], y = i / (w * c), x = i / c % w;
      for (int64_t r = 0; r < middle[0]; ++r)
        for (int64_t s = 0; s < middle[2]; ++s)
          result[at] += factors.parts[0].f32()[static_cast<size_t>(y * middle[0] + r)] *
                        factors.parts[1].f32()[static_cast<size_t>((r * w + x) * middle[2] + s)] *
                        factors.parts[2].f32()[static_cast<size_t>((r * middle[2] + s) * c + i % c)];
    } else {
      const int64_t rank = factors.parts[0].shape()[1], columns = factors.shape[1];
      for (int64_t r = 0; r < rank; ++r)
        result[at] += factors.parts[0].f32()[static_cast<size_t>(i / columns * rank + r)] *
                      factors.parts[1].f32()[static_cast<size_t>(r * columns + i % columns)];
    }
  }
  return result;
}

void expect_factors(const Tensor& table, TableFactors::Kind kind, double tolerance) {
  const std::optional<TableFactors> factors = factor_table(table.view());
  ASSERT_TRUE(factors.has_value());
  EXPECT_EQ(factors->kind, kind);
  ASSERT_EQ(element_count(factors->shape), table.count());
  const std::vector<float> given = product_of(*factors);
  for (size_t i = 0; i < given.size(); ++i) ASSERT_NEAR(given[i], table.f32()[i], tolerance) << i;
}

double noise(int64_t seed) { return std::sin(static_cast<double>(seed * seed % 9973) * 12.9898) * 0.5; }

TEST(TableFactors, a_number_for_each_channel) {
  expect_factors(map_of(64, 32, 32, [](int64_t y, int64_t, int64_t) { return noise(y); }), TableFactors::Kind::kSum, 0);
}

// The rotary encoding, and sine positions: some channels count columns, others rows.
TEST(TableFactors, channels_that_go_with_one_axis) {
  const Tensor map = map_of(32, 32, 24, [](int64_t y, int64_t x, int64_t c) {
    return std::cos(static_cast<double>(c < 12 ? x : y) / static_cast<double>(1 + c));
  });
  expect_factors(map, TableFactors::Kind::kSum, 0);
  Tensor rows = Tensor::copy_of(map.view());
  rows.reshape({1, 32 * 32, 24});
  expect_factors(rows, TableFactors::Kind::kSum, 0);
}

// The mask decoder's positions: waves of any direction.
TEST(TableFactors, waves) {
  const Tensor map = map_of(32, 40, 20, [](int64_t y, int64_t x, int64_t c) {
    return std::sin(noise(c) * static_cast<double>(x) + noise(c + 50) * static_cast<double>(y) + noise(c + 90));
  });
  expect_factors(map, TableFactors::Kind::kProducts, 3e-6);
}

// The image encoder's: an embedding of 4 x 4 made larger, and one of 8 x 8 repeated.
Tensor embedding(int64_t side, int64_t channels) {
  const auto wave = [](int64_t at, int64_t i) { return std::cos(0.1 * static_cast<double>(at * (i + 1)) + noise(i)); };
  return map_of(side, side, channels, [&](int64_t y, int64_t x, int64_t c) {
    double sum = noise(1000 + (y % 8 * 8 + x % 8) * channels + c);
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < 4; ++j) sum += noise((i * 4 + j) * channels + c) * wave(y, i) * wave(x, j);
    return sum;
  });
}

TEST(TableFactors, an_embedding_made_larger_and_one_repeated) {
  expect_factors(embedding(128, 8), TableFactors::Kind::kMatrices, 2e-5);
  expect_factors(embedding(64, 64), TableFactors::Kind::kGrid, 2e-5);
}

// Rows alone are sums of a few.
TEST(TableFactors, rows_of_few_kinds) {
  const Tensor map = map_of(96, 64, 4, [](int64_t y, int64_t x, int64_t c) {
    double sum = 0;
    for (int64_t i = 0; i < 3; ++i) sum += noise(y + 500 * i) * noise(x * 31 + c * 7 + 1000 * i);
    return sum;
  });
  expect_factors(map, TableFactors::Kind::kMatrices, 2e-5);
}

// Sine positions with their channels in front, as images have them.
TEST(TableFactors, planes_that_go_with_one_axis) {
  Tensor planes = map_of(48, 32, 32, [](int64_t c, int64_t y, int64_t x) {
    return std::cos(static_cast<double>(c < 24 ? y : x) / static_cast<double>(1 + c));
  });
  expect_factors(planes, TableFactors::Kind::kSum, 0);
  planes.reshape({1, 48, 32 * 32});
  expect_factors(planes, TableFactors::Kind::kSum, 0);
}

TEST(TableFactors, others_stay) {
  const auto random = [](int64_t y, int64_t x, int64_t c) { return noise(y * 7919 + x * 104729 + c * 31); };
  EXPECT_FALSE(factor_table(map_of(64, 64, 8, random).view()).has_value());
  // Of too many rows; of positions that are no square; with a number that is none; factors as large as the table.
  EXPECT_FALSE(factor_table(Tensor::zeros({1000, 8}).view()).has_value());
  EXPECT_FALSE(factor_table(Tensor::zeros({4, 4, 4, 4}).view()).has_value());
  Tensor broken = map_of(32, 32, 8, [](int64_t y, int64_t, int64_t) { return static_cast<double>(y); });
  broken.f32()[5] = NAN;
  EXPECT_FALSE(factor_table(broken.view()).has_value());
  EXPECT_FALSE(
      factor_table(map_of(4, 4, 4, [](int64_t y, int64_t, int64_t c) { return noise(y + c); }).view()).has_value());
  // One element that differs.
  Tensor nearly = map_of(64, 64, 8, [](int64_t y, int64_t, int64_t c) { return noise(y + c); });
  nearly.f32()[777] += 0.25f;
  const std::optional<TableFactors> factors = factor_table(nearly.view());
  ASSERT_TRUE(!factors.has_value() || factors->kind == TableFactors::Kind::kProducts);
}

}  // namespace
}  // namespace samc::cpu
