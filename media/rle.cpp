#include "media/rle.h"

#include <algorithm>

#include "base/guard.h"

namespace samc {

Rle encode_rle(std::span<const uint8_t> mask, int height, int width) {
  SAMC_CHECK(mask.size() == static_cast<size_t>(height) * static_cast<size_t>(width), "{} bytes for a {} x {} mask",
             mask.size(), width, height);
  Rle rle{height, width, {}};
  // Columns are walked in strips of a cache line's width: each strip is first turned, then scanned.
  constexpr int kStrip = 64;
  std::vector<uint8_t> columns(static_cast<size_t>(kStrip) * static_cast<size_t>(height));
  uint8_t current = 0;
  uint32_t run = 0;
  for (int x0 = 0; x0 < width; x0 += kStrip) {
    const int strip = std::min(kStrip, width - x0);
    for (int y = 0; y < height; ++y) {
      const uint8_t* row = mask.data() + static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x0);
      for (int i = 0; i < strip; ++i)
        columns[static_cast<size_t>(i) * static_cast<size_t>(height) + static_cast<size_t>(y)] = row[i] != 0 ? 1 : 0;
    }
    for (size_t i = 0; i < static_cast<size_t>(strip) * static_cast<size_t>(height); ++i) {
      if (columns[i] != current) {
        rle.counts.push_back(run);
        run = 0;
        current = columns[i];
      }
      ++run;
    }
  }
  if (run > 0) rle.counts.push_back(run);
  if (rle.counts.empty()) rle.counts.push_back(0);
  return rle;
}

std::vector<uint8_t> decode_rle(const Rle& rle) {
  const size_t height = static_cast<size_t>(rle.height), width = static_cast<size_t>(rle.width);
  std::vector<uint8_t> mask(height * width);
  size_t at = 0;
  for (size_t i = 0; i < rle.counts.size(); ++i) {
    const size_t end = at + rle.counts[i];
    SAMC_CHECK(end <= mask.size(), "runs beyond {} x {}", rle.width, rle.height);
    if (i % 2 == 1)
      for (size_t k = at; k < end; ++k) mask[k % height * width + k / height] = 1;
    at = end;
  }
  return mask;
}

std::string compress_rle(const Rle& rle) {
  std::string text;
  for (size_t i = 0; i < rle.counts.size(); ++i) {
    // From the fourth run on, a run is given as its difference to the run of the same kind before.
    int64_t value = rle.counts[i];
    if (i > 2) value -= rle.counts[i - 2];
    bool more = true;
    while (more) {
      int64_t digit = value & 31;
      value >>= 5;
      more = (digit & 16) != 0 ? value != -1 : value != 0;
      if (more) digit |= 32;
      text += static_cast<char>(digit + 48);
    }
  }
  return text;
}

static Result<Rle> decompress_rle_unguarded(std::string_view text, int height, int width) {
  const uint64_t pixels = static_cast<uint64_t>(height) * static_cast<uint64_t>(width);
  Rle rle{height, width, {}};
  uint64_t total = 0;
  for (size_t at = 0; at < text.size();) {
    int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      if (at == text.size() || shift > 35) return invalid_input("a torn run-length encoding");
      const int digit = static_cast<unsigned char>(text[at++]) - 48;
      if (digit < 0 || digit > 63) return invalid_input("a run-length encoding with a character outside its alphabet");
      value |= static_cast<int64_t>(digit & 31) << shift;
      shift += 5;
      more = (digit & 32) != 0;
      if (!more && (digit & 16) != 0) value |= -(int64_t{1} << shift);
    }
    if (rle.counts.size() > 2) value += rle.counts[rle.counts.size() - 2];
    if (value < 0 || static_cast<uint64_t>(value) > pixels - total)
      return invalid_input(fmt::format("a run-length encoding that does not fit {} x {} pixels", width, height));
    total += static_cast<uint64_t>(value);
    rle.counts.push_back(static_cast<uint32_t>(value));
  }
  if (total != pixels)
    return invalid_input(fmt::format("a run-length encoding of {} pixels for a {} x {} mask", total, width, height));
  return rle;
}

Result<Rle> decompress_rle(std::string_view text, int height, int width) {
  return guarded([&] { return decompress_rle_unguarded(text, height, width); });
}

int64_t rle_area(const Rle& rle) {
  int64_t area = 0;
  for (size_t i = 1; i < rle.counts.size(); i += 2) area += rle.counts[i];
  return area;
}

std::array<int, 4> rle_box(const Rle& rle) {
  const int64_t height = rle.height;
  int64_t left = rle.width, right = -1, top = height, bottom = -1;
  int64_t at = 0;
  for (size_t i = 0; i < rle.counts.size(); ++i) {
    const int64_t end = at + rle.counts[i];
    if (i % 2 == 1 && end > at) {
      left = std::min(left, at / height);
      right = std::max(right, (end - 1) / height);
      const bool spans_columns = at / height != (end - 1) / height;
      top = std::min(top, spans_columns ? 0 : at % height);
      bottom = std::max(bottom, spans_columns ? height - 1 : (end - 1) % height);
    }
    at = end;
  }
  if (right < 0) return {0, 0, 0, 0};
  return {static_cast<int>(left), static_cast<int>(top), static_cast<int>(right - left + 1),
          static_cast<int>(bottom - top + 1)};
}

}  // namespace samc
