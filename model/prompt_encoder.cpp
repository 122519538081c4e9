// The prompt encoder: points and boxes (as points of labels 2 and 3) to sparse, a mask to dense embeddings.

#include <fmt/format.h>

#include <numbers>

#include "model/layers.h"
#include "model/position.h"

namespace samc {
namespace {

const std::string kPrefix = "sam_prompt_encoder.";
const std::string kGaussian = kPrefix + "pe_layer.positional_encoding_gaussian_matrix";

}  // namespace

mlir::Value embed_points(GraphBuilder& graph, const ModelConfig& config, mlir::Value coords, mlir::Value labels,
                         int64_t points) {
  const int64_t c = config.d_model();
  const auto embedding = [&](const std::string& name) { return graph.weight(kPrefix + name + ".weight", {1, 1, c}); };

  // From the corner of a pixel to its centre, then to -1..1.
  mlir::Value x = graph.add_const(kPrefix + "centred", coords, 0.5);
  x = graph.div_const(kPrefix + "unit", x, static_cast<double>(config.image_size));
  x = graph.mul_const(kPrefix + "doubled", x, 2.0);
  x = graph.add_const(kPrefix + "normalised", x, -1.0);
  x = graph.matmul(kPrefix + "projected", x, graph.weight(kGaussian));
  x = graph.mul_const(kPrefix + "angles", x, 2.0 * std::numbers::pi);
  x = graph.concat(kPrefix + "pe", {graph.sin(kPrefix + "sin", x), graph.cos(kPrefix + "cos", x)}, 2);

  const mlir::Value label = graph.reshape(kPrefix + "labels", labels, {1, points, 1});
  const mlir::Value is_pad = graph.compare_const(kPrefix + "is_not_a_point", label, -1.0, CompareMode::kEqual);
  x = graph.where(kPrefix + "not_a_point", is_pad, embedding("not_a_point_embed"), x);
  for (int i = 0; i < 4; ++i) {
    const std::string name = fmt::format("point_embeddings.{}", i);
    const mlir::Value is_label = graph.compare_const(kPrefix + name + ".is_label", label, i, CompareMode::kEqual);
    const mlir::Value added = graph.add(kPrefix + name + ".added", x, embedding(name));
    x = graph.where(kPrefix + name, is_label, added, x);
  }
  return x;
}

mlir::Value embed_mask(GraphBuilder& graph, const ModelConfig&, mlir::Value mask) {
  const std::string name = kPrefix + "mask_downscaling.";
  mlir::Value x = conv_2d(graph, name + "0", mask, {.strides = {2, 2}});
  x = graph.gelu(name + "2", layer_norm_2d(graph, name + "1", x));
  x = conv_2d(graph, name + "3", x, {.strides = {2, 2}});
  x = graph.gelu(name + "5", layer_norm_2d(graph, name + "4", x));
  return conv_2d(graph, name + "6", x);
}

mlir::Value embed_no_mask(GraphBuilder& graph, const ModelConfig& config) {
  const int64_t c = config.d_model();
  const int64_t side = config.feature_size(16);
  return graph.expand(kPrefix + "no_mask", graph.weight(kPrefix + "no_mask_embed.weight", {1, c, 1, 1}),
                      {1, c, side, side});
}

mlir::Value dense_position(GraphBuilder& graph, const ModelConfig& config) {
  return constant_once(graph, kPrefix + "dense_pe", [&] {
    return dense_position_encoding(graph.weights().view(kGaussian), config.feature_size(16));
  });
}

}  // namespace samc
