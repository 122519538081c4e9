#pragma once
// A zip file in memory, as torch.save writes it: entries found by the central directory, zip64 sizes, data descriptors.
// What holds after parse(): entry names are unique, every entry lies inside the file, no two entries overlap.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"

namespace samc {

struct ZipEntry {
  std::string_view name = {};            // borrows from the file
  std::span<const std::byte> data = {};  // as stored
  uint32_t crc = 0;                      // of the uncompressed bytes
  bool compressed = false;               // data is then no use as it is
  bool encrypted = false;
};

class ZipArchive {
 public:
  static Result<ZipArchive> parse(std::span<const std::byte> file);

  const std::vector<ZipEntry>& entries() const { return entries_; }
  // The index into entries(), or -1.
  int64_t find(std::string_view name) const;

 private:
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string_view, int64_t> by_name_;
};

// The bytes are those that were written: stored plainly, and their CRC is right.
Status verify_stored(const ZipEntry& entry);

}  // namespace samc
