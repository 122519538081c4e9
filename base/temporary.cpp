#include "base/temporary.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>

namespace samc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = ".work-";
// A folder is made first and locked then; between the two nobody may take it for an abandoned one.
constexpr time_t kYoungestAbandoned = 60;

// A fixed table, because the Ctrl-C handler may neither lock nor allocate.
constexpr size_t kLongestPath = 4096;
struct Unfinished {
  std::atomic<bool> taken{false};
  std::atomic<bool> listed{false};
  std::array<char, kLongestPath> path{};
};
std::array<Unfinished, 32> unfinished;
std::mutex unfinished_mutex;  // of those who list; the handler takes none

std::mutex folders_mutex;
std::set<std::string>& folders() {
  static std::set<std::string> paths;
  return paths;
}

// Takes the lock of a folder that ended processes left behind. -1: it is not ours, no folder, in use, or too young.
int lock_abandoned(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return -1;
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && info.st_uid == ::geteuid() &&
      info.st_mtime + kYoungestAbandoned < ::time(nullptr) && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    return descriptor;
  ::close(descriptor);
  return -1;
}

void remove_abandoned(const fs::path& beside) {
  const std::string prefix = beside.filename().string() + kMark;
  std::error_code error;
  for (fs::directory_iterator entries(beside.parent_path(), error), end; !error && entries != end;
       entries.increment(error)) {
    if (!entries->path().filename().string().starts_with(prefix)) continue;
    const int descriptor = lock_abandoned(entries->path());
    if (descriptor < 0) continue;
    std::error_code ignored;
    fs::remove_all(entries->path(), ignored);
    ::close(descriptor);
  }
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::create(const std::string& name) {
  std::error_code error;
  const fs::path place = fs::temp_directory_path(error);
  return beside(((error ? fs::path("/tmp") : place) / name).string());
}

Result<TemporaryFolder> TemporaryFolder::beside(const std::string& path) {
  std::error_code error;
  const fs::path base = fs::absolute(path, error).lexically_normal();
  if (error) return io_error(fmt::format("{}: {}", path, error.message()));
  remove_abandoned(base);
  // Nothing may throw between the making of the folder and the object that removes it.
  std::string pattern = base.string() + kMark + "XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return io_error(fmt::format("cannot make a folder beside {}: {}", path, std::strerror(errno)));
  TemporaryFolder folder;
  folder.path_ = std::move(pattern);
  list_unfinished(folder.path_);
  {
    const std::lock_guard lock(folders_mutex);
    folders().insert(folder.path_);
  }
  folder.descriptor_ = ::open(folder.path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  // Where folders cannot be locked (some network file systems) none is ever taken for abandoned either.
  if (folder.descriptor_ >= 0) (void)::flock(folder.descriptor_, LOCK_EX | LOCK_NB);
  return folder;
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), descriptor_(std::exchange(other.descriptor_, -1)) {}

TemporaryFolder::~TemporaryFolder() {
  if (path_.empty()) return;
  std::error_code error;
  fs::remove_all(path_, error);
  if (descriptor_ >= 0) ::close(descriptor_);
  unlist_unfinished(path_);
  const std::lock_guard lock(folders_mutex);
  folders().erase(path_);
}

bool is_in_temporary_folder(const std::string& path) {
  const std::lock_guard lock(folders_mutex);
  return folders().contains(fs::path(path).parent_path().string());
}

void list_unfinished(const std::string& path) {
  if (path.size() >= kLongestPath) return;
  const std::lock_guard lock(unfinished_mutex);
  for (Unfinished& entry : unfinished) {
    if (entry.taken.exchange(true)) continue;
    std::memcpy(entry.path.data(), path.c_str(), path.size() + 1);
    entry.listed.store(true);
    return;
  }
}

void unlist_unfinished(const std::string& path) {
  const std::lock_guard lock(unfinished_mutex);
  for (Unfinished& entry : unfinished) {
    if (!entry.listed.load() || path != entry.path.data()) continue;
    entry.listed.store(false);
    entry.taken.store(false);
    return;
  }
}

void remove_unfinished_files() noexcept {
  for (const Unfinished& entry : unfinished)
    if (entry.listed.load()) ::unlink(entry.path.data());
  for (const Unfinished& entry : unfinished)
    if (entry.listed.load()) ::rmdir(entry.path.data());
}

std::string random_letters(size_t count) {
  static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz012345";
  static_assert(sizeof kLetters == 33, "five bits each");
  static std::atomic<uint64_t> serial{0};
  std::string text(count, '\0');
  if (::getrandom(text.data(), count, 0) != static_cast<ssize_t>(count)) {
    // Names need not be secret for safety, since files are made with O_EXCL, but must differ.
    uint64_t state = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
                     (static_cast<uint64_t>(::getpid()) << 40) ^ (++serial * 0x9E3779B97F4A7C15u);
    for (char& c : text) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      c = static_cast<char>(state);
    }
  }
  for (char& c : text) c = kLetters[static_cast<unsigned char>(c) % 32];
  return text;
}

}  // namespace samc
