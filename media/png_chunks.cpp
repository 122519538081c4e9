#include "media/png_chunks.h"

#include <algorithm>

namespace samc {

std::optional<PngChunk> PngChunks::next() {
  constexpr size_t kHeader = 8, kChecksum = 4;
  if (at_ > png_.size() || png_.size() - at_ < kHeader) return std::nullopt;
  const std::span<const uint8_t> header = png_.subspan(at_, kHeader);
  const std::string_view type(reinterpret_cast<const char*>(header.data()) + 4, 4);
  const auto is_of_a_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (type == "IEND" || !std::all_of(type.begin(), type.end(), is_of_a_name)) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < 4; ++i) length = (length << 8) | header[i];
  const std::span<const uint8_t> rest = png_.subspan(at_ + kHeader);
  const PngChunk chunk{type, rest.first(std::min(length, rest.size())), at_, length <= rest.size()};
  at_ += kHeader + chunk.data.size() + kChecksum;
  return chunk;
}

}  // namespace samc
