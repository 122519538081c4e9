#include "targets/sophgo/tools/fused_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace samc::sophgo {

std::string default_customization_format(const std::string& pixel_format) {
  if (pixel_format == "rgb") return "RGB_PLANAR";
  if (pixel_format == "bgr") return "BGR_PLANAR";
  return pixel_format == "gray" ? "GRAYSCALE" : "";
}

Result<FusedPicture> fuse_picture(const TensorView& normalised, const Preprocess& preprocess, const std::string& format,
                                  const Shape& shape) {
  const bool packed = format.ends_with("_PACKED");
  const bool red_first = format.starts_with("RGB_");
  if (!packed && format != "RGB_PLANAR" && format != "BGR_PLANAR")
    return unsupported("images of " + format + " cannot be validated", "leave --validate and --test_input out");
  if (preprocess.channel_format != "nchw" || (preprocess.pixel_format != "rgb" && preprocess.pixel_format != "bgr"))
    return unsupported(fmt::format("images of a model of {} in {} cannot be validated", preprocess.pixel_format,
                                   preprocess.channel_format),
                       "leave --validate and --test_input out");
  const auto misfit = [&] {
    return invalid_input(fmt::format("the image {} becomes the bmodel's input {}", shape_to_string(normalised.shape),
                                     shape_to_string(shape)));
  };
  if (normalised.shape.size() != 4 || shape.size() != 4) return misfit();
  const int64_t height = normalised.shape[2], width = normalised.shape[3];
  const int64_t outer_height = shape[packed ? 1 : 2], outer_width = shape[packed ? 2 : 3];
  if (normalised.shape[0] != 1 || normalised.shape[1] != 3 || shape[0] != 1 || shape[packed ? 3 : 1] != 3 ||
      outer_height < height || outer_width < width || preprocess.mean.size() != 3 || preprocess.scale.size() != 3)
    return misfit();
  FusedPicture result{Tensor::zeros(shape), Tensor(normalised.shape)};
  const int64_t top = (outer_height - height) / 2, left = (outer_width - width) / 2;
  const std::span<const float> source = normalised.f32();
  for (int64_t channel = 0; channel < 3; ++channel) {
    // mean and scale are in the order of the model's channels.
    const double mean = preprocess.mean[static_cast<size_t>(channel)];
    const double scale = preprocess.scale[static_cast<size_t>(channel)];
    const bool same_order = red_first == (preprocess.pixel_format == "rgb");
    const int64_t target = same_order ? channel : 2 - channel;
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const auto at = static_cast<size_t>((channel * height + y) * width + x);
        const double pixel = std::clamp(std::nearbyint(static_cast<double>(source[at]) / scale + mean), 0.0, 255.0);
        result.normalised.f32()[at] = static_cast<float>((pixel - mean) * scale);
        const int64_t row = y + top, column = x + left;
        const int64_t place =
            packed ? (row * outer_width + column) * 3 + target : (target * outer_height + row) * outer_width + column;
        result.pixels.f32()[static_cast<size_t>(place)] = static_cast<float>(pixel);
      }
  }
  return result;
}

}  // namespace samc::sophgo
