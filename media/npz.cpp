#include "media/npz.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "base/files.h"
#include "base/guard.h"
#include "base/quote.h"

namespace samc {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr uint16_t kStoredMethod = 0, kDeflatedMethod = 8;
// Deflate cannot expand more than this, so a larger declared size is a lie, found before any memory is taken for it.
constexpr uint64_t kMostDeflateRatio = 1032;
constexpr size_t kMostArrays = 65535;

// Little-endian fields at checked places. A read outside gives nothing.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint64_t size() const { return bytes_.size(); }
  bool has(uint64_t at, uint64_t count) const { return at <= size() && count <= size() - at; }
  uint64_t field(uint64_t at, size_t width) const {
    SAMC_CHECK(has(at, width), "field at {} outside {} bytes", at, size());
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value |= std::to_integer<uint64_t>(bytes_[at + i]) << (8 * i);
    return value;
  }
  uint16_t u16(uint64_t at) const { return static_cast<uint16_t>(field(at, 2)); }
  uint32_t u32(uint64_t at) const { return static_cast<uint32_t>(field(at, 4)); }
  uint64_t u64(uint64_t at) const { return field(at, 8); }
  std::span<const std::byte> part(uint64_t at, uint64_t count) const { return bytes_.subspan(at, count); }
  std::string text(uint64_t at, uint64_t count) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, static_cast<size_t>(count)};
  }

 private:
  std::span<const std::byte> bytes_;
};

struct Entry {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t packed_size = 0;
  uint64_t size = 0;
  uint64_t local_header = 0;
};

struct Directory {
  uint64_t at = 0;
  uint64_t size = 0;
  uint64_t entries = 0;
};

Status broken(const std::string& what) {
  return invalid_input("a damaged .npz archive: " + what, "make the file again");
}

std::optional<uint64_t> find_end_record(const Bytes& bytes) {
  if (bytes.size() < kEndSize) return std::nullopt;
  const uint64_t last = bytes.size() - kEndSize;
  const uint64_t first = last > 65535 ? last - 65535 : 0;  // the comment after the record has at most 65535 bytes
  for (uint64_t at = last + 1; at-- > first;)
    if (bytes.u32(at) == kEndSignature && bytes.u16(at + 20) == last - at) return at;
  return std::nullopt;
}

Result<Directory> find_directory(const Bytes& bytes) {
  const std::optional<uint64_t> end = find_end_record(bytes);
  if (!end) return invalid_input("not a .npz archive, or a truncated one");
  Directory directory{bytes.u32(*end + 16), bytes.u32(*end + 12), bytes.u16(*end + 10)};
  const bool is_zip64 = directory.at == 0xffffffffu || directory.size == 0xffffffffu || directory.entries == 0xffffu;
  if (is_zip64) {
    if (*end < kLocator64Size || bytes.u32(*end - kLocator64Size) != kLocator64Signature)
      return broken("no zip64 locator");
    const auto is_record = [&](uint64_t at) { return bytes.has(at, kEnd64Size) && bytes.u32(at) == kEnd64Signature; };
    uint64_t at = bytes.u64(*end - kLocator64Size + 8);
    // TPU-MLIR writes a wrong place; the record stands in front of its locator then.
    if (!is_record(at) && *end >= kLocator64Size + kEnd64Size) at = *end - kLocator64Size - kEnd64Size;
    if (!is_record(at)) return broken("no zip64 end record");
    directory = {bytes.u64(at + 48), bytes.u64(at + 40), bytes.u64(at + 32)};
  }
  if (!bytes.has(directory.at, directory.size)) return broken("its directory lies outside the file");
  if (directory.entries > kMostArrays || directory.entries * kCentralSize > directory.size)
    return broken("its directory is too short");
  return directory;
}

// Replaces the sizes that stand as 0xffffffff by those of the zip64 extra field.
bool apply_zip64_extra(const Bytes& bytes, uint64_t at, uint64_t size, Entry& entry) {
  const uint64_t end = at + size;
  while (at + 4 <= end) {
    const uint16_t id = bytes.u16(at);
    const uint64_t length = bytes.u16(at + 2);
    at += 4;
    if (length > end - at) return false;
    if (id == 1) {
      uint64_t next = at;
      for (uint64_t* field : {&entry.size, &entry.packed_size, &entry.local_header}) {
        if (*field != 0xffffffffu) continue;
        if (next + 8 > at + length) return false;
        *field = bytes.u64(next);
        next += 8;
      }
      return true;
    }
    at += length;
  }
  return entry.size != 0xffffffffu && entry.packed_size != 0xffffffffu && entry.local_header != 0xffffffffu;
}

Result<std::vector<Entry>> read_directory(const Bytes& bytes) {
  SAMC_ASSIGN(const Directory directory, find_directory(bytes));
  std::vector<Entry> entries;
  uint64_t at = directory.at;
  const uint64_t end = directory.at + directory.size;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    if (end - at < kCentralSize || bytes.u32(at) != kCentralSignature) return broken("its directory is torn");
    Entry entry;
    entry.flags = bytes.u16(at + 8);
    entry.method = bytes.u16(at + 10);
    entry.crc = bytes.u32(at + 16);
    entry.packed_size = bytes.u32(at + 20);
    entry.size = bytes.u32(at + 24);
    entry.local_header = bytes.u32(at + 42);
    const uint64_t name_size = bytes.u16(at + 28), extra_size = bytes.u16(at + 30), comment_size = bytes.u16(at + 32);
    if (end - at - kCentralSize < name_size + extra_size + comment_size) return broken("its directory is torn");
    entry.name = bytes.text(at + kCentralSize, name_size);
    if (!apply_zip64_extra(bytes, at + kCentralSize + name_size, extra_size, entry))
      return broken("a directory entry is torn");
    at += kCentralSize + name_size + extra_size + comment_size;
    entries.push_back(std::move(entry));
  }
  return entries;
}

// A deflated entry's content, piece by piece: an array is inflated into its own memory, and nothing else is as large.
class InflatedEntry {
 public:
  InflatedEntry(std::span<const std::byte> packed, uint64_t size) : packed_(packed), left_(size) {}
  ~InflatedEntry() { inflateEnd(&stream_); }
  InflatedEntry(const InflatedEntry&) = delete;
  InflatedEntry& operator=(const InflatedEntry&) = delete;

  // Its one error but missing memory is a wrong argument.
  Status start() { return inflateInit2(&stream_, -MAX_WBITS) == Z_OK ? Status::ok() : Status::out_of_memory(); }
  uint64_t left() const { return left_; }

  // Fills target; at most left() bytes.
  Status read(std::span<std::byte> target) {
    size_t written = 0;
    while (written < target.size() && code_ == Z_OK) written += inflate_piece(target.subspan(written));
    if (written < target.size()) return misfit();
    crc_ = static_cast<uint32_t>(crc32_z(crc_, reinterpret_cast<const Bytef*>(target.data()), target.size()));
    left_ -= target.size();
    return Status::ok();
  }

  // What comes after the array counts for the checksum only.
  Status finish(uint32_t crc) {
    std::array<std::byte, 16384> rest;
    while (left_ > 0) SAMC_TRY(read(std::span(rest).first(std::min<uint64_t>(left_, rest.size()))));
    while (code_ == Z_OK)
      if (inflate_piece(rest) > 0) return misfit();
    if (code_ != Z_STREAM_END) return misfit();
    return crc_ == crc ? Status::ok() : broken("checksum mismatch");
  }

 private:
  Status misfit() const {
    return code_ == Z_MEM_ERROR ? Status::out_of_memory() : broken("compressed data do not fit their declared size");
  }

  // Some bytes of target, and how many.
  size_t inflate_piece(std::span<std::byte> target) {
    constexpr size_t kMostAtOnce = std::numeric_limits<uInt>::max();
    const size_t in = std::min(packed_.size() - consumed_, kMostAtOnce);
    const size_t out = std::min(target.size(), kMostAtOnce);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data() + consumed_));
    stream_.avail_in = static_cast<uInt>(in);
    stream_.next_out = reinterpret_cast<Bytef*>(target.data());
    stream_.avail_out = static_cast<uInt>(out);
    code_ = inflate(&stream_, Z_NO_FLUSH);
    consumed_ += in - stream_.avail_in;
    return out - stream_.avail_out;
  }

  std::span<const std::byte> packed_;
  uint64_t left_;
  size_t consumed_ = 0;
  z_stream stream_{};
  int code_ = Z_OK;
  uint32_t crc_ = 0;
};

Result<Tensor> read_deflated(std::span<const std::byte> packed, const Entry& entry) {
  if (entry.size > entry.packed_size * kMostDeflateRatio + 64) return broken("an impossible size is declared");
  InflatedEntry content(packed, entry.size);
  SAMC_TRY(content.start());
  std::vector<std::byte> start(std::min<uint64_t>(entry.size, kNpyStartBytes));
  SAMC_TRY(content.read(start));
  SAMC_ASSIGN(const size_t header_bytes, npy_header_bytes(start));
  const size_t known = start.size();
  start.resize(std::min<uint64_t>(entry.size, std::max(header_bytes, known)));
  SAMC_TRY(content.read(std::span(start).subspan(known)));
  SAMC_ASSIGN(const NpyHeader header, parse_npy_header(start));
  if (static_cast<uint64_t>(header.data_bytes) > content.left()) return npy_truncated(header, content.left());
  const bool in_order = !header.fortran_order || header.shape.size() < 2;
  Tensor tensor = in_order ? Tensor(header.dtype, header.shape) : Tensor(DType::kU8, {header.data_bytes});
  SAMC_TRY(content.read({static_cast<std::byte*>(tensor.data()), static_cast<size_t>(header.data_bytes)}));
  SAMC_TRY(content.finish(entry.crc));
  if (in_order) return tensor;
  return npy_tensor(header, static_cast<const std::byte*>(tensor.data()));
}

Result<Tensor> read_entry(const Bytes& bytes, const Entry& entry) {
  if ((entry.flags & 1u) != 0) return unsupported("an encrypted archive");
  if (!bytes.has(entry.local_header, kLocalSize) || bytes.u32(entry.local_header) != kLocalSignature)
    return broken("no local header");
  const uint64_t start =
      entry.local_header + kLocalSize + bytes.u16(entry.local_header + 26) + bytes.u16(entry.local_header + 28);
  if (!bytes.has(start, entry.packed_size)) return broken("data lie outside the file");
  const std::span<const std::byte> packed = bytes.part(start, entry.packed_size);
  if (entry.method == kDeflatedMethod) return read_deflated(packed, entry);
  if (entry.method != kStoredMethod)
    return unsupported(fmt::format("zip method {}", entry.method), "save with numpy.savez or savez_compressed");
  if (entry.size != entry.packed_size) return broken("a stored entry has two sizes");
  if (crc32_z(0, reinterpret_cast<const Bytef*>(packed.data()), packed.size()) != entry.crc)
    return broken("checksum mismatch");
  return parse_npy(packed);
}

void append(std::string& out, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

// The fields that a local header and a directory entry share, from "version needed" to "extra field length".
std::string shared_fields(const Entry& entry, size_t extra_size) {
  constexpr uint64_t kVersion = 20, kDate = 0x21;  // 1980-01-01, the zero of zip's calendar
  std::string out;
  append(out, kVersion, 2);
  append(out, entry.flags, 2);
  append(out, entry.method, 2);
  append(out, 0, 2);
  append(out, kDate, 2);
  append(out, entry.crc, 4);
  append(out, entry.packed_size, 4);
  append(out, entry.size, 4);
  append(out, entry.name.size(), 2);
  append(out, extra_size, 2);
  return out;
}

std::string deflate_all(const std::string& header, const TensorView& tensor) {
  z_stream stream{};
  constexpr int kLevel = 4, kMemoryLevel = 8;  // logits hardly shrink and masks shrink at any level: speed counts
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, -MAX_WBITS, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();  // its one other error is a wrong parameter
  const std::unique_ptr<z_stream, int (*)(z_stream*)> cleanup(&stream, deflateEnd);
  std::string packed;
  std::vector<char> buffer(256 * 1024);
  const auto feed = [&](const void* data, size_t size, int flush) {
    constexpr size_t kPiece = size_t{1} << 30;
    const auto* next = static_cast<const Bytef*>(data);
    do {
      const size_t piece = std::min(size, kPiece);
      size -= piece;
      stream.next_in = const_cast<Bytef*>(next);
      stream.avail_in = static_cast<uInt>(piece);
      next += piece;
      do {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        deflate(&stream, size == 0 ? flush : Z_NO_FLUSH);
        packed.append(buffer.data(), buffer.size() - stream.avail_out);
      } while (stream.avail_out == 0);
    } while (size > 0);
  };
  feed(header.data(), header.size(), Z_NO_FLUSH);
  feed(tensor.data, static_cast<size_t>(tensor.bytes()), Z_FINISH);
  return packed;
}

}  // namespace

Result<Npz> Npz::parse(std::span<const std::byte> content, int64_t most_bytes) {
  return guarded([&] { return parse_unguarded(content, most_bytes); });
}

Result<Npz> Npz::parse_unguarded(std::span<const std::byte> content, int64_t most_bytes) {
  const Bytes bytes(content);
  SAMC_ASSIGN(const std::vector<Entry> entries, read_directory(bytes));
  Npz npz;
  std::set<std::string> seen;
  uint64_t total = 0;
  for (const Entry& entry : entries) {
    std::string name = entry.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    if (!seen.insert(name).second) return broken("two arrays of one name");
    total += std::min<uint64_t>(entry.size, uint64_t{1} << 40);
    if (total > static_cast<uint64_t>(most_bytes))
      return invalid_input(fmt::format("arrays of more than {} bytes together", most_bytes));
    Result<Tensor> tensor = read_entry(bytes, entry);
    if (!tensor.is_ok()) return tensor.status().at("array " + quote(name));
    npz.arrays_.emplace_back(std::move(name), std::move(tensor).value());
  }
  return npz;
}

Result<Npz> Npz::read(const std::string& path, int64_t most_bytes) {
  return guarded([&]() -> Result<Npz> {
    SAMC_ASSIGN(const MappedFile file, MappedFile::open(path, FileAccess::kCopy));
    Result<Npz> npz = parse_unguarded(file.bytes(), most_bytes);
    if (!npz.is_ok()) return npz.status().at(path);
    npz.value().path_ = path;
    return npz;
  });
}

const Tensor* Npz::find(const std::string& name) const {
  for (const auto& [key, tensor] : arrays_)
    if (key == name) return &tensor;
  return nullptr;
}

Result<const Tensor*> Npz::get(const std::string& name) const {
  if (const Tensor* tensor = find(name)) return tensor;
  std::string present;
  for (size_t i = 0; i < arrays_.size() && i < 6; ++i) present += (i > 0 ? ", " : "") + quote(arrays_[i].first);
  if (arrays_.size() > 6) present += ", ...";
  return invalid_input(fmt::format("{} has no array {}", path_, name),
                       present.empty() ? "it is empty" : "it holds " + present);
}

static Status write_npz_unguarded(const std::string& path, std::span<const std::pair<std::string, TensorView>> arrays,
                                  NpzCompression compression) {
  constexpr uint64_t kMostSize = 0xfffffffeu;  // beyond this zip needs its 64-bit extension, which we do not write
  const auto too_large = [&](const std::string& name) {
    return invalid_input(fmt::format("{}: array {} makes the archive larger than 4 GiB", path, name),
                         "ask for fewer prompts at once");
  };
  SAMC_ASSIGN(FileWriter writer, FileWriter::create(path));
  std::string directory;
  for (const auto& [name, tensor] : arrays) {
    const std::string header = npy_header(tensor);
    Entry entry;
    entry.name = name + ".npy";
    entry.local_header = writer.position();
    entry.size = header.size() + static_cast<uint64_t>(tensor.bytes());
    if (entry.size > kMostSize) return too_large(name);  // before its bytes are read
    entry.crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(header.data()), header.size()));
    if (tensor.bytes() > 0)  // crc32_z restarts when its data pointer is null
      entry.crc = static_cast<uint32_t>(
          crc32_z(entry.crc, static_cast<const Bytef*>(tensor.data), static_cast<size_t>(tensor.bytes())));
    std::string packed;
    if (compression == NpzCompression::kDeflated) {
      packed = deflate_all(header, tensor);
      entry.method = kDeflatedMethod;
      entry.packed_size = packed.size();
    } else {
      entry.packed_size = entry.size;
    }
    if (entry.local_header + entry.packed_size > kMostSize) return too_large(name);
    std::string local;
    append(local, kLocalSignature, 4);
    SAMC_TRY(writer.write(local + shared_fields(entry, 0) + entry.name));
    if (compression == NpzCompression::kDeflated) {
      SAMC_TRY(writer.write(packed));
    } else {
      SAMC_TRY(writer.write(header));
      SAMC_TRY(writer.write(tensor.data, static_cast<size_t>(tensor.bytes())));
    }
    append(directory, kCentralSignature, 4);
    append(directory, 20, 2);  // made by: version 2.0
    directory += shared_fields(entry, 0);
    append(directory, 0, 6);  // comment length, disk, internal attributes
    append(directory, 0, 4);  // external attributes
    append(directory, entry.local_header, 4);
    directory += entry.name;
  }
  if (writer.position() > kMostSize) return invalid_input(fmt::format("{}: an archive larger than 4 GiB", path));
  std::string end;
  append(end, kEndSignature, 4);
  append(end, 0, 4);
  append(end, arrays.size(), 2);
  append(end, arrays.size(), 2);
  append(end, directory.size(), 4);
  append(end, writer.position(), 4);
  append(end, 0, 2);
  SAMC_TRY(writer.write(directory + end));
  return writer.commit();
}

Status write_npz(const std::string& path, std::span<const std::pair<std::string, TensorView>> arrays,
                 NpzCompression compression) {
  return guarded([&] { return write_npz_unguarded(path, arrays, compression); });
}

}  // namespace samc
