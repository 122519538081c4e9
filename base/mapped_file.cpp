#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace samc {
namespace {

// A fixed table, because a signal handler may neither lock nor allocate. A mapping beyond it has no name then.
struct Mapping {
  std::atomic<bool> taken{false};
  std::atomic<uintptr_t> start{0};
  std::atomic<uintptr_t> end{0};  // 0: not listed
  std::array<char, 512> path{};   // the end of a longer one
};
std::array<Mapping, 512> mappings;

int list_mapping(const void* data, size_t size, const std::string& path) {
  const std::string name = printable(path);  // may throw: before a place is taken
  for (size_t i = 0; i < mappings.size(); ++i) {
    Mapping& entry = mappings[i];
    if (entry.taken.load() || entry.taken.exchange(true)) continue;
    const size_t length = std::min(name.size(), entry.path.size() - 1);
    std::memcpy(entry.path.data(), name.data() + (name.size() - length), length);
    entry.path[length] = '\0';
    entry.start.store(reinterpret_cast<uintptr_t>(data));
    entry.end.store(reinterpret_cast<uintptr_t>(data) + size);
    return static_cast<int>(i);
  }
  return -1;
}

void unlist_mapping(int place) {
  if (place < 0) return;
  Mapping& entry = mappings[static_cast<size_t>(place)];
  entry.end.store(0);
  entry.taken.store(false);
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

Result<uint64_t> size_of_regular_file(int descriptor, const std::string& path) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return io_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  if (S_ISREG(info.st_mode)) return static_cast<uint64_t>(info.st_size);
  const bool is_folder = S_ISDIR(info.st_mode);
  return invalid_input(fmt::format("{} is not a regular file", path),
                       is_folder ? "it is a folder; name a file in it"
                                 : "it is a pipe or a device; write what comes from it to a file and name that");
}

Result<MappedFile> MappedFile::open(const std::string& path, FileAccess access, uint64_t largest) {
  // Without O_NONBLOCK a named pipe would wait for someone to write to it.
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (descriptor.number() < 0) return io_error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  SAMC_ASSIGN(const uint64_t size, size_of_regular_file(descriptor.number(), path));
  if (size > largest)
    return invalid_input(fmt::format("{} has {} bytes, more than the {} allowed here", path, size, largest));
  if (access == FileAccess::kMap) return map(descriptor.number(), path);
  MappedFile file;
  file.path_ = path;
  SAMC_TRY(file.read(descriptor.number(), size));
  return file;
}

Result<MappedFile> MappedFile::map(int descriptor, const std::string& path) {
  SAMC_ASSIGN(const uint64_t size, size_of_regular_file(descriptor, path));
  MappedFile file;
  file.path_ = path;
  if (size == 0) return file;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return io_error(fmt::format("cannot map {}: {}", path, std::strerror(errno)));
  file.data_ = static_cast<const std::byte*>(data);
  file.size_ = size;
  file.listed_ = list_mapping(data, size, path);
  return file;
}

// Pages of their own hold the copy, so that it lies as a mapping would.
Status MappedFile::read(int descriptor, uint64_t size) {
  is_copy_ = true;
  if (size == 0) return Status::ok();
  SAMC_ASSIGN(claim_, MemoryClaim::take(static_cast<int64_t>(size), path_));
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return io_error(fmt::format("cannot take {} bytes of memory for {}: {}", size, path_, std::strerror(errno)));
  data_ = static_cast<const std::byte*>(data);
  size_ = size;
  for (uint64_t done = 0; done < size;) {
    const ssize_t count = ::read(descriptor, static_cast<std::byte*>(data) + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
    if (count == 0)
      return invalid_input(fmt::format("{} became shorter while it was read", path_), "wait until it is written");
    done += static_cast<uint64_t>(count);
  }
  return Status::ok();
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      is_copy_(other.is_copy_),
      claim_(std::move(other.claim_)),
      listed_(std::exchange(other.listed_, -1)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(is_copy_, other.is_copy_);
  std::swap(claim_, other.claim_);
  std::swap(listed_, other.listed_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  unlist_mapping(listed_);
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::drop_pages() const {
  if (data_ != nullptr && !is_copy_) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

const char* mapped_file_at(const void* address) noexcept {
  const auto place = reinterpret_cast<uintptr_t>(address);
  for (const Mapping& entry : mappings)
    if (place >= entry.start.load() && place < entry.end.load()) return entry.path.data();
  return nullptr;
}

}  // namespace samc
