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
#include <vector>

namespace samc {
namespace {

namespace fs = std::filesystem;

// Held while an entry is made. The file may vanish under a waiting process, which then makes the entry once more than
// needed: no harm, since entries appear whole.
class Lock {
 public:
  static Result<Lock> take(const std::string& path, const std::function<void()>& waiting) {
    Lock lock;
    lock.path_ = path;
    lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock.descriptor_ < 0) return io_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
    waiting();
    while (::flock(lock.descriptor_, LOCK_EX) != 0)
      if (errno != EINTR) return io_error(fmt::format("cannot lock {}: {}", path, std::strerror(errno)));
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
  std::string path_;
  int descriptor_ = -1;
};

bool exists(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

// The time of the last use is the file's time of change: access times are often switched off.
void mark_as_used(const std::string& path) { ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0); }

}  // namespace

Result<ModuleCache> ModuleCache::of_user() {
  constexpr uint64_t kMegabyte = 1'000'000, kDefaultLimit = 4000;
  uint64_t limit = kDefaultLimit;
  if (const char* text = std::getenv("SAMC_CACHE_LIMIT_MB"); text != nullptr && *text != '\0') {
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, limit);
    if (error != std::errc{} || stop != end || limit > 1'000'000'000)
      return usage_error(fmt::format("SAMC_CACHE_LIMIT_MB={} is not a number of megabytes", text));
  }
  const char* cache_home = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  // The XDG rules: a relative path is to be ignored.
  if (cache_home != nullptr && cache_home[0] == '/')
    return in_folder(std::string(cache_home) + "/samc", limit * kMegabyte);
  if (home != nullptr && home[0] == '/') return in_folder(std::string(home) + "/.cache/samc", limit * kMegabyte);
  return io_error("no place for compiled modules: neither XDG_CACHE_HOME nor HOME is set");
}

Result<ModuleCache> ModuleCache::in_folder(const std::string& folder, uint64_t limit_bytes) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return io_error(fmt::format("cannot make the cache folder {}: {}", folder, error.message()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return io_error(fmt::format("cannot write to the cache folder {}: {}", folder, std::strerror(errno)));
  return ModuleCache(folder, limit_bytes);
}

Result<ModuleCache::Entry> ModuleCache::get(const std::string& key,
                                            const std::function<Status(const std::string& path)>& make,
                                            const std::function<void()>& waiting) const {
  Entry entry{path_of(key), false};
  if (!exists(entry.path)) {
    SAMC_ASSIGN(const Lock lock, Lock::take(folder_ + "/" + key + ".lock", waiting));
    if (!exists(entry.path)) {
      SAMC_TRY(make(entry.path));
      entry.made = true;
    }
  }
  mark_as_used(entry.path);
  if (entry.made) trim(entry.path);
  return entry;
}

void ModuleCache::remove(const std::string& key) const { ::unlink(path_of(key).c_str()); }

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
    if (path.extension() == ".samc") {
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
