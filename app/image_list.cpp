#include "app/image_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <span>
#include <string_view>

namespace samc {
namespace {

namespace fs = std::filesystem;

bool is_one_of(std::string_view ending, std::span<const std::string_view> endings) {
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

bool is_read(const std::string& ending) {
  constexpr std::array<std::string_view, 6> kEndings{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng"};
  return is_one_of(ending, kEndings);
}

bool is_of_another_format(const std::string& ending) {
  constexpr std::array<std::string_view, 24> kEndings{
      ".webp", ".heic", ".heif", ".hif", ".avif", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".jp2", ".j2k",
      ".jxl",  ".ppm",  ".pgm",  ".pbm", ".pnm",  ".tga", ".exr",  ".hdr", ".dng", ".cr2", ".nef", ".arw"};
  return is_one_of(ending, kEndings);
}

// "2 images of formats that samc does not read: a.webp, b.heic"
std::string description_of(std::vector<std::string> unread) {
  constexpr size_t kMostNames = 5;
  std::sort(unread.begin(), unread.end());
  std::string names;
  for (size_t i = 0; i < std::min(unread.size(), kMostNames); ++i) names += (i > 0 ? ", " : "") + unread[i];
  if (unread.size() > kMostNames) names += fmt::format(" and {} more", unread.size() - kMostNames);
  return fmt::format("{} {} that samc does not read: {}", unread.size(),
                     unread.size() == 1 ? "image of a format" : "images of formats", names);
}

void list_folder(const std::string& folder, std::vector<ListedImage>& images, std::vector<std::string>& warnings) {
  constexpr const char* kConvert = "convert them to JPEG or PNG";
  std::vector<std::string> inside, unread;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    const fs::path& path = entries->path();
    std::error_code ignored;
    // What is no file, a pipe or a link to nowhere, is listed too: reading it says what is wrong.
    if (path.filename().string().starts_with('.') || entries->is_directory(ignored)) continue;
    const std::string ending = lower_case_ending(path.string());
    if (is_read(ending))
      inside.push_back(path.string());
    else if (is_of_another_format(ending))
      unread.push_back(path.filename().string());
  }
  if (error) {
    images.push_back({folder, io_error(fmt::format("cannot read the folder {}: {}", folder, error.message()))});
    return;
  }
  if (inside.empty()) {
    const std::string message = fmt::format("no .jpg, .jpeg or .png in the folder {}", folder);
    images.push_back({folder, unread.empty()
                                  ? invalid_input(message)
                                  : invalid_input(message + "; it has " + description_of(unread), kConvert)});
    return;
  }
  if (!unread.empty()) warnings.push_back(fmt::format("{}: left out {}; {}", folder, description_of(unread), kConvert));
  std::sort(inside.begin(), inside.end());
  for (std::string& path : inside) images.push_back({std::move(path), {}});
}

}  // namespace

std::string lower_case_ending(const std::string& path) {
  std::string ending = fs::path(path).extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending;
}

bool has_image_ending(const std::string& path) { return is_read(lower_case_ending(path)); }

std::vector<ListedImage> list_images(const std::vector<std::string>& given, std::vector<std::string>& warnings) {
  std::vector<ListedImage> images;
  for (const std::string& path : given) {
    std::error_code error;
    if (fs::is_directory(path, error))
      list_folder(path, images, warnings);
    else
      images.push_back({path, {}});
  }
  return images;
}

static bool is_named_unlike_png(const std::string& path) {
  const std::string ending = lower_case_ending(path);
  return (is_read(ending) && ending != ".png" && ending != ".apng") || is_of_another_format(ending);
}

bool has_folder(const std::vector<std::string>& given) {
  return std::ranges::any_of(given, [](const std::string& path) {
    std::error_code error;
    return fs::is_directory(path, error);
  });
}

Status check_overlay_name(const std::string& overlay) {
  if (!is_named_unlike_png(overlay)) return Status::ok();
  return usage_error(fmt::format("-o {}: the overlay is written as a PNG", overlay),
                     fmt::format("name it {}", fs::path(overlay).replace_extension(".png").string()));
}

Status check_image_is_there(const std::string& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::not_found) return Status::ok();
  return io_error(fmt::format("cannot open {}: No such file or directory", path));
}

Status images_failed(size_t failed, size_t images) {
  return invalid_input(fmt::format("{} of {} images failed", failed, images));
}

}  // namespace samc
