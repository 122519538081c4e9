// Holes and islands by hand, and random masks against a flood fill.

#include "runtime/small_regions.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace samc {
namespace {

Rle rle_of(const std::vector<std::string_view>& rows) {
  std::vector<uint8_t> mask;
  for (const std::string_view row : rows)
    for (const char pixel : row) mask.push_back(pixel == '#' ? 1 : 0);
  return encode_rle(mask, static_cast<int>(rows.size()), static_cast<int>(rows[0].size()));
}

TEST(SmallRegions, HolesAreFilled) {
  Rle mask = rle_of({"#######",  //
                     "#.#..##",  //
                     "##.#.#.",  //
                     "#######"});
  const Rle before = mask;
  // Two regions are off, as diagonal neighbours are one: five pixels, and one at the border.
  EXPECT_FALSE(fill_small_holes(mask, 1));
  EXPECT_EQ(mask.counts, before.counts);
  EXPECT_TRUE(fill_small_holes(mask, 5));
  EXPECT_EQ(mask.counts, rle_of({"#######",  //
                                 "#.#..##",  //
                                 "##.#.##",  //
                                 "#######"})
                             .counts);
  EXPECT_TRUE(fill_small_holes(mask, 6));
  EXPECT_EQ(mask.counts, (std::vector<uint32_t>{0, 28}));
}

TEST(SmallRegions, IslandsAreRemoved) {
  Rle mask = rle_of({"#....##",  //
                     ".#...##",  //
                     "....#..",  //
                     "#......"});
  EXPECT_FALSE(remove_small_islands(mask, 1));
  EXPECT_TRUE(remove_small_islands(mask, 3));
  EXPECT_EQ(mask.counts, rle_of({".....##",  //
                                 ".....##",  //
                                 "....#..",  //
                                 "......."})
                             .counts);
}

TEST(SmallRegions, OfIslandsThatAreAllSmallTheLargestStays) {
  Rle mask = rle_of({"##..",  //
                     "....",  //
                     "###.",  //
                     "...."});
  EXPECT_TRUE(remove_small_islands(mask, 100));
  EXPECT_EQ(mask.counts, rle_of({"....", "....", "###.", "...."}).counts);
  Rle equal = rle_of({"..#", "...", "#.."});
  EXPECT_TRUE(remove_small_islands(equal, 100));
  EXPECT_EQ(equal.counts, rle_of({"..#", "...", "..."}).counts);
  Rle nothing = rle_of({"...", "..."});
  EXPECT_FALSE(remove_small_islands(nothing, 100));
  // The official code calls that a change, too.
  Rle single = rle_of({"#.", ".."});
  EXPECT_TRUE(remove_small_islands(single, 100));
  EXPECT_EQ(single.counts, rle_of({"#.", ".."}).counts);
}

// The areas of 8-connected regions of pixels of this value, pixel by pixel.
std::vector<int64_t> flood_areas(const std::vector<uint8_t>& mask, int height, int width, uint8_t value) {
  std::vector<int64_t> areas(mask.size(), 0);
  for (size_t start = 0; start < mask.size(); ++start) {
    if (mask[start] != value || areas[start] != 0) continue;
    std::vector<size_t> region{start};
    areas[start] = -1;
    for (size_t i = 0; i < region.size(); ++i) {
      const int y = static_cast<int>(region[i]) / width, x = static_cast<int>(region[i]) % width;
      for (int ny = std::max(y - 1, 0); ny <= std::min(y + 1, height - 1); ++ny)
        for (int nx = std::max(x - 1, 0); nx <= std::min(x + 1, width - 1); ++nx) {
          const auto next = static_cast<size_t>(ny * width + nx);
          if (mask[next] != value || areas[next] != 0) continue;
          areas[next] = -1;
          region.push_back(next);
        }
    }
    for (const size_t pixel : region) areas[pixel] = static_cast<int64_t>(region.size());
  }
  return areas;
}

TEST(SmallRegions, RandomMasksAreAsAFloodFillSays) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const int height = 1 + static_cast<int>(random() % 17), width = 1 + static_cast<int>(random() % 17);
    const uint32_t density = 1 + random() % 9;
    std::vector<uint8_t> mask(static_cast<size_t>(height * width));
    for (uint8_t& pixel : mask) pixel = random() % 10 < density ? 1 : 0;
    const auto least = static_cast<int64_t>(random() % 12);
    SCOPED_TRACE(testing::Message() << "round " << round);

    std::vector<uint8_t> filled = mask;
    const std::vector<int64_t> holes = flood_areas(mask, height, width, 0);
    for (size_t i = 0; i < mask.size(); ++i)
      if (holes[i] > 0 && holes[i] < least) filled[i] = 1;
    Rle rle = encode_rle(mask, height, width);
    EXPECT_EQ(fill_small_holes(rle, least), filled != mask);
    EXPECT_EQ(rle.counts, encode_rle(filled, height, width).counts);

    std::vector<uint8_t> kept = mask;
    const std::vector<int64_t> islands = flood_areas(mask, height, width, 1);
    int64_t largest = 0;
    for (const int64_t area : islands) largest = std::max(largest, area);
    if (largest < least) continue;  // by hand above
    for (size_t i = 0; i < mask.size(); ++i)
      if (islands[i] > 0 && islands[i] < least) kept[i] = 0;
    rle = encode_rle(mask, height, width);
    EXPECT_EQ(remove_small_islands(rle, least), kept != mask);
    EXPECT_EQ(rle.counts, encode_rle(kept, height, width).counts);
  }
}

}  // namespace
}  // namespace samc
