#include "base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace samc {
namespace {

// A fixed table, because the Ctrl-C handler may neither lock nor allocate.
constexpr size_t kLongestPath = 4096;
struct UnfinishedFile {
  std::atomic<bool> taken{false};
  std::atomic<bool> listed{false};
  std::array<char, kLongestPath> path{};
};
std::array<UnfinishedFile, 32> unfinished_files;

void list_unfinished(const std::string& path) {
  if (path.size() >= kLongestPath) return;
  for (UnfinishedFile& entry : unfinished_files) {
    if (entry.taken.exchange(true)) continue;
    std::memcpy(entry.path.data(), path.c_str(), path.size() + 1);
    entry.listed.store(true);
    return;
  }
}

void unlist_unfinished(const std::string& path) {
  for (UnfinishedFile& entry : unfinished_files) {
    if (!entry.listed.load() || path != entry.path.data()) continue;
    entry.listed.store(false);
    entry.taken.store(false);
    return;
  }
}

Status system_error(const std::string& what, const std::string& path, std::string hint = {}) {
  const int code = errno;
  if (code == ENOSPC || code == EDQUOT) hint = "the disk is full: free some space or write elsewhere";
  if (code == EROFS || code == EACCES) hint = "choose a place that you may write to";
  return io_error(fmt::format("{} {}: {}", what, path, std::strerror(code)), std::move(hint));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return io_error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return invalid_input(fmt::format("{} is not a regular file", path));
  }
  MappedFile file;
  file.path_ = path;
  file.size_ = static_cast<size_t>(info.st_size);
  if (file.size_ > 0) {
    void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) {
      const Status status = io_error(fmt::format("cannot map {}: {}", path, std::strerror(errno)));
      ::close(descriptor);
      file.size_ = 0;
      return status;
    }
    file.data_ = static_cast<const std::byte*>(data);
  }
  ::close(descriptor);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::drop_pages() const {
  if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

Result<FileWriter> FileWriter::create(const std::string& path) {
  static std::atomic<int> serial{0};
  FileWriter writer;
  writer.path_ = path;
  // A device or a pipe (/dev/null, /dev/stdout) is written in place: renaming over it would replace it.
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return io_error(fmt::format("cannot write {}: it is a folder", path));
    writer.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (writer.descriptor_ < 0) return system_error("cannot write", path);
    return writer;
  }
  writer.temporary_ = fmt::format("{}.tmp-{}-{}", path, ::getpid(), serial.fetch_add(1));
  list_unfinished(writer.temporary_);
  writer.descriptor_ = ::open(writer.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (writer.descriptor_ < 0) {
    Status status = system_error("cannot write", path);
    unlist_unfinished(writer.temporary_);
    return status;
  }
  return writer;
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      position_(other.position_) {}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  unlist_unfinished(temporary_);
}

Status FileWriter::write(const void* data, size_t size) {
  SAMC_CHECK(descriptor_ >= 0, "write after commit to {}", path_);
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, next, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_error("cannot write", path_);
    }
    next += written;
    size -= static_cast<size_t>(written);
    position_ += static_cast<uint64_t>(written);
  }
  return Status::ok();
}

Status FileWriter::commit() {
  SAMC_CHECK(descriptor_ >= 0, "commit twice to {}", path_);
  if (temporary_.empty()) {
    if (::close(std::exchange(descriptor_, -1)) != 0) return system_error("cannot write", path_);
    return Status::ok();
  }
  // close() is where some file systems report a full disk, so its result counts.
  if (::close(std::exchange(descriptor_, -1)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    Status status = system_error("cannot write", path_);
    ::unlink(temporary_.c_str());
    unlist_unfinished(temporary_);
    return status;
  }
  unlist_unfinished(temporary_);
  return Status::ok();
}

Result<std::string> read_text_file(const std::string& path, size_t largest_size) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > largest_size)
    return invalid_input(
        fmt::format("{} has {} bytes, more than the {} allowed here", path, file.bytes().size(), largest_size));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

Status write_file(const std::string& path, const void* data, size_t size) {
  SAMC_ASSIGN(FileWriter writer, FileWriter::create(path));
  SAMC_TRY(writer.write(data, size));
  return writer.commit();
}

void remove_unfinished_files() noexcept {
  for (UnfinishedFile& entry : unfinished_files)
    if (entry.listed.load()) ::unlink(entry.path.data());
}

}  // namespace samc
