#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "media/exif.h"
#include "media/png_chunks.h"

namespace samc {
namespace {

// Pillow's limits of one compressed text and of all texts.
constexpr size_t kLongestText = size_t{1} << 20, kMostText = size_t{64} << 20;

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What comes before the first zero, which goes too; nothing when there is none.
std::optional<std::string_view> take_word(std::string_view& text) {
  const size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return word;
}

// Nothing when it is damaged or too long. A text that is cut off is given as far as it goes.
std::optional<std::string> inflated(std::string_view packed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> cleanup(&stream, inflateEnd);
  std::string text(kLongestText, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int code = inflate(&stream, Z_SYNC_FLUSH);
  const bool is_cut_off = code == Z_OK || code == Z_BUF_ERROR;
  if (code != Z_STREAM_END && !(is_cut_off && stream.avail_in == 0)) return std::nullopt;
  text.resize(text.size() - stream.avail_out);
  return text;
}

// The bytes of "Raw profile type exif": three lines of heading, then hexadecimal digits in pairs.
std::optional<std::vector<uint8_t>> profile_bytes(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  std::string digits(text);
  std::erase(digits, '\n');
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    while (i < digits.size() && std::string_view(" \t\r\v\f").find(digits[i]) != std::string_view::npos) ++i;
    if (i == digits.size()) break;
    const int high = digit(digits[i]), low = i + 1 < digits.size() ? digit(digits[i + 1]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(high * 16 + low));
  }
  return bytes;
}

// What the chunks say, the last of each kind.
class PngMetadata {
 public:
  void add(const PngChunk& chunk) {
    if (chunk.type == "eXIf") {
      exif_ = std::vector<uint8_t>{'E', 'x', 'i', 'f', 0, 0};
      exif_->insert(exif_->end(), chunk.data.begin(), chunk.data.end());
    } else if (chunk.type == "tEXt")
      add_text(text_of(chunk.data));
    else if (chunk.type == "zTXt")
      add_compressed_text(text_of(chunk.data));
    else if (chunk.type == "iTXt")
      add_international_text(text_of(chunk.data));
  }

  int orientation() const {
    if (exif_ || profile_) {
      std::optional<std::vector<uint8_t>> block = exif_;
      if (!block) block = profile_bytes(*profile_);
      if (!block) return 1;
      if (const std::optional<int> found = exif_orientation(*block)) return *found;
    }
    return xmp_orientation(xmp_.empty() ? undecoded_xmp_ : xmp_).value_or(1);
  }

 private:
  static constexpr std::string_view kXmp = "XML:com.adobe.xmp", kProfile = "Raw profile type exif";

  static bool is_wanted(std::string_view keyword) { return keyword == kXmp || keyword == kProfile; }

  void set(std::string_view keyword, std::string text) {
    if (keyword == kXmp)
      xmp_ = std::move(text);
    else
      profile_ = std::move(text);
  }

  void add_text(std::string_view text) {
    const std::optional<std::string_view> keyword = take_word(text);
    if (!keyword) return;
    if (*keyword == "exif") exif_.emplace(text.begin(), text.end());
    if (is_wanted(*keyword)) set(*keyword, std::string(text));
  }

  void add_compressed_text(std::string_view text) {
    const std::optional<std::string_view> keyword = take_word(text);
    if (!keyword || !is_wanted(*keyword) || text.empty() || text.front() != 0) return;
    if (!has_room()) return;
    std::string content = inflated(text.substr(1)).value_or("");
    inflated_bytes_ += content.size();
    set(*keyword, std::move(content));
  }

  void add_international_text(std::string_view text) {
    const std::optional<std::string_view> keyword = take_word(text);
    if (!keyword || !is_wanted(*keyword) || text.size() < 2) return;
    const char compression = text[0], method = text[1];
    text.remove_prefix(2);
    const std::optional<std::string_view> language = take_word(text);
    const std::optional<std::string_view> translated = language ? take_word(text) : std::nullopt;
    if (!translated || (compression != 0 && (method != 0 || !has_room()))) return;
    std::optional<std::string> content = compression != 0 ? inflated(text) : std::string(text);
    if (!content) return;
    inflated_bytes_ += content->size();
    if (*keyword == kXmp) undecoded_xmp_ = *content;
    if (is_utf8(*language) && is_utf8(*translated) && is_utf8(*content)) set(*keyword, std::move(*content));
  }

  bool has_room() const { return inflated_bytes_ <= kMostText; }

  std::optional<std::vector<uint8_t>> exif_;
  std::optional<std::string> profile_;
  std::string xmp_, undecoded_xmp_;
  size_t inflated_bytes_ = 0;
};

}  // namespace

int png_orientation(std::span<const std::byte> png) {
  PngMetadata metadata;
  PngChunks chunks(png);
  bool is_animated = false, has_pixels = false;
  while (const std::optional<PngChunk> chunk = chunks.next()) {
    if (chunk->type == "acTL") is_animated = true;
    if (chunk->type == "IDAT") has_pixels = true;
    if (chunk->type == "fcTL" && is_animated && has_pixels) break;  // the next frame's
    if (chunk->is_whole) metadata.add(*chunk);
  }
  return metadata.orientation();
}

}  // namespace samc
