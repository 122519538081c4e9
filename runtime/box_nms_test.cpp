#include "runtime/box_nms.h"

#include <gtest/gtest.h>

namespace samc {
namespace {

using Numbers = std::vector<size_t>;

TEST(SuppressOverlaps, KeepsTheBestOfThoseThatOverlap) {
  const std::vector<PixelBox> boxes = {{0, 0, 10, 10}, {1, 0, 11, 10}, {20, 20, 30, 30}, {0, 0, 10, 9}};
  const std::vector<float> scores = {0.5f, 0.9f, 0.7f, 0.8f};
  // IoU of 0 and 1: 90 / 110; of 0 and 3: 90 / 100; of 1 and 3: 81 / 109.
  EXPECT_EQ(suppress_overlaps(boxes, scores, 0.7), (Numbers{1, 2}));
  EXPECT_EQ(suppress_overlaps(boxes, scores, 0.8), (Numbers{1, 3, 2}));
  EXPECT_EQ(suppress_overlaps(boxes, scores, 0.95), (Numbers{1, 3, 2, 0}));
}

TEST(SuppressOverlaps, WhatIsSuppressedSuppressesNothing) {
  // 1 goes because of 0; 2 overlaps 1 only, and stays.
  const std::vector<PixelBox> boxes = {{0, 0, 10, 10}, {3, 0, 13, 10}, {6, 0, 16, 10}};
  EXPECT_EQ(suppress_overlaps(boxes, std::vector<float>{3, 2, 1}, 0.5), (Numbers{0, 2}));
}

TEST(SuppressOverlaps, AnIouAtTheThresholdStays) {
  const std::vector<PixelBox> boxes = {{0, 0, 10, 10}, {0, 0, 10, 5}};
  EXPECT_EQ(suppress_overlaps(boxes, std::vector<float>{1, 1}, 0.5), (Numbers{0, 1}));
  EXPECT_EQ(suppress_overlaps(boxes, std::vector<float>{1, 1}, 0.49), (Numbers{0}));
}

TEST(SuppressOverlaps, OfEqualScoresTheFirstCounts) {
  const std::vector<PixelBox> boxes(3, PixelBox{0, 0, 4, 4});
  EXPECT_EQ(suppress_overlaps(boxes, std::vector<float>{1, 1, 1}, 0.7), (Numbers{0}));
}

TEST(SuppressOverlaps, EmptyBoxesOverlapNothing) {
  const std::vector<PixelBox> boxes(2, PixelBox{5, 5, 5, 5});
  EXPECT_EQ(suppress_overlaps(boxes, std::vector<float>{1, 2}, 0.7), (Numbers{1, 0}));
  EXPECT_TRUE(suppress_overlaps({}, {}, 0.7).empty());
}

}  // namespace
}  // namespace samc
