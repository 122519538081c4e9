#include "media/rle.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace samc {
namespace {

// What pycocotools 2.0.11 gives: mask rows, text, area, box.
struct Known {
  int height, width;
  const char* rows;
  const char* text;
  int64_t area;
  std::array<int, 4> box;
};
const Known kKnown[] = {
    {3, 4, "000000000000", "<", 0, {0, 0, 0, 0}},
    {3, 4, "111111111111", "0<", 12, {0, 0, 4, 3}},
    {5, 7, "00000000011110001111000111100000000", ";32000004", 12, {2, 1, 4, 3}},
    {6, 9, "001011010100101111110110000110010000101100010000100010", "143NOO10O1O10O103OO1N0OO3", 23, {0, 0, 9, 6}},
    {4, 4, "1000000000000000", "01?", 1, {0, 0, 1, 1}},
    {4, 4, "0000000000000001", "?1", 1, {3, 3, 1, 1}},
};

TEST(Rle, is_what_pycocotools_writes) {
  for (const Known& known : kKnown) {
    std::vector<uint8_t> mask;
    for (const char* c = known.rows; *c != '\0'; ++c) mask.push_back(*c == '1' ? 255 : 0);
    const Rle rle = encode_rle(mask, known.height, known.width);
    EXPECT_EQ(compress_rle(rle), known.text);
    EXPECT_EQ(rle_area(rle), known.area);
    EXPECT_EQ(rle_box(rle), known.box);
    const Result<Rle> read = decompress_rle(known.text, known.height, known.width);
    ASSERT_TRUE(read.is_ok()) << read.status().to_string();
    EXPECT_EQ(read.value().counts, rle.counts);
  }
}

TEST(Rle, a_large_mask_is_what_pycocotools_writes) {
  constexpr int kHeight = 300, kWidth = 400;
  std::vector<uint8_t> mask;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      mask.push_back((x * 7 + y * 13) % 101 < 37 && (x - 200) * (x - 200) + (y - 150) * (y - 150) < 19000 ? 1 : 0);
  const Rle rle = encode_rle(mask, kHeight, kWidth);
  const std::string text = compress_rle(rle);
  EXPECT_EQ(text.size(), 16061u);
  EXPECT_EQ(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()), 0x23e1d930u);
  EXPECT_EQ(rle_area(rle), 21876);
  EXPECT_EQ(rle_box(rle), (std::array<int, 4>{63, 13, 275, 275}));
  EXPECT_EQ(decode_rle(decompress_rle(text, kHeight, kWidth).value()), mask);
}

TEST(Rle, any_text_is_read_or_refused) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 8, ' ');
    for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? random() : 48 + random() % 64);
    const Result<Rle> rle = decompress_rle(text, 5, 6);
    if (!rle.is_ok()) continue;
    const Rle again = encode_rle(decode_rle(rle.value()), 5, 6);
    EXPECT_EQ(rle_area(again), rle_area(rle.value()));
    EXPECT_EQ(rle_box(again), rle_box(rle.value()));
  }
  EXPECT_FALSE(decompress_rle("P", 3, 4).is_ok());
  EXPECT_FALSE(decompress_rle("0=", 3, 4).is_ok());
}

}  // namespace
}  // namespace samc
