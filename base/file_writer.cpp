#include "base/file_writer.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/mapped_file.h"
#include "base/temporary.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLetters = 12;
constexpr int kMostLinks = 40;
constexpr mode_t kPermissions = 0777;

Status system_error(const std::string& what, const std::string& path, int code = errno) {
  std::string hint;
  if (code == ENOSPC || code == EDQUOT) hint = "the disk is full: free some space or write elsewhere";
  if (code == ENOENT) hint = "make its folder first";
  if (code == EROFS || code == EACCES || code == EPERM) hint = "choose a place that you may write to";
  return io_error(fmt::format("{} {}: {}", what, path, std::strerror(code)), std::move(hint));
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// The names there stand for open files, not for places: /proc/self/fd, where /dev/stdout and /dev/fd lead.
bool is_process_folder(const std::string& folder) {
  struct statfs info {};
  return ::statfs(folder.c_str(), &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

// The descriptor of this process that the path stands for.
std::optional<int> own_descriptor(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  if (::realpath(folder_of(path).c_str(), real.data()) == nullptr) return std::nullopt;
  if (fmt::format("/proc/{}/fd", ::getpid()) != real.data()) return std::nullopt;
  const std::string name = fs::path(path).filename().string();
  int number = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || stop != name.data() + name.size()) return std::nullopt;
  return number;
}

// The kernel's own rule for following links (protected_symlinks), which reading a link by hand goes round.
bool is_trap(const std::string& link, const struct stat& info) {
  struct stat folder {};
  if (::stat(folder_of(link).c_str(), &folder) != 0) return false;
  const bool everyone_may_write = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
  return everyone_may_write && info.st_uid != ::geteuid() && info.st_uid != folder.st_uid;
}

// Beside the place, in its folder; the name is cut where the file system's limit would be passed.
std::string temporary_name(const std::string& place) {
  constexpr size_t kLongestName = 255;
  const std::string mark = ".tmp-" + random_letters(kLetters);
  std::string name = fs::path(place).filename().string();
  if (name.size() + mark.size() > kLongestName) name.resize(kLongestName - mark.size());
  return (fs::path(place).parent_path() / (name + mark)).string();
}

// What is wrong with writing to place, as far as it can be said before. existing: what is there, if anything.
Status check_place(const std::string& path, const std::string& place, std::optional<struct stat>& existing) {
  struct stat info {};
  if (::stat(place.c_str(), &info) == 0) {
    existing = info;
    if (S_ISDIR(info.st_mode)) return io_error(fmt::format("cannot write {}: it is a folder", path));
    if (::faccessat(AT_FDCWD, place.c_str(), W_OK, AT_EACCESS) != 0) return system_error("cannot write", path);
    if (!S_ISREG(info.st_mode)) return Status::ok();
  } else if (errno != ENOENT) {
    return system_error("cannot write", path);
  }
  if (fs::path(place).filename().empty()) return io_error(fmt::format("cannot write {}: it names no file", path));
  if (is_process_folder(folder_of(place))) return Status::ok();
  if (::faccessat(AT_FDCWD, folder_of(place).c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    return system_error("cannot write", path);
  return Status::ok();
}

// Where the file system knows no fsync, its result says nothing about the file.
bool force_to_disk(int descriptor) { return ::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOSYS; }

// So that the name itself survives a power cut.
Status force_folder_to_disk(const std::string& path, const std::string& place) {
  const int folder = ::open(folder_of(place).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return Status::ok();  // a folder that may be written but not read
  const bool done = force_to_disk(folder);
  const int code = errno;
  ::close(folder);
  return done ? Status::ok() : system_error("cannot force to the disk the folder of", path, code);
}

}  // namespace

Result<std::string> follow_links(const std::string& path) {
  std::string place = path;
  for (int links = 0; links < kMostLinks; ++links) {
    struct stat info {};
    if (::lstat(place.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return place;
    if (is_process_folder(folder_of(place))) return place;
    if (is_trap(place, info))
      return io_error(fmt::format("cannot write {}: another user's link lies there", path),
                      "choose a folder of your own");
    std::error_code error;
    const fs::path target = fs::read_symlink(place, error);
    if (error) return io_error(fmt::format("cannot write {}: {}", path, error.message()));
    place = (fs::path(place).parent_path() / target).string();  // an absolute target stands alone
  }
  return io_error(fmt::format("cannot write {}: too many links", path));
}

Status check_writable(const std::string& path) {
  SAMC_ASSIGN(const std::string place, follow_links(path));
  std::optional<struct stat> existing;
  return check_place(path, place, existing);
}

Result<FileWriter> FileWriter::create(const std::string& path) {
  FileWriter writer;
  writer.path_ = path;
  SAMC_ASSIGN(writer.place_, follow_links(path));
  std::optional<struct stat> existing;
  SAMC_TRY(check_place(path, writer.place_, existing));
  // Renaming over a device or a pipe would replace it.
  if (is_process_folder(folder_of(writer.place_)) || (existing && !S_ISREG(existing->st_mode))) {
    const std::optional<int> own = own_descriptor(writer.place_);
    writer.descriptor_ =
        own ? ::fcntl(*own, F_DUPFD_CLOEXEC, 0) : ::open(writer.place_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (writer.descriptor_ < 0) return system_error("cannot write", path);
    return writer;
  }
  constexpr mode_t kNew = 0666;
  const mode_t mode = existing ? existing->st_mode & kPermissions : kNew;
  constexpr int kAttempts = 100;
  for (int attempt = 0; writer.descriptor_ < 0 && attempt < kAttempts; ++attempt) {
    writer.temporary_ = temporary_name(writer.place_);
    list_unfinished(writer.temporary_);
    writer.descriptor_ = ::open(writer.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (writer.descriptor_ >= 0) break;
    const int code = errno;
    unlist_unfinished(writer.temporary_);
    if (code != EEXIST || attempt + 1 == kAttempts) return system_error("cannot write", path, code);
  }
  if (existing) (void)::fchmod(writer.descriptor_, mode);  // the umask does not narrow what was so before
  return writer;
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      place_(std::move(other.place_)),
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
  const Status status = commit_steps();
  if (!status.is_ok()) ::unlink(temporary_.c_str());
  unlist_unfinished(temporary_);
  if (!status.is_ok() || is_in_temporary_folder(place_)) return status;
  return force_folder_to_disk(path_, place_);
}

// close() is where some file systems report a full disk, so its result counts.
Status FileWriter::commit_steps() {
  const bool forced = is_in_temporary_folder(place_) || force_to_disk(descriptor_);
  const int code = errno;
  if (::close(std::exchange(descriptor_, -1)) != 0) return system_error("cannot write", path_);
  if (!forced) return system_error("cannot write", path_, code);
  if (::rename(temporary_.c_str(), place_.c_str()) != 0) return system_error("cannot write", path_);
  return Status::ok();
}

Status move_into_place(const std::string& made, const std::string& path) {
  SAMC_ASSIGN(const std::string place, follow_links(path));
  std::optional<struct stat> existing;
  SAMC_TRY(check_place(path, place, existing));
  if (!is_process_folder(folder_of(place)) && (!existing || S_ISREG(existing->st_mode))) {
    const int descriptor = ::open(made.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return system_error("cannot read", made);
    if (existing) (void)::fchmod(descriptor, existing->st_mode & kPermissions);
    const bool forced = force_to_disk(descriptor);
    const int code = errno;
    ::close(descriptor);
    if (!forced) return system_error("cannot write", path, code);
    if (::rename(made.c_str(), place.c_str()) == 0) return force_folder_to_disk(path, place);
    if (errno != EXDEV) return system_error("cannot write", path);
  }
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(made));
  SAMC_ASSIGN(FileWriter writer, FileWriter::create(path));
  SAMC_TRY(writer.write(file.bytes().data(), file.bytes().size()));
  SAMC_TRY(writer.commit());
  ::unlink(made.c_str());
  return Status::ok();
}

}  // namespace samc
