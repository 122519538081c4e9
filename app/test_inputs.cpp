#include "app/test_inputs.h"

#include <algorithm>
#include <cmath>

#include "app/sophgo_arguments.h"
#include "media/npy.h"
#include "media/npz.h"
#include "runtime/preprocess.h"
#include "runtime/rgb_view.h"

namespace samc {
namespace {

using sophgo::Preprocess;

Result<NamedTensors> read_arrays(const std::string& path, const std::vector<NamedShape>& inputs) {
  SAMC_ASSIGN(const Npz npz, Npz::read(path));
  NamedTensors tensors;
  for (const NamedShape& input : inputs) {
    SAMC_ASSIGN(const Tensor* tensor, npz.get(input.name));
    if (tensor->shape() != input.shape)
      return invalid_input(fmt::format("{}: {} is {}, the model's input is {}", path, input.name,
                                       shape_to_string(tensor->shape()), shape_to_string(input.shape)));
    tensors[input.name] = Tensor::copy_of(tensor->view());
  }
  return tensors;
}

// One file for each input, in their order.
Result<NamedTensors> read_list(const std::vector<std::string>& files, const std::vector<NamedShape>& inputs) {
  if (files.size() != inputs.size())
    return invalid_input(
        fmt::format("--test_input names {} files and the model has {} inputs", files.size(), inputs.size()),
        "name one .npy for each, in their order, or an .npz");
  NamedTensors tensors;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!files[i].ends_with(".npy"))
      return usage_error(fmt::format("--test_input: {} is not an .npy", files[i]), "name one .npy for each input");
    SAMC_ASSIGN(const Tensor tensor, read_npy(files[i]));
    if (tensor.shape() != inputs[i].shape)
      return invalid_input(fmt::format("{} is {}, the model's input {} is {}", files[i],
                                       shape_to_string(tensor.shape()), inputs[i].name,
                                       shape_to_string(inputs[i].shape)));
    tensors[inputs[i].name] = to_f32(tensor.view());
  }
  return tensors;
}

// The block of (3, height, width) at (top, left) of the source, into (top, left) of the target.
void copy_block(const Tensor& source, int64_t source_top, int64_t source_left, Tensor& target, int64_t top,
                int64_t left, int64_t height, int64_t width) {
  const int64_t source_height = source.shape()[1], source_width = source.shape()[2];
  const int64_t target_height = target.shape()[1], target_width = target.shape()[2];
  for (int64_t channel = 0; channel < 3; ++channel)
    for (int64_t y = 0; y < height; ++y) {
      const float* from = source.f32().data() + (channel * source_height + source_top + y) * source_width + source_left;
      std::copy_n(from, width, target.f32().data() + (channel * target_height + top + y) * target_width + left);
    }
}

Tensor cut_centre(const Tensor& source, int64_t height, int64_t width) {
  if (source.shape()[1] == height && source.shape()[2] == width) return Tensor::copy_of(source.view());
  Tensor target({3, height, width});
  copy_block(source, (source.shape()[1] - height) / 2, (source.shape()[2] - width) / 2, target, 0, 0, height, width);
  return target;
}

Result<NamedTensors> read_picture(const std::string& path, const std::vector<NamedShape>& inputs,
                                  const Preprocess& preprocess, ThreadPool& pool, Orientation orientation) {
  if (inputs.size() != 1 || inputs[0].shape.size() != 4)
    return invalid_input(fmt::format("{} is an image, and the model's inputs are not one image", path),
                         "give an .npz with one array for each input");
  if (preprocess.pixel_format != "rgb" && preprocess.pixel_format != "bgr")
    return unsupported(fmt::format("an image as --pixel_format {}", preprocess.pixel_format), "give an .npz");
  const Shape& shape = inputs[0].shape;
  const bool channels_last = preprocess.channel_format == "nhwc";
  const int64_t channels = channels_last ? shape[3] : shape[1];
  const int64_t height = channels_last ? shape[1] : shape[2], width = channels_last ? shape[2] : shape[3];
  if (shape[0] != 1 || channels != 3 || preprocess.channel_format == "none")
    return invalid_input(fmt::format("the input {} of shape {} takes no image", inputs[0].name, shape_to_string(shape)),
                         "give an .npz, or say with --channel_format where its channels are");
  if (preprocess.mean.size() != 3) return invalid_input("an image needs three values of --mean and of --scale");
  const int64_t resized_height = preprocess.resize_dims.empty() ? height : preprocess.resize_dims[0];
  const int64_t resized_width = preprocess.resize_dims.empty() ? width : preprocess.resize_dims[1];
  if (resized_height < height || resized_width < width)
    return invalid_input(fmt::format("--resize_dims {},{} is less than the model's {},{}", resized_height,
                                     resized_width, height, width));
  SAMC_ASSIGN(const Image picture, read_image(path, nullptr, kMostPixels, orientation));
  const Tensor planes =
      cut_centre(resize_picture(picture, resized_height, resized_width, preprocess, pool), height, width);
  Tensor image(shape);
  const int64_t pixels = height * width;
  for (int64_t channel = 0; channel < 3; ++channel) {
    // mean and scale are in the order of the model's channels.
    const int64_t source = preprocess.pixel_format == "rgb" ? channel : 2 - channel;
    const double mean = preprocess.mean[static_cast<size_t>(channel)];
    const double scale = preprocess.scale[static_cast<size_t>(channel)];
    const float* from = planes.f32().data() + source * pixels;
    float* to = image.f32().data() + (channels_last ? channel : channel * pixels);
    const int64_t step = channels_last ? 3 : 1;
    for (int64_t i = 0; i < pixels; ++i)
      to[i * step] = static_cast<float>((static_cast<double>(from[i]) - mean) * scale);
  }
  NamedTensors tensors;
  tensors[inputs[0].name] = std::move(image);
  return tensors;
}

}  // namespace

Tensor resize_picture(const Image& picture, int64_t height, int64_t width, const Preprocess& preprocess,
                      ThreadPool& pool) {
  const RgbView view(picture);
  if (!preprocess.keep_aspect_ratio) {
    Tensor planes({3, height, width});
    resize_image(view, height, width, pool, planes.f32());
    return planes;
  }
  const double vertical = static_cast<double>(height) / static_cast<double>(picture.height);
  const double horizontal = static_cast<double>(width) / static_cast<double>(picture.width);
  const bool letterbox = preprocess.keep_ratio_mode == "letterbox";
  const double ratio = letterbox ? std::min(vertical, horizontal) : std::max(vertical, horizontal);
  const auto scaled = [&](int extent, int64_t limit) {
    const auto size = static_cast<int64_t>(std::lround(static_cast<double>(extent) * ratio));
    return letterbox ? std::clamp<int64_t>(size, 1, limit) : std::max(size, limit);
  };
  Tensor resized({3, scaled(picture.height, height), scaled(picture.width, width)});
  resize_image(view, resized.shape()[1], resized.shape()[2], pool, resized.f32());
  if (!letterbox) return cut_centre(resized, height, width);
  Tensor padded({3, height, width});
  std::fill(padded.f32().begin(), padded.f32().end(), static_cast<float>(preprocess.pad_value));
  const bool centred = preprocess.pad_type == "center";
  const int64_t top = centred ? (height - resized.shape()[1]) / 2 : 0;
  const int64_t left = centred ? (width - resized.shape()[2]) / 2 : 0;
  copy_block(resized, 0, 0, padded, top, left, resized.shape()[1], resized.shape()[2]);
  return padded;
}

std::vector<std::string> test_input_files(const std::string& given) {
  if (given.ends_with(".npy")) return split_names(given);
  return {given};
}

Result<NamedTensors> read_test_inputs(const std::string& path, const std::vector<NamedShape>& inputs,
                                      const Preprocess& preprocess, ThreadPool& pool, Orientation orientation) {
  if (path.ends_with(".npz")) return read_arrays(path, inputs);
  if (path.ends_with(".npy")) return read_list(test_input_files(path), inputs);
  return read_picture(path, inputs, preprocess, pool, orientation);
}

}  // namespace samc
