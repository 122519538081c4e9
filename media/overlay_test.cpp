#include "media/overlay.h"

#include <gtest/gtest.h>

#include <set>

namespace samc {
namespace {

Image grey_picture(int width, int height) {
  Image image(width, height);
  std::fill(image.rgb.begin(), image.rgb.end(), uint8_t{128});
  return image;
}

TEST(Overlay, colours_are_distinct) {
  std::set<std::array<uint8_t, 3>> colours;
  for (int i = 0; i < 60; ++i) colours.insert(mask_colour(i));
  EXPECT_EQ(colours.size(), 60u);
}

TEST(Overlay, fills_inside_outlines_the_edge_and_leaves_the_rest) {
  Image image = grey_picture(100, 80);
  std::vector<uint8_t> mask(100 * 80);
  for (int y = 20; y < 60; ++y)
    for (int x = 20; x < 70; ++x) mask[static_cast<size_t>(y * 100 + x)] = 1;
  const OverlayMask masks[] = {{mask, 0}};
  draw_overlay(image, masks, {}, {});
  const std::array<uint8_t, 3> colour = mask_colour(0);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(image.row(40)[45 * 3 + c], 128 + 0.45 * (colour[static_cast<size_t>(c)] - 128), 1.5);
    EXPECT_EQ(image.row(5)[5 * 3 + c], 128);
  }
  EXPECT_NE(image.row(40)[20 * 3], image.row(40)[45 * 3]);
}

TEST(Overlay, anything_at_the_border_or_outside_is_safe) {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 9}, {9, 1}, {40, 30}}) {
    Image image = grey_picture(width, height);
    const size_t pixels = static_cast<size_t>(width * height);
    const std::vector<uint8_t> full(pixels, 1), none(pixels, 0);
    const OverlayMask masks[] = {{full, 0}, {none, 1}, {full, 1000}};
    const OverlayBox boxes[] = {{-50, -50, 500, 500, 0}, {0, 0, 1, 1, 1}, {500, 500, 600, 600, 2}, {-9, 2, -3, 5, 3}};
    const OverlayPoint points[] = {{0, 0, true}, {float(width), float(height), false}, {-1e9f, 1e9f, true}};
    draw_overlay(image, masks, boxes, points);
  }
}

TEST(Overlay, points_show_their_kind) {
  Image image = grey_picture(200, 100);
  const OverlayPoint points[] = {{50, 50, true}, {150, 50, false}};
  draw_overlay(image, {}, {}, points);
  const uint8_t* positive = image.row(50 - 4) + (50 - 3) * 3;
  const uint8_t* negative = image.row(50 - 4) + (150 - 3) * 3;
  EXPECT_GT(positive[1], positive[0]);
  EXPECT_GT(negative[0], negative[1]);
}

}  // namespace
}  // namespace samc
