#pragma once
// COCO's run-length encoding of masks, with the same text as pycocotools (mask.encode and mask.frString).

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace samc {

// Runs down the columns, left to right: off, on, off, ... The first run may be empty.
struct Rle {
  int height = 0;
  int width = 0;
  std::vector<uint32_t> counts;
};

// mask is (height, width); any value but 0 is on.
Rle encode_rle(std::span<const uint8_t> mask, int height, int width);
// (height, width) of 0 and 1.
std::vector<uint8_t> decode_rle(const Rle& rle);

// The text that COCO's JSON has under "counts".
std::string compress_rle(const Rle& rle);
// An error when the text is no run-length encoding or its runs do not sum to height x width.
Result<Rle> decompress_rle(std::string_view text, int height, int width);

int64_t rle_area(const Rle& rle);
// x, y, width, height of the smallest box around the mask; zeros when it is empty.
std::array<int, 4> rle_box(const Rle& rle);

}  // namespace samc
