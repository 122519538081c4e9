#include "app/image_reader.h"

#include <utility>

#include "base/guard.h"

namespace samc {

ImageReader::ImageReader(std::vector<std::string> paths, Orientation orientation)
    : paths_(std::move(paths)), orientation_(orientation), thread_([this] { read_all(); }) {}

ImageReader::~ImageReader() {
  queue_.close();
  thread_.join();
}

void ImageReader::read_all() {
  for (const std::string& path : paths_) {
    ReadImage read;
    read.status = guarded([&]() -> Status {
      SAMC_ASSIGN(read.image, read_image(path, &read.source, kMostPixels, orientation_));
      return Status::ok();
    });
    if (!queue_.push(std::move(read))) return;
  }
}

ReadImage ImageReader::next() {
  std::optional<ReadImage> read;
  const auto popped = queue_.pop(read);
  SAMC_CHECK(popped == BoundedQueue<ReadImage>::Pop::kItem, "more images asked for than there are");
  return std::move(*read);
}

}  // namespace samc
