#include "media/container_end.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace samc {
namespace {

using namespace std::string_view_literals;

// Bytes of a file by their place, through one block of it.
class Bytes {
 public:
  using Read = std::function<size_t(uint64_t at, uint8_t* target, size_t size)>;
  Bytes(uint64_t size, Read read) : size_(size), read_(std::move(read)) {}

  uint64_t size() const { return size_; }
  // Nothing beyond the end.
  std::optional<uint8_t> at(uint64_t place) {
    if (place >= size_) return std::nullopt;
    if (place < start_ || place - start_ >= block_.size()) {
      block_.resize(kBlock);
      start_ = place;
      block_.resize(read_(place, block_.data(), kBlock));
      if (block_.empty()) return std::nullopt;
    }
    return block_[static_cast<size_t>(place - start_)];
  }
  // A number of count bytes, the first the greatest.
  std::optional<uint64_t> number(uint64_t place, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) {
      const std::optional<uint8_t> byte = at(place + static_cast<uint64_t>(i));
      if (!byte) return std::nullopt;
      value = value << 8 | *byte;
    }
    return value;
  }
  std::string text(uint64_t place, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += static_cast<char>(at(place + static_cast<uint64_t>(i)).value_or(0));
    return out;
  }

 private:
  static constexpr size_t kBlock = 4096;
  uint64_t size_;
  Read read_;
  uint64_t start_ = 0;
  std::vector<uint8_t> block_;
};

constexpr int kMostParts = 1'000'000;  // boxes or blocks that are looked at

// Each box begins with its length, or 1 and the length in 64 bits behind its name, or 0: up to the end.
ContainerEnd mp4_end(Bytes& bytes) {
  ContainerEnd end{"mp4", false, 0};
  for (int box = 0; box < kMostParts; ++box) {
    const std::optional<uint64_t> length = bytes.number(end.end, 4);
    if (!length || *length == 0) break;
    const std::optional<uint64_t> size = *length == 1 ? bytes.number(end.end + 8, 8) : length;
    end.is_cut = !size || *size > bytes.size() - end.end;
    if (end.is_cut || *size < 8) break;
    end.end += *size;
  }
  return end;
}

// EBML's numbers: as many bytes as the first one has zeros before its first one, and one more. All ones: unknown.
std::optional<uint64_t> ebml_size(Bytes& bytes, uint64_t& at) {
  const std::optional<uint8_t> first = bytes.at(at);
  if (!first || *first == 0) return std::nullopt;
  int count = 1;
  while ((*first & (0x80 >> (count - 1))) == 0) ++count;
  const std::optional<uint64_t> number = bytes.number(at, count);
  at += static_cast<uint64_t>(count);
  if (!number) return std::nullopt;
  const uint64_t mask = (uint64_t{1} << (7 * count)) - 1;
  return (*number & mask) == mask ? std::nullopt : std::optional(*number & mask);
}

bool mkv_is_cut(Bytes& bytes) {
  constexpr uint64_t kSegment = 0x18538067;
  uint64_t at = 4;
  const std::optional<uint64_t> header = ebml_size(bytes, at);
  if (!header || *header > bytes.size()) return header.has_value();
  at += *header;
  if (bytes.number(at, 4) != kSegment) return false;
  at += 4;
  const std::optional<uint64_t> segment = ebml_size(bytes, at);
  return segment && (at > bytes.size() || *segment > bytes.size() - at);
}

uint64_t colour_table_bytes(uint8_t flags) { return (flags & 0x80) != 0 ? uint64_t{3} << ((flags & 7) + 1) : 0; }

bool gif_is_cut(Bytes& bytes) {
  constexpr uint64_t kHeader = 13, kFlags = 10;
  uint64_t at = kHeader + colour_table_bytes(bytes.at(kFlags).value_or(0));
  for (int part = 0; part < kMostParts; ++part) {
    const std::optional<uint8_t> kind = bytes.at(at);
    if (!kind) return at > bytes.size();  // exactly at the end only the mark is missing
    if (*kind == ';') return false;
    if (*kind == ',') {
      const std::optional<uint8_t> flags = bytes.at(at + 9);
      if (!flags) return true;
      at += 11 + colour_table_bytes(*flags);  // and the byte of the code size
    } else if (*kind == '!') {
      at += 2;
    } else {
      return false;  // no gif any more: the decoder judges
    }
    // Blocks of up to 255 bytes, then an empty one.
    for (;; ++part) {
      const std::optional<uint8_t> block = bytes.at(at);
      if (!block || part > kMostParts) return !block;
      at += uint64_t{1} + *block;
      if (*block == 0) break;
    }
  }
  return false;
}

ContainerEnd find(Bytes& bytes) {
  const std::string head = bytes.text(0, 8);
  const std::string_view name = std::string_view(head).substr(4);
  for (const std::string_view box : {"ftyp"sv, "moov"sv, "mdat"sv, "free"sv, "skip"sv, "wide"sv, "moof"sv})
    if (name == box) return mp4_end(bytes);
  if (head.starts_with("\x1a\x45\xdf\xa3"sv)) return {"mkv", mkv_is_cut(bytes), 0};
  if (head.starts_with("GIF8"sv)) return {"gif", gif_is_cut(bytes), 0};
  return {};
}

}  // namespace

ContainerEnd find_container_end(std::span<const std::byte> file) {
  Bytes bytes(file.size(), [&](uint64_t at, uint8_t* target, size_t size) {
    const size_t count = std::min(size, file.size() - static_cast<size_t>(at));
    std::memcpy(target, file.data() + at, count);
    return count;
  });
  return find(bytes);
}

ContainerEnd find_container_end(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return {};
  struct stat info {};
  ContainerEnd end;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) {
    Bytes bytes(static_cast<uint64_t>(info.st_size), [&](uint64_t at, uint8_t* target, size_t size) {
      const ssize_t count = ::pread(descriptor, target, size, static_cast<off_t>(at));
      return count > 0 ? static_cast<size_t>(count) : size_t{0};
    });
    end = find(bytes);
  }
  ::close(descriptor);
  return end;
}

}  // namespace samc
