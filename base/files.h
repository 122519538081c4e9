#pragma once
// Reading by mmap, and writing so that nothing torn is ever seen: a file is written beside its place and renamed.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"

namespace samc {

// A whole file, read-only, mapped. The pages are shared with the page cache; nothing is copied.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  // Tells the kernel that these pages are no longer needed, so that they do not count as resident.
  void drop_pages() const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
};

// Writes PATH.tmp-PID-N beside PATH; commit() flushes and renames it. Destroyed without commit(), or on Ctrl-C
// (remove_unfinished_files), the temporary file is removed and PATH is as it was. A device or pipe is written in place.
class FileWriter {
 public:
  static Result<FileWriter> create(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Status write(const void* data, size_t size);
  Status write(const std::string& text) { return write(text.data(), text.size()); }
  uint64_t position() const { return position_; }
  Status commit();

 private:
  FileWriter() = default;
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  uint64_t position_ = 0;
};

Result<std::string> read_text_file(const std::string& path, size_t largest_size);
Status write_file(const std::string& path, const void* data, size_t size);
inline Status write_file(const std::string& path, const std::string& text) {
  return write_file(path, text.data(), text.size());
}

// Removes every temporary file that is being written. Async-signal-safe: called from the command line's Ctrl-C handler.
void remove_unfinished_files() noexcept;

}  // namespace samc
