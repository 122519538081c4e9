// What comes before the encoder and after the decoder, against torch, torchvision (tests/data/transforms) and cases by
// hand.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/limits.h"
#include "media/npz.h"
#include "runtime/image_predictor.h"
#include "runtime/postprocess.h"
#include "runtime/preprocess.h"
#include "runtime/prompt_points.h"

namespace samc {
namespace {

const Npz& golden() {
  static const Npz npz = Npz::read(SAMC_SOURCE_DIR "/tests/data/transforms/transforms.npz").value();
  return npz;
}

constexpr std::array<float, 3> kMean = {0.485f, 0.456f, 0.406f};
constexpr std::array<float, 3> kStd = {0.229f, 0.224f, 0.225f};

TEST(Preprocess, EqualsTorchvision) {
  constexpr int64_t kSize = 16;
  int pictures = 0;
  for (const auto& [name, picture] : golden().arrays()) {
    if (name.rfind("picture.", 0) != 0) continue;
    ++pictures;
    const Tensor& expected = *golden().get("input." + name.substr(8)).value();
    const RgbView view(picture.as<uint8_t>().data(), picture.shape()[1], picture.shape()[0], picture.shape()[1] * 3);
    for (const int threads : {1, 3}) {
      ThreadPool pool(threads);
      Tensor output({3, kSize, kSize});
      preprocess_image(view, kSize, kMean, kStd, pool, output.f32());
      for (size_t index = 0; index < output.f32().size(); ++index)
        ASSERT_NEAR(output.f32()[index], expected.f32()[index], 1e-5) << name << " element " << index;
    }
  }
  EXPECT_EQ(pictures, 6);
}

// The official predictor's input for truck.jpg: 4,096 of its values.
TEST(Preprocess, EqualsTheOfficialCodeOnAPicture) {
  const Npz reference = Npz::read(SAMC_SOURCE_DIR "/tests/data/pico/golden.npz").value();
  const Tensor& expected = *reference.get("input.image").value();
  const Image truck = read_image(SAMC_SOURCE_DIR "/tests/data/images/truck.jpg").value();
  ThreadPool pool(2);
  Tensor output({3, 256, 256});
  preprocess_image(truck, 256, kMean, kStd, pool, output.f32());
  for (uint64_t sample = 0; sample < expected.f32().size(); ++sample)
    ASSERT_NEAR(output.f32()[sample * 2654435761u % output.f32().size()], expected.f32()[sample], 1e-5) << sample;
}

// The weights of one output position, as preprocess.h describes them.
std::vector<double> triangle(int64_t input_size, int64_t output_size, int64_t output) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(output_size);
  const double centre = scale * (static_cast<double>(output) + 0.5);
  std::vector<double> weights(static_cast<size_t>(input_size));
  double total = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double distance = std::abs(static_cast<double>(i) + 0.5 - centre) / std::max(scale, 1.0);
    weights[i] = std::max(0.0, 1.0 - distance);
    total += weights[i];
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

// As long as an image may be, and whatever the number of threads: the sum that the weights say.
TEST(Preprocess, TallAndWideImagesAreWeightedSums) {
  constexpr int64_t kSize = 40;  // of more than two bands
  for (const auto& [width, height] : std::initializer_list<std::pair<int64_t, int64_t>>{
           {3, 20'000}, {20'000, 3}, {1, kLongestSide}, {kLongestSide, 1}, {5, 37}}) {
    std::vector<uint8_t> pixels(static_cast<size_t>(width * height * 3));
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>((i * 2654435761u) >> 13);
    Tensor one({3, kSize, kSize}), three({3, kSize, kSize});
    ThreadPool single(1), several(3);
    resize_image({pixels.data(), width, height, 3 * width}, kSize, kSize, single, one.f32());
    resize_image({pixels.data(), width, height, 3 * width}, kSize, kSize, several, three.f32());
    EXPECT_TRUE(std::equal(one.f32().begin(), one.f32().end(), three.f32().begin())) << width << " x " << height;
    for (const int64_t y : {int64_t{0}, int64_t{15}, int64_t{16}, kSize - 1}) {
      const std::vector<double> down = triangle(height, kSize, y);
      for (const int64_t x : {int64_t{0}, int64_t{17}, kSize - 1}) {
        const std::vector<double> across = triangle(width, kSize, x);
        double sum = 0;
        for (size_t row = 0; row < down.size(); ++row)
          for (size_t column = 0; down[row] > 0 && column < across.size(); ++column)
            sum += down[row] * across[column] * pixels[(row * across.size() + column) * 3 + 1];
        EXPECT_NEAR(one.f32()[static_cast<size_t>((kSize + y) * kSize + x)], sum, 1e-2)
            << width << " x " << height << " at " << x << ", " << y;
      }
    }
  }
}

TEST(Preprocess, RowsMayLieApart) {
  ThreadPool pool(1);
  const std::vector<uint8_t> dense = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<uint8_t> padded = {1, 2, 3, 4, 5, 6, 99, 99, 7, 8, 9, 10, 11, 12, 99, 99};
  Tensor a({3, 4, 4}), b({3, 4, 4});
  preprocess_image({dense.data(), 2, 2, 6}, 4, kMean, kStd, pool, a.f32());
  preprocess_image({padded.data(), 2, 2, 8}, 4, kMean, kStd, pool, b.f32());
  EXPECT_TRUE(std::equal(a.f32().begin(), a.f32().end(), b.f32().begin()));
}

TEST(Upscale, EqualsTorch) {
  const Tensor& logits = *golden().get("logits").value();
  int sizes = 0;
  for (const auto& [name, expected] : golden().arrays()) {
    if (name.rfind("full.", 0) != 0) continue;
    ++sizes;
    const int64_t height = expected.shape()[0], width = expected.shape()[1];
    for (const int threads : {1, 3}) {
      ThreadPool pool(threads);
      Tensor full({height, width});
      upscale_logits(logits.f32(), 8, 8, height, width, pool, full.f32());
      for (size_t index = 0; index < full.f32().size(); ++index)
        ASSERT_NEAR(full.f32()[index], expected.f32()[index], 1e-5) << name << " element " << index;
      std::vector<uint8_t> mask(full.f32().size());
      upscale_mask(logits.f32(), 8, 8, height, width, 0.5f, pool, mask);
      for (size_t index = 0; index < mask.size(); ++index) ASSERT_EQ(mask[index], full.f32()[index] > 0.5f ? 1 : 0);
      // Two planes in one call, and as f32.
      std::vector<float> planes(logits.f32().begin(), logits.f32().end());
      for (const float logit : logits.f32()) planes.push_back(1 - logit);
      std::vector<float> both(2 * mask.size()), other(mask.size());
      upscale_mask(planes, 8, 8, height, width, 0.5f, pool, std::span(both));
      for (size_t index = 0; index < mask.size(); ++index) ASSERT_EQ(both[index], static_cast<float>(mask[index]));
      upscale_logits(std::span(planes).subspan(64), 8, 8, height, width, pool, other);
      for (size_t index = 0; index < mask.size(); ++index)
        ASSERT_EQ(both[mask.size() + index], other[index] > 0.5f ? 1.0f : 0.0f);
    }
  }
  EXPECT_EQ(sizes, 5);
}

TEST(Components, TouchingCornersBelongTogether) {
  const std::vector<uint8_t> region = {1, 0, 0, 0, 1,  //
                                       0, 1, 0, 1, 0,  //
                                       0, 0, 0, 0, 0,  //
                                       1, 1, 0, 0, 1};
  std::vector<int32_t> areas(20);
  component_areas(region, 4, 5, areas);
  EXPECT_EQ(areas, (std::vector<int32_t>{2, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 1}));
}

TEST(Components, ARegionThatClosesLateIsOne) {
  const std::vector<uint8_t> region = {1, 0, 1, 0, 1,  //
                                       1, 0, 1, 0, 1,  //
                                       1, 1, 1, 1, 1};
  std::vector<int32_t> areas(15);
  component_areas(region, 3, 5, areas);
  for (size_t pixel = 0; pixel < 15; ++pixel) EXPECT_EQ(areas[pixel], region[pixel] == 0 ? 0 : 11);
}

TEST(SmallRegions, HolesAndSprinklesAreFoundInTheLogitsAsTheyCame) {
  // A ring around a hole of one pixel, and a sprinkle of one pixel.
  const std::vector<float> logits = {5, 5,  5, -5, -5, -5,  //
                                     5, -1, 5, -5, 3,  -5,  //
                                     5, 5,  5, -5, -5, -5};
  std::vector<float> holes = logits;
  fill_small_regions(holes, 3, 6, 0.5f, 1, 0);
  EXPECT_EQ(holes[7], 10.5f);
  EXPECT_EQ(holes[10], 3.0f);
  std::vector<float> both = logits;
  fill_small_regions(both, 3, 6, 0.5f, 1, 1);
  EXPECT_EQ(both[7], 10.5f);
  EXPECT_EQ(both[10], -9.5f);
  both[7] = logits[7];
  both[10] = logits[10];
  EXPECT_EQ(both, logits);
  std::vector<float> none = logits;
  fill_small_regions(none, 3, 6, 0.5f, 0, 0);
  EXPECT_EQ(none, logits);
  // All but the background is small enough: the ring (8 pixels) and the sprinkle go, as found before holes were filled.
  std::vector<float> ring = logits;
  fill_small_regions(ring, 3, 6, 0.5f, 1, 8);
  EXPECT_EQ(ring[0], -9.5f);
  EXPECT_EQ(ring[7], 10.5f);
}

TEST(Stability, ChoosesTheSingleMaskOrTheBestOther) {
  const std::vector<float> steady = {9, 9, -9, -9}, shaky = {9, 0.01f, -9, -9}, empty = {-9, -9, -9, -9};
  EXPECT_EQ(stability_score(steady, 0.05f), 1.0f);
  EXPECT_EQ(stability_score(shaky, 0.05f), 0.5f);
  EXPECT_EQ(stability_score(empty, 0.05f), 1.0f);
  std::vector<float> masks(16, 1.0f);
  const std::vector<float> scores = {0.99f, 0.2f, 0.8f, 0.8f};
  EXPECT_EQ(choose_single_mask(masks, scores, 0.05f, 0.98f), 0);
  std::copy(shaky.begin(), shaky.end(), masks.begin());
  EXPECT_EQ(choose_single_mask(masks, scores, 0.05f, 0.98f), 2);
  EXPECT_EQ(choose_single_mask(masks, scores, 0.05f, 0.5f), 0);
}

TEST(DecoderPoints, BoxComesFirstAndAPadPointLast) {
  ObjectPrompt prompt;
  prompt.points = {{500, 375, 1}, {0, 1200, 0}};
  prompt.box = BoxPrompt{425, 600, 700, 875};
  const DecoderPoints points = decoder_points(prompt, 1800, 1200, 1024, true).value();
  EXPECT_EQ(points.labels, (std::vector<float>{2, 3, 1, 0, -1}));
  EXPECT_EQ(points.coordinates[0], 425.0f / 1800.0f * 1024.0f);
  EXPECT_EQ(points.coordinates[3], 875.0f / 1200.0f * 1024.0f);
  EXPECT_EQ(points.coordinates[4], 500.0f / 1800.0f * 1024.0f);
  EXPECT_EQ(points.coordinates[7], 1024.0f);
  EXPECT_EQ(points.coordinates[8], 0.0f);
  EXPECT_EQ(points.coordinates[9], 0.0f);
}

TEST(DecoderPoints, NothingNormalisedAndNonsense) {
  EXPECT_EQ(decoder_points({}, 10, 10, 64, true).value().count(), 0);
  ObjectPrompt prompt;
  prompt.points = {{0.5f, 0.25f, 1}};
  const DecoderPoints points = decoder_points(prompt, 10, 20, 64, false).value();
  EXPECT_EQ(points.coordinates, (std::vector<float>{32, 16, 0, 0}));
  prompt.points[0].label = 4;
  EXPECT_FALSE(decoder_points(prompt, 10, 20, 64, true).is_ok());
  prompt.points[0] = {std::numeric_limits<float>::quiet_NaN(), 0, 1};
  EXPECT_FALSE(decoder_points(prompt, 10, 20, 64, true).is_ok());
  prompt.points.clear();
  prompt.box = BoxPrompt{0, 0, std::numeric_limits<float>::infinity(), 1};
  EXPECT_FALSE(decoder_points(prompt, 10, 20, 64, true).is_ok());
}

}  // namespace
}  // namespace samc
