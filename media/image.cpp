#include "media/image.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/guard.h"
#include "media/exif.h"
#include "media/image_decoders.h"

namespace samc {
namespace {

using namespace std::string_view_literals;

// Formats that we know by their first bytes and do not read, so that the error can say what the file is.
const char* name_of_foreign_format(std::string_view head) {
  if (head.starts_with("GIF8")) return "a GIF";
  if (head.starts_with("BM")) return "a BMP";
  if (head.starts_with("II*\0"sv) || head.starts_with("MM\0*"sv)) return "a TIFF";
  if (head.starts_with("II+\0"sv) || head.starts_with("MM\0+"sv)) return "a BigTIFF";
  if (head.size() >= 12 && head.starts_with("RIFF") && head.substr(8, 4) == "WEBP") return "a WebP";
  if (head.size() >= 12 && head.substr(4, 4) == "ftyp") {
    const std::string_view brand = head.substr(8, 4);
    if (brand == "avif") return "an AVIF";
    return brand.starts_with("hei") || brand.starts_with("mif") ? "a HEIC" : "an MP4";
  }
  if (head.starts_with("\0\0\0\x0cjP  "sv)) return "a JPEG 2000";
  if (head.starts_with("\xff\x0a") || head.starts_with("\0\0\0\x0cJXL "sv)) return "a JPEG XL";
  return nullptr;
}

}  // namespace

Status check_picture_size(uint64_t width, uint64_t height, int64_t most_pixels) {
  if (width == 0 || height == 0) return invalid_input("an image without pixels");
  constexpr const char* kHint =
      "make it smaller first, for example 8192 pixels on its longer side: the model sees far fewer";
  if (std::max(width, height) > static_cast<uint64_t>(kLongestSide))
    return invalid_input(
        fmt::format("the image has {} x {} pixels, more than the limit of {} on a side", width, height, kLongestSide),
        kHint);
  if (width > static_cast<uint64_t>(most_pixels) / height)
    return invalid_input(
        fmt::format("the image has {} x {} pixels, more than the limit of {}", width, height, most_pixels), kHint);
  return Status::ok();
}

static Result<Image> decode_image_unguarded(std::span<const std::byte> bytes, ImageSource* source, int64_t most_pixels,
                                            Orientation orientation) {
  constexpr size_t kHead = 16;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kHead));
  if (head.empty()) return invalid_input("an empty file, not an image");
  ImageSource found;
  Result<Image> image = invalid_input("not an image that samc reads", "give a JPEG or a PNG");
  if (head.starts_with("\xff\xd8\xff"))
    image = decode_jpeg(bytes, found, most_pixels);
  else if (head.starts_with("\x89PNG\r\n\x1a\n"))
    image = decode_png(bytes, found, most_pixels);
  else if (const char* name = name_of_foreign_format(head))
    image = unsupported(fmt::format("{} file, which samc does not read", name), "convert it to JPEG or PNG");
  if (!image.is_ok()) return image;
  if (orientation == Orientation::kAsStored) found.orientation = 1;
  const int turned_by = found.orientation;
  if (source != nullptr) *source = std::move(found);
  return oriented(std::move(image).value(), turned_by);
}

Result<Image> decode_image(std::span<const std::byte> bytes, ImageSource* source, int64_t most_pixels,
                           Orientation orientation) {
  return guarded([&] { return decode_image_unguarded(bytes, source, most_pixels, orientation); });
}

static Result<Image> read_image_unguarded(const std::string& path, ImageSource* source, int64_t most_pixels,
                                          Orientation orientation) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path, FileAccess::kCopy));
  Result<Image> image = decode_image(file.bytes(), source, most_pixels, orientation);
  if (!image.is_ok()) return image.status().at(path);
  return image;
}

Result<Image> read_image(const std::string& path, ImageSource* source, int64_t most_pixels, Orientation orientation) {
  return guarded([&] { return read_image_unguarded(path, source, most_pixels, orientation); });
}

}  // namespace samc
