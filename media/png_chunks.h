#pragma once
// Inside media/: the chunks of a PNG, one after the other, up to where they end or make no sense.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace samc {

struct PngChunk {
  std::string_view type;          // "IDAT"
  std::span<const uint8_t> data;  // what there is of it
  size_t at = 0;                  // where the chunk begins: its length, four bytes, big end first
  bool is_whole = true;           // the data, whatever becomes of the checksum after them
};

class PngChunks {
 public:
  explicit PngChunks(std::span<const std::byte> png) : png_(reinterpret_cast<const uint8_t*>(png.data()), png.size()) {}

  // Nothing after the end chunk, at the end of the file, and where no chunk's name stands.
  std::optional<PngChunk> next();

 private:
  static constexpr size_t kSignature = 8;
  std::span<const uint8_t> png_;
  size_t at_ = kSignature;
};

}  // namespace samc
