// What an export's encoder makes of its image before the model begins.

#include <array>
#include <optional>

#include "model/export_finder.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::Value;

constexpr std::array<double, 3> kMean = {0.485, 0.456, 0.406};  // of the official transforms
constexpr std::array<double, 3> kDeviation = {0.229, 0.224, 0.225};

// What the nodes in front of the first convolution make of the image: a c + b for each channel.
struct ImageChain {
  std::string value = "image";
  std::array<double, 3> scale = {1, 1, 1};
  std::array<double, 3> offset = {0, 0, 0};
  bool channels_last = false;
};

// A constant of one number, or one for each channel and nothing else.
std::optional<std::array<double, 3>> per_channel(const Value& constant, const ImageChain& chain, size_t rank) {
  if (!constant.constant || constant.shape.size() > rank) return std::nullopt;
  std::array<double, 3> numbers{};
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

// Follows one node; false where it is none of these.
bool follow(const Finder& finder, const Node& node, ImageChain& chain) {
  const size_t rank = finder.value(chain.value).shape.size();
  if (node.op == "Cast") {
    if (finder.value(node.outputs[0]).dtype != DType::kF32) return false;
  } else if (node.op == "Transpose") {
    const auto order = onnx::transpose_order(finder.context(node));
    if (!chain.channels_last || !order.is_ok() || order.value() != std::vector<int64_t>{0, 3, 1, 2}) return false;
    chain.channels_last = false;
  } else if (node.op == "Add" || node.op == "Sub" || node.op == "Mul" || node.op == "Div") {
    const bool first = node.inputs[0] == chain.value;
    const auto numbers = per_channel(finder.value(node.inputs[first ? 1 : 0]), chain, rank);
    if (!numbers || (node.op == "Div" && !first) || node.inputs[0] == node.inputs[1]) return false;
    for (size_t c = 0; c < 3; ++c) {
      const double number = (*numbers)[c];
      if (node.op == "Add") chain.offset[c] += number;
      if (node.op == "Sub") chain.offset[c] -= number;
      if (node.op == "Sub" && !first) {
        chain.scale[c] = -chain.scale[c];
        chain.offset[c] = -chain.offset[c];
      }
      if (node.op != "Mul" && node.op != "Div") continue;
      chain.scale[c] *= node.op == "Mul" ? number : 1 / number;
      chain.offset[c] *= node.op == "Mul" ? number : 1 / number;
    }
  } else {
    return false;
  }
  chain.value = node.outputs[0];
  return true;
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
  const Value& image = encoder.value("image");
  chain.channels_last = image.shape.back() == 3;
  const Node* next = nullptr;
  while (true) {
    const std::vector<const Node*> readers = finder.readers(chain.value);
    if (readers.size() != 1) return not_found(fmt::format("{} operations read its {}", readers.size(), chain.value));
    next = readers[0];
    if (!follow(finder, *next, chain)) break;
  }
  if (next->op != "Conv" || next->inputs[0] != chain.value || chain.channels_last)
    return not_found(fmt::format("{} reads its image, where a convolution is expected", next->place()));
  const bool untouched =
      chain.scale == std::array<double, 3>{1, 1, 1} && chain.offset == std::array<double, 3>{0, 0, 0};
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
