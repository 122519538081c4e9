#include "app/module_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

namespace samc {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnerFolder = 0700, kOwnerFile = 0600, kOthers = 077, kOthersWrite = 022;

// The time of the last use is the file's time of change: access times are often switched off.
void mark_as_used(int descriptor) { ::futimens(descriptor, nullptr); }

// Held while an entry is made. The file may vanish under a waiting process, which then makes the entry once more than
// needed: no harm, since entries appear whole.
class Lock {
 public:
  static Result<Lock> take(const std::string& path, std::chrono::milliseconds longest,
                           const std::function<void(double seconds)>& waiting) {
    constexpr std::chrono::milliseconds kPause{50};
    constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    Lock lock;
    lock.path_ = path;
    lock.descriptor_ = ::open(path.c_str(), kFlags, kOwnerFile);
    if (lock.descriptor_ < 0) return io_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    const auto start = std::chrono::steady_clock::now();
    while (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        const int code = errno;
        lock.abandon();
        return io_error(fmt::format("cannot lock {}: {}", path, std::strerror(code)));
      }
      const auto waited = std::chrono::steady_clock::now() - start;
      const double seconds = std::chrono::duration<double>(waited).count();
      if (waited >= longest) {
        lock.abandon();
        return io_error(fmt::format("another process has held {} for {:.0f} s", path, seconds));
      }
      waiting(seconds);
      std::this_thread::sleep_for(kPause);
    }
    return lock;
  }
  Lock(Lock&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~Lock() {
    if (descriptor_ < 0) return;
    ::unlink(path_.c_str());
    ::close(descriptor_);
  }

 private:
  Lock() = default;
  // The file stays: another holds it.
  void abandon() { ::close(std::exchange(descriptor_, -1)); }
  std::string path_;
  int descriptor_ = -1;
};

struct DescriptorCloser {
  int descriptor;
  ~DescriptorCloser() { ::close(descriptor); }
};

Result<uint64_t> number_from(const char* variable, uint64_t otherwise, uint64_t most, const char* unit) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return otherwise;
  uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || stop != end || value > most)
    return usage_error(fmt::format("{}={} is not a number of {}", variable, text, unit));
  return value;
}

// A key as module_key() makes them, and ".samc": what has another name is not the cache's, and stays.
bool is_entry(const fs::path& path) {
  constexpr size_t kKeyLength = 32;
  const std::string key = path.stem().string();
  return path.extension() == ".samc" && key.size() == kKeyLength &&
         key.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<ModuleCache> ModuleCache::of_user() {
  constexpr uint64_t kMegabyte = 1'000'000, kDefaultLimit = 4000;
  SAMC_ASSIGN(const uint64_t limit, number_from("SAMC_CACHE_LIMIT_MB", kDefaultLimit, 1'000'000'000, "megabytes"));
  constexpr uint64_t kWait = kDefaultWait / std::chrono::seconds(1);
  SAMC_ASSIGN(const uint64_t seconds, number_from("SAMC_CACHE_WAIT_S", kWait, 1'000'000, "seconds"));
  const std::chrono::seconds wait(seconds);
  const char* cache_home = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  // The XDG rules: a relative path is to be ignored.
  if (cache_home != nullptr && cache_home[0] == '/')
    return in_folder(std::string(cache_home) + "/samc", limit * kMegabyte, wait);
  if (home != nullptr && home[0] == '/') return in_folder(std::string(home) + "/.cache/samc", limit * kMegabyte, wait);
  return io_error("no place for compiled modules: neither XDG_CACHE_HOME nor HOME is set");
}

Result<ModuleCache> ModuleCache::in_folder(const std::string& folder, uint64_t limit_bytes,
                                           std::chrono::milliseconds longest_wait) {
  const auto refuse = [&](const char* what, const std::string& why) {
    return io_error(fmt::format("cannot {} the cache folder {}: {}", what, folder, why));
  };
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  if (error) return refuse("make", error.message());
  if (::mkdir(folder.c_str(), kOwnerFolder) != 0 && errno != EEXIST) return refuse("make", std::strerror(errno));
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return refuse("use", std::strerror(errno));
  if (!S_ISDIR(info.st_mode)) return refuse("use", "it is no folder");
  // What lies in another's folder may be anything.
  if (info.st_uid != ::geteuid()) return refuse("use", "it belongs to another user");
  if ((info.st_mode & kOthers) != 0 && ::chmod(folder.c_str(), kOwnerFolder) != 0)
    return refuse("close to others", std::strerror(errno));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return refuse("write to", std::strerror(errno));
  return ModuleCache(folder, limit_bytes, longest_wait);
}

Result<std::optional<MappedFile>> ModuleCache::find(const std::string& key) const {
  const std::string path = path_of(key);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return std::optional<MappedFile>();
    return io_error(fmt::format("cannot open {}: {}", path, errno == ELOOP ? "it is a link" : std::strerror(errno)));
  }
  const DescriptorCloser closer{descriptor};
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return io_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) return io_error(fmt::format("{} is no file", path));
  if (info.st_uid != ::geteuid()) return io_error(fmt::format("{} belongs to another user", path));
  // Another may have written it, so it is made again. The folder is the owner's alone, so it can be.
  if ((info.st_mode & kOthersWrite) != 0) {
    if (::unlink(path.c_str()) == 0) return std::optional<MappedFile>();
    return io_error(fmt::format("{} may be written by others, and cannot be removed: {}", path, std::strerror(errno)));
  }
  mark_as_used(descriptor);
  Result<MappedFile> file = MappedFile::map(descriptor, path);
  if (!file.is_ok()) return file.status();
  return std::optional<MappedFile>(std::move(file).value());
}

Result<ModuleCache::Entry> ModuleCache::get(const std::string& key,
                                            const std::function<Status(const std::string& path)>& make,
                                            const std::function<void(double seconds)>& waiting) const {
  SAMC_ASSIGN(std::optional<MappedFile> found, find(key));
  if (found) return Entry{std::move(*found), false};
  SAMC_ASSIGN(const Lock lock, Lock::take(folder_ + "/" + key + ".lock", longest_wait_, waiting));
  SAMC_ASSIGN(found, find(key));
  if (found) return Entry{std::move(*found), false};
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SAMC_TRY(make(path_of(key)));
    ::chmod(path_of(key).c_str(), kOwnerFile);
    SAMC_ASSIGN(found, find(key));
    if (!found) continue;  // evicted by another process before it could be opened
    trim(path_of(key));
    return Entry{std::move(*found), true};
  }
  return io_error(fmt::format("{} was removed each time it was made", path_of(key)));
}

Status ModuleCache::remove(const std::string& key) const {
  if (::unlink(path_of(key).c_str()) == 0 || errno == ENOENT) return Status::ok();
  return io_error(fmt::format("cannot remove {}: {}", path_of(key), std::strerror(errno)));
}

void ModuleCache::trim(const std::string& keep) const {
  struct Found {
    fs::file_time_type used;
    uint64_t bytes;
    std::string path;
  };
  std::vector<Found> modules;
  uint64_t total = 0;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator entries(folder_, error), end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;  // a file may vanish at any time: another process trims too
    const fs::path& path = entries->path();
    const uint64_t bytes = entries->file_size(ignored);
    if (ignored) continue;
    const fs::file_time_type used = entries->last_write_time(ignored);
    if (ignored) continue;
    const std::string name = path.filename().string();
    if (is_entry(path)) {
      modules.push_back({used, bytes, path.string()});
      total += bytes;
    } else if (name.find(".samc.tmp-") != std::string::npos || path.extension() == ".lock") {
      if (now - used > std::chrono::hours(1)) ::unlink(path.c_str());
    }
  }
  std::sort(modules.begin(), modules.end(), [](const Found& a, const Found& b) { return a.used < b.used; });
  for (const Found& module : modules) {
    if (total <= limit_) break;
    if (module.path == keep) continue;
    ::unlink(module.path.c_str());
    total -= module.bytes;
  }
}

}  // namespace samc
