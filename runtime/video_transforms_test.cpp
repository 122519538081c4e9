// What comes before a video model and after it, against Pillow and torch (tests/data/video_predictor/make.py) and cases
// by hand.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/limits.h"
#include "media/npz.h"
#include "runtime/preprocess.h"
#include "runtime/resize_pil.h"
#include "runtime/testing_video.h"
#include "runtime/video_masks.h"
#include "runtime/video_prompts.h"

namespace samc {
namespace {

const Npz& golden() {
  static const Npz npz = Npz::read(SAMC_SOURCE_DIR "/tests/data/video_predictor/resize.npz").value();
  return npz;
}

struct Case {
  int64_t height, width, size;
  std::string key;  // "23x37.16"
};
std::vector<Case> cases(const std::string& kind) {
  std::vector<Case> result;
  for (const auto& [name, unused] : golden().arrays()) {
    if (!name.starts_with(kind + ".")) continue;
    Case& added = result.emplace_back();
    added.key = name.substr(kind.size() + 1);
    int height = 0, width = 0, size = 0;
    EXPECT_EQ(std::sscanf(added.key.c_str(), "%dx%d.%d", &height, &width, &size), 3);
    added.height = height;
    added.width = width;
    added.size = size;
  }
  return result;
}

TEST(ResizePil, GivesPillowsBytes) {
  const std::vector<Case> all = cases("image");
  EXPECT_EQ(all.size(), 9u);
  for (const Case& each : all) {
    SCOPED_TRACE(each.key);
    const Tensor& image = *golden().get("image." + each.key).value();
    const std::span<const uint8_t> expected = golden().get("resized." + each.key).value()->as<uint8_t>();
    for (const int threads : {1, 3}) {
      ThreadPool pool(threads);
      std::vector<uint8_t> resized(expected.size());
      resize_pil_bicubic({image.as<uint8_t>().data(), each.width, each.height, each.width * 3}, each.size, each.size,
                         pool, resized);
      EXPECT_TRUE(std::ranges::equal(resized, expected));
    }
  }
}

TEST(ResizePil, LargeImages) {
  const std::vector<Case> all = cases("crc");
  EXPECT_EQ(all.size(), 3u);
  ThreadPool pool(2);
  for (const Case& each : all) {
    const Image image = fake_frame(3, each.width, each.height);
    std::vector<uint8_t> resized(static_cast<size_t>(each.size * each.size * 3));
    resize_pil_bicubic(image, each.size, each.size, pool, resized);
    EXPECT_EQ(static_cast<int64_t>(crc32(0, resized.data(), static_cast<uInt>(resized.size()))),
              golden().get("crc." + each.key).value()->as<int64_t>()[0])
        << each.key;
  }
}

TEST(ResizePil, SidesOfTheLimitAndRowsApart) {
  ThreadPool pool(2);
  const std::vector<uint8_t> row(3 * static_cast<size_t>(kLongestSide), 77);
  for (const auto& [width, height] : {std::pair{kLongestSide, int64_t{1}}, std::pair{int64_t{1}, kLongestSide}}) {
    std::vector<uint8_t> resized(5 * 7 * 3);
    resize_pil_bicubic({row.data(), width, height, 3 * width}, 5, 7, pool, resized);
    EXPECT_EQ(std::ranges::count(resized, 77), std::ssize(resized));
  }
  // Rows that lie further apart than they are long, and an output that is not square.
  const Image image = fake_frame(1, 20, 10);
  std::vector<uint8_t> apart(10 * 100, 0xee), dense(6 * 9 * 3), strided(6 * 9 * 3);
  for (int64_t y = 0; y < 10; ++y) std::copy_n(image.rgb.begin() + y * 60, 60, apart.begin() + y * 100);
  resize_pil_bicubic(image, 6, 9, pool, dense);
  resize_pil_bicubic({apart.data(), 20, 10, 100}, 6, 9, pool, strided);
  EXPECT_EQ(dense, strided);
}

TEST(PreprocessVideoFrame, EqualsTheOfficialCode) {
  ThreadPool pool(2);
  const std::span<const float> expected = golden().get("frame").value()->f32();
  const ModelInfo info;
  Tensor frame({1, 3, kFakeSize, kFakeSize});
  preprocess_video_frame(fake_frame(0, 33, 14), kFakeSize, info.pixel_mean, info.pixel_std, pool, frame.f32());
  EXPECT_TRUE(std::ranges::equal(frame.f32(), expected));  // every bit
}

TEST(ResizePlane, EqualsTorch) {
  const std::vector<Case> all = cases("mask");
  EXPECT_EQ(all.size(), 4u);
  ThreadPool pool(2);
  for (const Case& each : all) {
    const Tensor& mask = *golden().get("mask." + each.key).value();
    const std::span<const float> expected = golden().get("mask_resized." + each.key).value()->f32();
    std::vector<float> values(mask.as<uint8_t>().begin(), mask.as<uint8_t>().end()), resized(expected.size());
    resize_plane(values, each.height, each.width, each.size, each.size, pool, resized);
    for (size_t i = 0; i < resized.size(); ++i) ASSERT_NEAR(resized[i], expected[i], 3e-7) << each.key << " " << i;
    const Tensor at_size = mask_at_model_size(mask.view(), each.size, pool).value();
    for (size_t i = 0; i < resized.size(); ++i) ASSERT_EQ(at_size.f32()[i], expected[i] >= 0.5f ? 1.0f : 0.0f);
  }
}

TEST(FillHoles, SmallOnesOnly) {
  // A hole of two pixels that touch at a corner, one of three, and the background, which is no hole for its size.
  const std::vector<float> logits = {9, 9,  9, 9, 9,  9,  //
                                     9, -1, 9, 9, -2, 9,  //
                                     9, 9,  0, 9, -2, 9,  //
                                     9, 9,  9, 9, -2, 9};
  std::vector<float> filled = logits;
  fill_holes(filled, 4, 6, 2);
  for (size_t i = 0; i < logits.size(); ++i) EXPECT_EQ(filled[i], i == 7 || i == 14 ? 0.1f : logits[i]) << i;
  filled = logits;
  fill_holes(filled, 4, 6, 3);
  EXPECT_EQ(std::ranges::count(filled, 0.1f), 5);
  filled = logits;
  fill_holes(filled, 4, 6, 0);
  EXPECT_EQ(filled, logits);
}

TEST(KeepGreatest, LosersGetAtMostMinusTen) {
  ThreadPool pool(2);
  constexpr size_t kPixels = 40'000;  // more than one thread's piece
  std::vector<float> a(kPixels, 1.0f), b(kPixels, 2.0f), c(kPixels, -30.0f);
  a.back() = 3.0f;
  b[5] = 1.0f;  // the first of equals stays
  keep_greatest({a, b, c}, pool);
  EXPECT_EQ(a[0], -10.0f);
  EXPECT_EQ(b[0], 2.0f);
  EXPECT_EQ(c[0], -30.0f);
  EXPECT_EQ(a.back(), 3.0f);
  EXPECT_EQ(b.back(), -10.0f);
  EXPECT_EQ(a[5], 1.0f);
  EXPECT_EQ(b[5], -10.0f);
  std::vector<float> alone(4, 1.0f);
  keep_greatest({alone}, pool);
  EXPECT_EQ(alone, std::vector<float>(4, 1.0f));
}

TEST(VideoPrompts, PointsAreAddedBehindEarlierOnes) {
  VideoPrompt prompt;
  prompt.points = {{10, 5, 1}};
  prompt.box = BoxPrompt{0, 0, 20, 10};
  const DecoderPoints first = add_points(prompt, nullptr, 40, 20, 32).value();
  EXPECT_EQ(first.labels, (std::vector<float>{2, 3, 1}));
  EXPECT_EQ(first.coordinates, (std::vector<float>{0, 0, 16, 16, 8, 8}));
  prompt.box.reset();
  prompt.points = {{0.5f, 0.25f, 0}};
  prompt.normalize_coords = false;
  EXPECT_EQ(add_points(prompt, &first, 40, 20, 32).value().labels, (std::vector<float>{0}));
  prompt.clear_old_points = false;
  const DecoderPoints both = add_points(prompt, &first, 40, 20, 32).value();
  EXPECT_EQ(both.labels, (std::vector<float>{2, 3, 1, 0}));
  EXPECT_EQ(both.coordinates.back(), 8.0f);
  EXPECT_EQ(with_pad_point(&both).labels, (std::vector<float>{2, 3, 1, 0, -1}));
  EXPECT_EQ(with_pad_point(nullptr).labels, (std::vector<float>{-1, -1}));
}

TEST(VideoPrompts, Refused) {
  const auto message = [](const VideoPrompt& prompt, const DecoderPoints* earlier = nullptr) {
    return add_points(prompt, earlier, 40, 20, 32).status().message();
  };
  VideoPrompt prompt;
  EXPECT_EQ(message(prompt), "the prompt has neither points nor a box");
  prompt.points = {{std::nanf(""), 0, 1}};
  EXPECT_EQ(message(prompt), "a point or box has a coordinate that is not a number");
  prompt.points = {{1, 1, 5}};
  EXPECT_EQ(message(prompt), "a point has label 5");
  prompt.points.assign(static_cast<size_t>(kMostPromptPoints), {1, 1, 1});
  const DecoderPoints most = add_points(prompt, nullptr, 40, 20, 32).value();
  prompt.points = {{1, 1, 1}};
  prompt.clear_old_points = false;
  EXPECT_EQ(message(prompt, &most), "4096 points on one frame, at most 4095 can be given");
  prompt.box = BoxPrompt{1, 1, 2, 2};
  EXPECT_NE(message(prompt).find("a box cannot be added to earlier points"), std::string::npos);

  ThreadPool pool(1);
  const auto mask_message = [&](const TensorView& mask) {
    return mask_at_model_size(mask, 32, pool).status().message();
  };
  const std::vector<uint8_t> pixels(64);
  EXPECT_EQ(mask_message({}), "the mask prompt has no data");
  EXPECT_EQ(mask_message({DType::kF32, {4, 4}, pixels.data()}),
            "the mask prompt is f32 (4, 4), u8 or bool (height, width) expected");
  EXPECT_EQ(mask_message({DType::kU8, {1, 4, 4}, pixels.data()}),
            "the mask prompt is u8 (1, 4, 4), u8 or bool (height, width) expected");
  EXPECT_NE(mask_message({DType::kU8, {0, 4}, pixels.data()}).find("4 x 0 pixels"), std::string::npos);
  EXPECT_NE(mask_message({DType::kU8, {1, kLongestSide + 1}, pixels.data()}).find("65536 x 1 pixels"),
            std::string::npos);
}

}  // namespace
}  // namespace samc
