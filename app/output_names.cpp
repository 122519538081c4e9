#include "app/output_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace samc {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const std::string& image) {
  std::error_code error;
  const fs::path whole = fs::absolute(image, error);
  return (error ? fs::path(image) : whole).lexically_normal().parent_path();
}

bool share_a_name(const std::vector<std::string>& images, const std::vector<fs::path>& folders) {
  std::map<std::string, fs::path> folder_by_stem;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto [found, is_new] = folder_by_stem.try_emplace(fs::path(images[i]).stem().string(), folders[i]);
    if (!is_new && found->second != folders[i]) return true;
  }
  return false;
}

// The folder that all of them are in, or are.
fs::path common_folder(const std::vector<fs::path>& folders) {
  fs::path common = folders.front();
  for (const fs::path& folder : folders) {
    const auto [end, unused] = std::mismatch(common.begin(), common.end(), folder.begin(), folder.end());
    fs::path shared;
    for (auto part = common.begin(); part != end; ++part) shared /= *part;
    common = shared;
  }
  return common;
}

}  // namespace

std::vector<std::string> output_names(const std::vector<std::string>& images) {
  std::vector<fs::path> folders;
  folders.reserve(images.size());
  for (const std::string& image : images) folders.push_back(folder_of(image));
  const bool with_folders = share_a_name(images, folders);
  const fs::path common = with_folders ? common_folder(folders) : fs::path();
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (size_t i = 0; i < images.size(); ++i) {
    const fs::path prefix = with_folders ? folders[i].lexically_relative(common) : fs::path();
    const fs::path image(images[i]);
    const auto named = [&](const fs::path& name) { return (prefix / name).lexically_normal().string(); };
    std::string name = named(image.stem());
    if (taken.contains(name)) name = named(image.filename());
    for (int copy = 2; taken.contains(name); ++copy)
      name = named(fmt::format("{}.{}", image.filename().string(), copy));
    taken.insert(name);
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace samc
