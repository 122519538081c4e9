// What an export's encoder makes of its image before the model begins.

#include <array>
#include <optional>

#include "model/export_finder.h"
#include "package/model_names.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::Value;

constexpr std::array<double, 3> kMean = {0.485, 0.456, 0.406};  // of the official transforms
constexpr std::array<double, 3> kDeviation = {0.229, 0.224, 0.225};

using PerChannel = std::array<double, 3>;

// What the nodes in front of the first convolution make of the image: a c + b for each channel.
struct ImageChain {
  std::string value = kImage;
  PerChannel scale = {1, 1, 1};
  PerChannel offset = {0, 0, 0};
  bool channels_last = false;
};

// A constant of one number, or one for each channel and nothing else.
std::optional<PerChannel> per_channel(const Value& constant, const ImageChain& chain, size_t rank) {
  if (!constant.constant || constant.shape.size() > rank) return std::nullopt;
  PerChannel numbers{};
  if (constant.constant->count() == 1) {
    numbers.fill(constant.constant->real(0));
    return numbers;
  }
  const size_t channel_axis = chain.channels_last ? rank - 1 : rank - 3;
  for (size_t i = 0; i < constant.shape.size(); ++i) {
    const size_t axis = rank - constant.shape.size() + i;
    if (constant.shape[i] != (axis == channel_axis ? 3 : 1)) return std::nullopt;
  }
  if (constant.constant->count() != 3) return std::nullopt;
  for (size_t c = 0; c < 3; ++c) numbers[c] = constant.constant->real(static_cast<int64_t>(c));
  return numbers;
}

void apply(ImageChain& chain, const PerChannel& scale, const PerChannel& offset) {
  for (size_t c = 0; c < 3; ++c) {
    chain.scale[c] *= scale[c];
    chain.offset[c] = chain.offset[c] * scale[c] + offset[c];
  }
}

PerChannel filled(double number) { return {number, number, number}; }

bool follow_arithmetic(const Finder& finder, const Node& node, ImageChain& chain) {
  const Value& image = finder.value(chain.value);
  const bool first = node.inputs[0] == chain.value;
  const auto numbers = per_channel(finder.value(node.inputs[first ? 1 : 0]), chain, image.shape.size());
  // Integers are divided to integers.
  if (!numbers || image.dtype != DType::kF32 || (node.op == "Div" && !first)) return false;
  PerChannel changed = *numbers;
  for (double& number : changed) {
    if (node.op == "Sub" && first) number = -number;
    if (node.op == "Div") number = 1 / number;
  }
  if (node.op == "Mul" || node.op == "Div")
    apply(chain, changed, filled(0));
  else
    apply(chain, filled(node.op == "Sub" && !first ? -1 : 1), changed);
  return true;
}

// Follows one node; false where it is none of these.
bool follow(const Finder& finder, const Node& node, ImageChain& chain) {
  static const std::set<std::string> arithmetic = {"Add", "Sub", "Mul", "Div"};
  if (node.op == "Cast") {
    if (finder.value(node.outputs[0]).dtype != DType::kF32) return false;
  } else if (node.op == "Transpose") {
    const auto order = onnx::transpose_order(finder.context(node));
    if (!chain.channels_last || !order.is_ok() || order.value() != std::vector<int64_t>{0, 3, 1, 2}) return false;
    chain.channels_last = false;
  } else if (arithmetic.count(node.op) == 0 || !follow_arithmetic(finder, node, chain)) {
    return false;
  }
  chain.value = node.outputs[0];
  return true;
}

// A convolution of single pixels to three channels is no layer of the model: some exporters write the normalisation so.
bool is_pixel_convolution(const Finder& finder, const Node& node, const ImageChain& chain) {
  if (node.op != "Conv" || node.inputs[0] != chain.value || chain.channels_last) return false;
  const auto parameters = onnx::conv_parameters(finder.context(node));
  if (!parameters.is_ok() || !finder.value(node.inputs[1]).constant) return false;
  const auto holds_only = [](const Shape& shape, int64_t wanted) {
    return std::all_of(shape.begin(), shape.end(), [&](int64_t extent) { return extent == wanted; });
  };
  return finder.value(node.inputs[1]).shape[0] == 3 && holds_only(parameters.value().kernel, 1) &&
         holds_only(parameters.value().strides, 1) && holds_only(parameters.value().pads, 0);
}

Status follow_pixel_convolution(const Finder& finder, const Node& node, ImageChain& chain) {
  const Value& weights = finder.value(node.inputs[1]);
  const bool has_bias = node.inputs.size() > 2 && !node.inputs[2].empty();
  if (has_bias && (!finder.value(node.inputs[2]).constant || finder.value(node.inputs[2]).constant->count() != 3))
    return not_found(fmt::format("{} adds to its image no constant for each channel", node.place()));
  const bool apart = weights.shape[1] == 1;  // one group for each channel
  PerChannel scale{}, offset{};
  int used = 0, used_elsewhere = 0;
  for (size_t to = 0; to < 3; ++to) {
    if (has_bias) offset[to] = finder.value(node.inputs[2]).constant->real(static_cast<int64_t>(to));
    for (size_t from = 0; from < 3; ++from) {
      if (apart && from != to) continue;
      const double weight = weights.constant->real(static_cast<int64_t>(apart ? to : to * 3 + from));
      if (from == to) scale[to] = weight;
      if (weight != 0) ++used;
      if (weight != 0 && from != to) ++used_elsewhere;
    }
  }
  if (used_elsewhere > 0)
    return not_found(fmt::format("{} {} the colours of its image", node.place(), used == 3 ? "exchanges" : "mixes"));
  apply(chain, scale, offset);
  chain.value = node.outputs[0];
  return Status::ok();
}

// (x / largest - mean) / deviation
bool is_official_normalisation(const ImageChain& chain, double largest) {
  for (size_t c = 0; c < 3; ++c)
    if (!is_near(chain.scale[c] * largest * kDeviation[c], 1, 1) ||
        !is_near(chain.offset[c] * kDeviation[c], -kMean[c], kMean[c]))
      return false;
  return true;
}

}  // namespace

Result<std::string> find_normalised_image(const SimpleGraph& encoder) {
  const Finder finder(encoder);
  ImageChain chain;
  const Value& image = encoder.value(kImage);
  chain.channels_last = image.shape.back() == 3;
  const Node* next = nullptr;
  while (true) {
    const std::vector<const Node*> readers = finder.readers(chain.value);
    if (readers.size() != 1)
      return not_found(
          fmt::format("its image is read by {}, not by one operation", finder.places_of_readers(chain.value)));
    next = readers[0];
    if (is_pixel_convolution(finder, *next, chain))
      SAMC_TRY(follow_pixel_convolution(finder, *next, chain));
    else if (!follow(finder, *next, chain))
      break;
  }
  if (next->op != "Conv" || next->inputs[0] != chain.value || chain.channels_last)
    return not_found(fmt::format("{} reads its image, where a convolution is expected", next->place()));
  if (!finder.is_shrinking_convolution(*next, chain.value) || finder.value(next->inputs[1]).shape[0] <= 3)
    return not_found(
        fmt::format("{} reads its image, and is neither a normalisation nor the patch embedding", next->place()));
  const bool untouched = chain.scale == filled(1) && chain.offset == filled(0);
  if (is_official_normalisation(chain, 255) || is_official_normalisation(chain, 1)) return chain.value;
  if (untouched && image.dtype == DType::kF32) return chain.value;
  if (untouched)
    return not_found(fmt::format("its input image is of {}, and nothing normalises it", dtype_name(image.dtype)));
  return not_found(
      fmt::format("it makes ({:.5g}, {:.5g}, {:.5g}) image + ({:.5g}, {:.5g}, {:.5g}) of its image, which "
                  "is not the official normalisation",
                  chain.scale[0], chain.scale[1], chain.scale[2], chain.offset[0], chain.offset[1], chain.offset[2]));
}

}  // namespace samc
