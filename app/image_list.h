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
// Whether one of what was given is a folder.
bool has_folder(const std::vector<std::string>& given);

// An error where -o names the overlay as an image of another format than PNG: x.jpg, x.webp.
Status check_overlay_name(const std::string& overlay);
// An error where there is nothing of this name. Before all else: what was meant for an option may have been taken for
// an image.
Status check_image_is_there(const std::string& path);
// What a command ends with when some of its images could not be done.
Status images_failed(size_t failed, size_t images);

}  // namespace samc
