#include "app/output_guard.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "base/files.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

using FileId = std::pair<dev_t, ino_t>;

std::optional<FileId> id_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

// Devices and pipes hold nothing that could be lost, and several outputs may go to /dev/null.
bool keeps_nothing(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The nearest folder above that is there: what is to be made is made in it.
fs::path nearest_folder(const std::string& path) {
  std::error_code error;
  fs::path folder = fs::absolute(path, error);
  while (!is_there(folder) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// Absolute, without links as far as it exists, and without a slash at the end.
std::string plain(const std::string& path) {
  std::error_code error;
  const fs::path result = fs::weakly_canonical(fs::absolute(path), error);
  const fs::path place = error ? fs::absolute(path, error).lexically_normal() : result;
  return (place.has_filename() ? place : place.parent_path()).string();
}

bool is_within(fs::path path, const std::set<std::string>& folders) {
  for (; path.has_relative_path(); path = path.parent_path())
    if (folders.contains(path.string())) return true;
  return false;
}

// Which of the outputs are one file; those that exist are known by identity, the others by their place.
class Outputs {
 public:
  // The earlier output that is the same file, if any.
  const std::string* add(const std::string& name, const std::string& place) {
    const std::optional<FileId> id = id_of(place);
    const auto [entry, is_new] = id ? add_to(by_id_, *id, name) : add_to(by_place_, plain(place), name);
    return is_new ? nullptr : entry;
  }

 private:
  template <class Key>
  static std::pair<const std::string*, bool> add_to(std::map<Key, std::string>& map, const Key& key,
                                                    const std::string& name) {
    const auto [found, is_new] = map.emplace(key, name);
    return {&found->second, is_new};
  }
  std::map<FileId, std::string> by_id_;
  std::map<std::string, std::string> by_place_;
};

}  // namespace

void OutputGuard::add_output(const std::string& option, const std::string& path) {
  if (!path.empty()) outputs_.push_back({option, path});
}

void OutputGuard::add_output_folder(const std::string& option, const std::string& path) {
  if (!path.empty()) folders_.push_back({option, path});
}

Status OutputGuard::check_folders() const {
  for (const Output& folder : folders_) {
    const fs::path nearest = nearest_folder(folder.path);
    std::error_code error;
    if (!fs::is_directory(nearest, error))
      return io_error(fmt::format("{} {}: {} is no folder", folder.option, folder.path, nearest.string()));
    if (::faccessat(AT_FDCWD, nearest.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
      return io_error(fmt::format("{} {}: cannot write to the folder {}: {}", folder.option, folder.path,
                                  nearest.string(), std::strerror(errno)),
                      "choose a place that you may write to");
  }
  return Status::ok();
}

Status OutputGuard::check() const {
  SAMC_TRY(check_folders());
  std::set<std::string> to_make;
  for (const Output& folder : folders_) to_make.insert(plain(folder.path));
  Outputs outputs;
  std::vector<std::pair<Output, FileId>> existing;
  for (const Output& output : outputs_) {
    Result<std::string> place = follow_links(output.path);
    if (!place.is_ok()) return place.status().at(output.option);
    // A folder that is still to be made was judged above.
    const std::string folder = folder_of(place.value());
    if (is_there(folder) || !is_within(plain(folder), to_make))
      if (const Status status = check_writable(output.path); !status.is_ok()) return status.at(output.option);
    if (keeps_nothing(place.value())) continue;
    const std::string name = fmt::format("{} {}", output.option, output.path);
    if (const std::string* other = outputs.add(name, place.value()))
      return usage_error(fmt::format("{} and {} are one file", *other, name), "give each output a name of its own");
    if (const std::optional<FileId> id = id_of(place.value())) existing.emplace_back(output, *id);
  }
  if (existing.empty()) return Status::ok();

  std::map<FileId, std::string> inputs;
  const auto add = [&](const std::string& path) {
    if (const std::optional<FileId> id = id_of(path)) inputs.emplace(*id, path);
  };
  for (const std::string& path : inputs_) add(path);
  for (const auto& list : lists_)
    for (const std::string& path : list()) add(path);
  for (const auto& [output, id] : existing)
    if (const auto found = inputs.find(id); found != inputs.end())
      return usage_error(
          fmt::format("{} {} would overwrite {}, which is read", output.option, output.path, found->second),
          "write to another place");
  return Status::ok();
}

}  // namespace samc
