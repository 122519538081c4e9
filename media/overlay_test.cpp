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
    const OverlayMask masks[] = {{full, 0}, {none, 1}, {full, 1000, 7}, {none, 2, 8}};
    const OverlayBox boxes[] = {{-50, -50, 500, 500, 0}, {0, 0, 1, 1, 1}, {500, 500, 600, 600, 2}, {-9, 2, -3, 5, 3}};
    const OverlayPoint points[] = {{0, 0, true}, {float(width), float(height), false}, {-1e9f, 1e9f, true}};
    draw_overlay(image, masks, boxes, points);
  }
}

struct Changed {
  int count = 0, x0 = 1 << 20, y0 = 1 << 20, x1 = 0, y1 = 0;
};
// What a number changes on an image with this mask, beside what the mask does.
Changed changed_by_number(int width, int height, const std::vector<uint8_t>& mask, int64_t number) {
  Image plain = grey_picture(width, height), numbered = plain;
  const OverlayMask without[] = {{mask, 0}}, with[] = {{mask, 0, number}};
  draw_overlay(plain, without, {}, {});
  draw_overlay(numbered, with, {}, {});
  Changed changed;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      if (std::equal(plain.row(y) + 3 * x, plain.row(y) + 3 * x + 3, numbered.row(y) + 3 * x)) continue;
      ++changed.count;
      changed.x0 = std::min(changed.x0, x);
      changed.y0 = std::min(changed.y0, y);
      changed.x1 = std::max(changed.x1, x + 1);
      changed.y1 = std::max(changed.y1, y + 1);
    }
  return changed;
}

std::vector<uint8_t> rectangle(int width, int height, int x0, int y0, int x1, int y1) {
  std::vector<uint8_t> mask(static_cast<size_t>(width * height));
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) mask[static_cast<size_t>(y * width + x)] = 1;
  return mask;
}

TEST(Overlay, numbers_stand_in_the_middle_of_a_mask_or_beside_a_small_one) {
  const Changed inside = changed_by_number(300, 200, rectangle(300, 200, 40, 30, 160, 150), 12);
  EXPECT_GT(inside.count, 50);
  EXPECT_NEAR((inside.x0 + inside.x1) / 2.0, 100, 2);
  EXPECT_NEAR((inside.y0 + inside.y1) / 2.0, 90, 2);
  // A mask in the form of an L: its middle is not on it.
  std::vector<uint8_t> bent = rectangle(300, 200, 40, 30, 70, 170);
  const std::vector<uint8_t> foot = rectangle(300, 200, 40, 140, 200, 170);
  for (size_t i = 0; i < bent.size(); ++i) bent[i] |= foot[i];
  const Changed on_it = changed_by_number(300, 200, bent, 7);
  EXPECT_GT(on_it.count, 20);
  EXPECT_TRUE(on_it.x1 <= 70 || on_it.y0 >= 140);
  const Changed above = changed_by_number(300, 200, rectangle(300, 200, 100, 100, 104, 104), 3);
  EXPECT_GT(above.count, 20);
  EXPECT_LE(above.y1, 100);
  EXPECT_GE(above.y0, 70);
  const Changed below = changed_by_number(300, 200, rectangle(300, 200, 100, 1, 104, 5), 3);
  EXPECT_GT(below.count, 20);
  EXPECT_GE(below.y0, 5);
  EXPECT_EQ(changed_by_number(300, 200, rectangle(300, 200, 0, 0, 0, 0), 3).count, 0);
  EXPECT_EQ(changed_by_number(8, 8, rectangle(8, 8, 1, 1, 3, 3), 3).count, 0);
  // In the corner of an image the label stays in it.
  const Changed corner = changed_by_number(300, 200, rectangle(300, 200, 297, 100, 300, 103), 250);
  EXPECT_GT(corner.count, 50);
  EXPECT_LE(corner.x1, 300);
}

TEST(Overlay, digits_are_distinct) {
  std::set<std::vector<uint8_t>> images;
  const std::vector<uint8_t> mask = rectangle(100, 100, 10, 10, 90, 90);
  for (int64_t digit = 0; digit < 10; ++digit) {
    Image image = grey_picture(100, 100);
    const OverlayMask masks[] = {{mask, 0, digit}};
    draw_overlay(image, masks, {}, {});
    images.insert({image.rgb.begin(), image.rgb.end()});
  }
  EXPECT_EQ(images.size(), 10u);
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
