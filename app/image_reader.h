#pragma once
// Images read ahead: while one is worked on, a thread of its own decodes the next.

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/bounded_queue.h"
#include "base/status.h"
#include "media/image.h"

namespace samc {

struct ReadImage {
  Status status;  // why there is no image
  Image image;
  ImageSource source;
};

class ImageReader {
 public:
  ImageReader(std::vector<std::string> paths, Orientation orientation);
  ~ImageReader();
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  // The images in the order of their paths; to be called once for each.
  ReadImage next();

 private:
  void read_all();

  std::vector<std::string> paths_;
  Orientation orientation_;
  BoundedQueue<ReadImage> queue_{1};
  std::thread thread_;
};

}  // namespace samc
