#include "runtime/picture_check.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace samc {

Status too_large(const char* what, int64_t width, int64_t height) {
  return invalid_input(fmt::format("{} has {} x {} pixels, more than the limits of {} on a side and {} in all", what,
                                   width, height, kLongestSide, kMostPixels),
                       "make it smaller first");
}

template <class View>
Status check_picture(const View& picture) {
  if (picture.pixels == nullptr || picture.width < 1 || picture.height < 1)
    return invalid_input(fmt::format("an image of {} x {} pixels", picture.width, picture.height));
  if (!is_image_size(picture.width, picture.height)) return too_large("the image", picture.width, picture.height);
  if (picture.stride < 3 * picture.width)
    return invalid_input(fmt::format("an image of {} x {} pixels with rows of {} values", picture.width, picture.height,
                                     picture.stride));
  return Status::ok();
}
template Status check_picture(const RgbView& picture);
template Status check_picture(const RgbFloatView& picture);

}  // namespace samc
