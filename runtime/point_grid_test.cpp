// Grids and crops against the official code's numbers (sam2/utils/amg.py), written out.

#include "runtime/point_grid.h"

#include <gtest/gtest.h>

namespace samc {
namespace {

TEST(PointGrid, IsInTheMiddleOfItsCells) {
  const std::vector<GridPoint> one = point_grid(1);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].x, 0.5);
  EXPECT_EQ(one[0].y, 0.5);
  const std::vector<GridPoint> four = point_grid(4);
  ASSERT_EQ(four.size(), 16U);
  EXPECT_EQ(four[0].x, 0.125);
  EXPECT_EQ(four[3].x, 0.875);
  EXPECT_EQ(four[3].y, 0.125);
  EXPECT_EQ(four[4].x, 0.125);
  EXPECT_EQ(four[4].y, 0.375);
  // numpy.linspace(1 / 64, 1 - 1 / 64, 32)[5] and [31]
  const std::vector<GridPoint> many = point_grid(32);
  ASSERT_EQ(many.size(), 1024U);
  EXPECT_DOUBLE_EQ(many[5].x, 0.171875);
  EXPECT_EQ(many[31].x, 0.984375);
}

TEST(PointGrid, LayersHaveFewerPoints) {
  EXPECT_EQ(points_per_side_of(0, 32, 2), 32);
  EXPECT_EQ(points_per_side_of(1, 32, 2), 16);
  EXPECT_EQ(points_per_side_of(2, 31, 2), 7);
  EXPECT_EQ(points_per_side_of(3, 7, 2), 0);
  EXPECT_EQ(points_per_side_of(5, 32, 1), 32);
}

TEST(ImageCrops, AreTheOfficialOnes) {
  const auto expect_crops = [](const std::vector<Crop>& crops, const std::vector<PixelBox>& boxes) {
    ASSERT_GE(crops.size(), boxes.size());
    for (size_t i = 0; i < boxes.size(); ++i) EXPECT_EQ(crops[i].box, boxes[i]) << "crop " << i;
  };
  const std::vector<Crop> whole = image_crops(1800, 1200, 0, 512.0 / 1500.0);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].box, (PixelBox{0, 0, 1800, 1200}));
  const std::vector<Crop> truck = image_crops(1800, 1200, 1, 512.0 / 1500.0);
  ASSERT_EQ(truck.size(), 5U);
  EXPECT_EQ(truck[0].layer, 0);
  EXPECT_EQ(truck[4].layer, 1);
  expect_crops(
      truck,
      {{0, 0, 1800, 1200}, {0, 0, 1105, 805}, {0, 396, 1105, 1200}, {696, 0, 1800, 805}, {696, 396, 1800, 1200}});
  const std::vector<Crop> odd = image_crops(641, 427, 2, 512.0 / 1500.0);
  ASSERT_EQ(odd.size(), 21U);
  EXPECT_EQ(odd[20].layer, 2);
  expect_crops(odd, {{0, 0, 641, 427},
                     {0, 0, 393, 286},
                     {0, 141, 393, 427},
                     {248, 0, 641, 286},
                     {248, 141, 641, 427},
                     {0, 0, 215, 161},
                     {0, 89, 215, 250},
                     {0, 178, 215, 339},
                     {0, 267, 215, 427}});
  EXPECT_EQ(odd[20].box, (PixelBox{429, 267, 641, 427}));
}

TEST(CropEdge, CountsOnlyWhereTheImageGoesOn) {
  const PixelBox crop = {100, 0, 300, 200};  // of an image of 400 x 200
  const auto is_near = [&](const PixelBox& box) { return is_near_crop_edge(box, crop, 400, 200); };
  EXPECT_FALSE(is_near({50, 50, 150, 150}));
  EXPECT_TRUE(is_near({20, 50, 150, 150}));  // 20 pixels from the crop's left
  EXPECT_FALSE(is_near({21, 50, 150, 150}));
  EXPECT_TRUE(is_near({50, 50, 180, 150}));  // and from its right
  EXPECT_FALSE(is_near({50, 50, 179, 150}));
  EXPECT_FALSE(is_near({50, 0, 150, 199}));  // top and bottom are the image's too
  EXPECT_FALSE(is_near_crop_edge({0, 0, 399, 199}, {0, 0, 400, 200}, 400, 200));
}

}  // namespace
}  // namespace samc
