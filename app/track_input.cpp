#include "app/track_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>

#include "app/image_list.h"
#include "base/files.h"
#include "base/natural_order.h"
#include "media/folder_frames.h"
#include "media/raw_frames.h"
#include "media/video_reader.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

// Their stems, where each is another; else none.
std::vector<std::string> names_of(const std::vector<std::string>& files) {
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const std::string& file : files) names.push_back(fs::path(file).stem().string());
  if (std::set<std::string>(names.begin(), names.end()).size() < names.size()) return {};
  return names;
}

Result<TrackInput> open_folder(const TrackInputArguments& arguments) {
  TrackInput input;
  for (const ListedImage& image : list_images({arguments.video}, input.warnings)) {
    SAMC_TRY(image.fault);
    input.files.push_back(image.path);
  }
  std::sort(input.files.begin(), input.files.end(), [](const std::string& a, const std::string& b) {
    return comes_before(fs::path(a).filename().string(), fs::path(b).filename().string());
  });
  input.names = names_of(input.files);
  SAMC_ASSIGN(input.source, open_image_frames(input.files, arguments.video, arguments.rate, arguments.orientation));
  return input;
}

// Whether the file holds raw frames: by its first bytes, and for a pipe, which gives them only once, always.
Result<bool> is_raw(int descriptor, const std::string& path) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return io_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) return true;
  std::array<char, 12> head{};
  const ssize_t count = ::pread(descriptor, head.data(), head.size(), 0);
  const std::string_view text(head.data(), count > 0 ? static_cast<size_t>(count) : 0);
  return text.starts_with("YUV4MPEG2 ") || text.starts_with("samc-frames ");
}

}  // namespace

Result<TrackInput> open_track_input(const TrackInputArguments& arguments, const std::atomic<bool>& stop) {
  TrackInput input;
  VideoReaderOptions options;
  options.stop = &stop;
  options.ignore_rotation = arguments.orientation == Orientation::kAsStored;
  if (!arguments.camera.empty()) {
    SAMC_ASSIGN(input.source, open_camera(arguments.camera, options));
    return input;
  }
  const std::string& path = arguments.video;
  if (path == "-") {
    SAMC_ASSIGN(input.source, open_raw_frames(STDIN_FILENO, "standard input", &stop));
    return input;
  }
  if (is_folder(path)) return open_folder(arguments);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return io_error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  input.closer = std::shared_ptr<void>(nullptr, [descriptor](void*) { ::close(descriptor); });
  input.files.push_back(path);
  SAMC_ASSIGN(const bool raw, is_raw(descriptor, path));
  if (raw) {
    SAMC_ASSIGN(input.source, open_raw_frames(descriptor, path, &stop));
  } else {
    SAMC_ASSIGN(input.source, open_video(path, options));
  }
  return input;
}

}  // namespace samc
