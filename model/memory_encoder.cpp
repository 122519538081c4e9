// The memory encoder: the mask, brought down to the map's size by convolutions, added to the image's features, and both
// mixed by ConvNeXt blocks. Official code: sam2/modeling/memory_encoder.py.

#include <fmt/format.h>

#include "model/layers.h"
#include "model/memory_layers.h"

namespace samc {
namespace {

const std::string kPrefix = "memory_encoder.";

mlir::Value downsample_mask(GraphBuilder& graph, const MemoryEncoderConfig& config, mlir::Value x) {
  const auto name = [](int64_t i) { return fmt::format("{}mask_downsampler.encoder.{}", kPrefix, i); };
  const ConvOptions options{.strides = {config.mask_stride, config.mask_stride}, .pads = Shape(4, config.mask_padding)};
  for (int64_t i = 0; i < config.mask_layers(); ++i) {
    x = layer_norm_2d(graph, name(3 * i + 1), conv_2d(graph, name(3 * i), x, options));
    x = graph.gelu(name(3 * i + 2), x);
  }
  return conv_2d(graph, name(3 * config.mask_layers()), x);
}

// x is (1, C, h, w).
mlir::Value convnext_block(GraphBuilder& graph, const MemoryEncoderConfig& config, const std::string& name,
                           mlir::Value x) {
  const int64_t c = config.fuser_dim;
  const ConvOptions options{.pads = Shape(4, config.fuser_padding), .group = config.fuser_depthwise ? c : 1};
  mlir::Value y = layer_norm_2d(graph, name + ".norm", conv_2d(graph, name + ".dwconv", x, options));
  y = graph.permute(name + ".nhwc", y, {0, 2, 3, 1});
  y = linear(graph, name + ".pwconv2", graph.gelu(name + ".act", linear(graph, name + ".pwconv1", y)));
  if (config.fuser_layer_scale) y = graph.mul(name + ".scaled", y, graph.weight(name + ".gamma"));
  return graph.add(name, x, graph.permute(name + ".nchw", y, {0, 3, 1, 2}));
}

}  // namespace

mlir::Value memory_encoder(GraphBuilder& graph, const ModelConfig& config, mlir::Value vision_features,
                           mlir::Value mask) {
  const MemoryEncoderConfig& encoder = config.memory_encoder;
  mlir::Value x = conv_2d(graph, kPrefix + "pix_feat_proj", vision_features);
  x = graph.add(kPrefix + "fused", x, downsample_mask(graph, encoder, mask));
  if (encoder.fuser_input_projection) x = conv_2d(graph, kPrefix + "fuser.proj", x);
  for (int64_t i = 0; i < encoder.fuser_layers; ++i)
    x = convnext_block(graph, encoder, fmt::format("{}fuser.layers.{}", kPrefix, i), x);
  return encoder.has_out_proj() ? conv_2d(graph, kPrefix + "out_proj", x) : x;
}

}  // namespace samc
