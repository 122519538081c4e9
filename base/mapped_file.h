#pragma once
// A whole file for reading: mapped, or copied into memory.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/file_access.h"
#include "base/memory_budget.h"
#include "base/status.h"

namespace samc {

class MappedFile {
 public:
  // A pipe, a device or a folder is an error; so is a file that shrinks while it is copied. largest: an error names a
  // file of more bytes.
  static Result<MappedFile> open(const std::string& path, FileAccess access = FileAccess::kMap,
                                 uint64_t largest = UINT64_MAX);
  // The file of a descriptor, mapped. The descriptor stays the caller's. path: for messages.
  static Result<MappedFile> map(int descriptor, const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // They start at a multiple of the page size.
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  // Tells the kernel that these pages are no longer needed, so that they do not count as resident. Nothing for a copy.
  void drop_pages() const;

 private:
  Status read(int descriptor, uint64_t size);
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  bool is_copy_ = false;
  MemoryClaim claim_;  // of a copy
  int listed_ = -1;    // place in the table that mapped_file_at reads
  std::string path_;
};

}  // namespace samc
