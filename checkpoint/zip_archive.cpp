#include "checkpoint/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace samc {
namespace {

constexpr uint32_t kLocalHeaderSignature = 0x04034b50;
constexpr uint32_t kCentralHeaderSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kZip64EndSignature = 0x06064b50;
constexpr uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr uint64_t kLocalHeaderSize = 30;
constexpr uint64_t kCentralHeaderSize = 46;
constexpr uint64_t kEndSize = 22;
constexpr uint64_t kZip64EndSize = 56;
constexpr uint64_t kZip64LocatorSize = 20;
constexpr uint64_t kLongestComment = 65535;
constexpr uint16_t kZip64ExtraField = 0x0001;
constexpr uint16_t kEncryptedFlag = 1u << 0;
constexpr uint16_t kDataDescriptorFlag = 1u << 3;
constexpr uint32_t kInZip64 = 0xffffffffu;

constexpr const char* kDamagedHint = "the file is damaged or cut short: download or save it again";

// Little-endian fields at fixed places. The caller has checked that the header lies inside the file.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> file) : file_(file) {}
  uint64_t size() const { return file_.size(); }
  bool holds(uint64_t offset, uint64_t size) const { return offset <= file_.size() && size <= file_.size() - offset; }
  uint16_t u16(uint64_t offset) const { return static_cast<uint16_t>(number(offset, 2)); }
  uint32_t u32(uint64_t offset) const { return static_cast<uint32_t>(number(offset, 4)); }
  uint64_t u64(uint64_t offset) const { return number(offset, 8); }
  std::string_view text(uint64_t offset, uint64_t size) const {
    return {reinterpret_cast<const char*>(file_.data()) + offset, static_cast<size_t>(size)};
  }
  std::span<const std::byte> part(uint64_t offset, uint64_t size) const {
    return file_.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
  }

 private:
  uint64_t number(uint64_t offset, int bytes) const {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; --i)
      value = value << 8 | std::to_integer<uint64_t>(file_[static_cast<size_t>(offset) + static_cast<size_t>(i)]);
    return value;
  }
  std::span<const std::byte> file_;
};

struct Directory {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t entry_count = 0;
};

Status damaged(std::string message) { return invalid_input(std::move(message), kDamagedHint); }

Result<Directory> find_directory(const Bytes& file) {
  if (file.size() < kEndSize) return damaged("the zip directory at the end of the file is missing");
  const uint64_t last = file.size() - kEndSize;
  const uint64_t first = last > kLongestComment ? last - kLongestComment : 0;
  for (uint64_t at = last + 1; at-- > first;) {
    if (file.u32(at) != kEndSignature || at + kEndSize + file.u16(at + 20) != file.size()) continue;
    Directory directory{.offset = file.u32(at + 16), .size = file.u32(at + 12), .entry_count = file.u16(at + 10)};
    uint64_t end = at;
    if (at >= kZip64LocatorSize && file.u32(at - kZip64LocatorSize) == kZip64LocatorSignature) {
      const uint64_t zip64 = file.u64(at - kZip64LocatorSize + 8);
      if (!file.holds(zip64, kZip64EndSize) || file.u32(zip64) != kZip64EndSignature)
        return damaged("the zip64 directory record lies outside the file");
      directory = {.offset = file.u64(zip64 + 48), .size = file.u64(zip64 + 40), .entry_count = file.u64(zip64 + 32)};
      end = zip64;
    }
    if (!file.holds(directory.offset, directory.size) || directory.offset + directory.size > end)
      return damaged("the zip directory lies outside the file");
    if (directory.entry_count > directory.size / kCentralHeaderSize)
      return damaged(
          fmt::format("the zip directory of {} bytes cannot hold {} entries", directory.size, directory.entry_count));
    return directory;
  }
  return damaged("the zip directory at the end of the file is missing");
}

struct CentralEntry {
  std::string_view name = {};
  uint64_t stored_size = 0;
  uint64_t size = 0;
  uint64_t local_header = 0;
  uint64_t data = 0;
  uint32_t crc = 0;
  uint16_t flags = 0;
  uint16_t method = 0;
};

// The 64-bit sizes and offset stand in an extra field, in this order, for those fields that hold 0xffffffff.
Status read_zip64_extra(const Bytes& file, uint64_t extra, uint64_t extra_size, CentralEntry& entry) {
  if (entry.size != kInZip64 && entry.stored_size != kInZip64 && entry.local_header != kInZip64) return Status::ok();
  const uint64_t end = extra + extra_size;
  while (extra + 4 <= end) {
    const uint16_t id = file.u16(extra);
    const uint64_t field_end = extra + 4 + file.u16(extra + 2);
    if (field_end > end) break;
    if (id == kZip64ExtraField) {
      uint64_t next = extra + 4;
      for (uint64_t* field : {&entry.size, &entry.stored_size, &entry.local_header}) {
        if (*field != kInZip64) continue;
        if (next + 8 > field_end) return damaged(fmt::format("zip entry {} lacks its 64-bit size", entry.name));
        *field = file.u64(next);
        next += 8;
      }
      return Status::ok();
    }
    extra = field_end;
  }
  return Status::ok();  // no such field: the numbers are what they are, and are checked against the file
}

Status locate_data(const Bytes& file, const Directory& directory, CentralEntry& entry) {
  if (entry.local_header > directory.offset || directory.offset - entry.local_header < kLocalHeaderSize ||
      file.u32(entry.local_header) != kLocalHeaderSignature)
    return damaged(fmt::format("zip entry {} begins at {}, where no entry is", entry.name, entry.local_header));
  const uint16_t name_size = file.u16(entry.local_header + 26);
  const uint16_t extra_size = file.u16(entry.local_header + 28);
  entry.data = entry.local_header + kLocalHeaderSize + name_size + extra_size;
  if (entry.data > directory.offset || entry.stored_size > directory.offset - entry.data)
    return damaged(fmt::format("zip entry {} has {} bytes, more than the file holds", entry.name, entry.stored_size));
  if (file.text(entry.local_header + kLocalHeaderSize, name_size) != entry.name)
    return damaged(fmt::format("zip entry {} has another name in its own header", entry.name));
  const uint16_t flags = file.u16(entry.local_header + 6);
  const uint32_t stored_size = file.u32(entry.local_header + 18);
  const bool sizes_follow_data = (flags & kDataDescriptorFlag) != 0;
  if (file.u16(entry.local_header + 8) != entry.method ||
      (!sizes_follow_data && stored_size != kInZip64 && stored_size != entry.stored_size))
    return damaged(fmt::format("zip entry {} has another size or method in its own header", entry.name));
  return Status::ok();
}

Status check_overlap(std::vector<CentralEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const CentralEntry& a, const CentralEntry& b) { return a.local_header < b.local_header; });
  for (size_t i = 1; i < entries.size(); ++i) {
    const CentralEntry& before = entries[i - 1];
    if (before.data + before.stored_size > entries[i].local_header)
      return damaged(fmt::format("zip entries {} and {} overlap", before.name, entries[i].name));
  }
  return Status::ok();
}

}  // namespace

Result<ZipArchive> ZipArchive::parse(std::span<const std::byte> bytes) {
  const Bytes file(bytes);
  SAMC_ASSIGN(const Directory directory, find_directory(file));
  std::vector<CentralEntry> found;
  found.reserve(static_cast<size_t>(directory.entry_count));
  const uint64_t end = directory.offset + directory.size;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.entry_count; ++i) {
    if (end - at < kCentralHeaderSize || file.u32(at) != kCentralHeaderSignature)
      return damaged(fmt::format("the zip directory breaks off after {} of {} entries", i, directory.entry_count));
    const uint64_t name_size = file.u16(at + 28);
    const uint64_t extra_size = file.u16(at + 30);
    const uint64_t comment_size = file.u16(at + 32);
    if (end - at - kCentralHeaderSize < name_size + extra_size + comment_size)
      return damaged(fmt::format("the zip directory breaks off after {} of {} entries", i, directory.entry_count));
    CentralEntry entry{.name = file.text(at + kCentralHeaderSize, name_size),
                       .stored_size = file.u32(at + 20),
                       .size = file.u32(at + 24),
                       .local_header = file.u32(at + 42),
                       .crc = file.u32(at + 16),
                       .flags = file.u16(at + 8),
                       .method = file.u16(at + 10)};
    for (const char letter : entry.name)
      if (static_cast<unsigned char>(letter) < 0x20)
        return damaged(fmt::format("the name of zip entry {} holds control characters", i));
    SAMC_TRY(read_zip64_extra(file, at + kCentralHeaderSize + name_size, extra_size, entry));
    SAMC_TRY(locate_data(file, directory, entry));
    if (entry.method == 0 && entry.size != entry.stored_size)
      return damaged(fmt::format("zip entry {} is stored plainly but has two sizes", entry.name));
    found.push_back(entry);
    at += kCentralHeaderSize + name_size + extra_size + comment_size;
  }
  SAMC_TRY(check_overlap(found));

  ZipArchive archive;
  for (const CentralEntry& entry : found) {
    if (!archive.by_name_.emplace(entry.name, static_cast<int64_t>(archive.entries_.size())).second)
      return damaged(fmt::format("the zip directory lists {} twice", entry.name));
    archive.entries_.push_back({.name = entry.name,
                                .data = file.part(entry.data, entry.stored_size),
                                .crc = entry.crc,
                                .compressed = entry.method != 0,
                                .encrypted = (entry.flags & kEncryptedFlag) != 0});
  }
  return archive;
}

int64_t ZipArchive::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? -1 : found->second;
}

Status verify_stored(const ZipEntry& entry) {
  if (entry.encrypted)
    return invalid_input(fmt::format("zip entry {} is encrypted", entry.name), "decrypt the file first");
  if (entry.compressed)
    return invalid_input(fmt::format("zip entry {} is compressed, which torch.save never does", entry.name),
                         "load it in PyTorch and save it again with torch.save");
  const uLong crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(entry.data.data()), entry.data.size());
  if (crc != entry.crc)
    return damaged(fmt::format("the bytes of zip entry {} have CRC {:08x} where {:08x} was written", entry.name,
                               static_cast<uint32_t>(crc), entry.crc));
  return Status::ok();
}

}  // namespace samc
