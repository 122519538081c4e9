#pragma once
// Which images a command line means: files, and what is in the folders.

#include <string>
#include <vector>

#include "base/status.h"

namespace samc {

struct ListedImage {
  std::string path;
  Status fault;  // not ok: path is a folder that gives no image, and this says why
};

// A folder becomes the JPEGs and PNGs directly inside it, by name; what is hidden (.x.jpg, macOS's ._x.jpg) is no
// image. Images of formats that samc does not read are left out, with one warning for each folder.
std::vector<ListedImage> list_images(const std::vector<std::string>& given, std::vector<std::string>& warnings);

// ".jpg" of "x.JPG".
std::string lower_case_ending(const std::string& path);
// Whether a folder's file of this name is one of its images.
bool has_image_ending(const std::string& path);
// Whether a file of this name would be taken for an image of another format than PNG: x.jpg, x.webp.
bool is_named_unlike_png(const std::string& path);

}  // namespace samc
