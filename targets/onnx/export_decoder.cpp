#include "targets/onnx/export_decoder.h"

#include "model/decoder_parts.h"

namespace samc::onnx_target {
namespace {

constexpr double kLogitLimit = 32.0;

}  // namespace

Status build_export_decoder(const ModelConfig& config, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_CHECK(points > 0, "{} points", points);
  const int64_t c = config.d_model();
  const auto map_shape = [&](int64_t channels, int64_t stride) {
    return Shape{1, channels, config.feature_size(stride), config.feature_size(stride)};
  };
  const auto inputs = graph.begin_function(name, {{"image_embed", map_shape(c, 16)},
                                                  {"high_res_feats_0", map_shape(c / 8, 4)},
                                                  {"high_res_feats_1", map_shape(c / 4, 8)},
                                                  {"point_coords", {1, points, 2}},
                                                  {"point_labels", {1, points}},
                                                  {"mask_input", map_shape(1, 4)},
                                                  {"has_mask_input", {1}}});
  if (!graph.is_ok()) return graph.status();
  Tensor pad_label({1, 1});
  pad_label.f32()[0] = -1.0f;
  const mlir::Value coords =
      graph.concat("padded_coords", {inputs[3], graph.constant("pad_coords", Tensor::zeros({1, 1, 2}))}, 1);
  const mlir::Value labels =
      graph.concat("padded_labels", {inputs[4], graph.constant("pad_label", std::move(pad_label))}, 1);

  const mlir::Value has_mask = graph.reshape("has_mask", inputs[6], {1, 1, 1, 1});
  const mlir::Value of_mask = graph.mul("dense_embed.of_mask", embed_mask(graph, config, inputs[5]), has_mask);
  const mlir::Value no_mask_embed = graph.weight("sam_prompt_encoder.no_mask_embed.weight", {1, c, 1, 1});
  const mlir::Value of_none =
      graph.mul("dense_embed.of_none", no_mask_embed, graph.const_minus("has_no_mask", 1.0, has_mask));
  const mlir::Value dense = graph.add("dense_embed", of_mask, of_none);

  DecoderInputs decoder{inputs[0], inputs[1], inputs[2], dense, {}, points + 1};
  decoder.sparse_embed = embed_points(graph, config, coords, labels, points + 1);
  const DecoderOutputs outputs = mask_decoder(graph, config, decoder);
  const int64_t tokens = config.mask_decoder.num_mask_tokens();
  const mlir::Value masks = graph.slice("masks.unclamped", outputs.low_res_logits, 1, 1, tokens);
  return graph.end_function(
      {{"masks", graph.clip("masks", masks, -kLogitLimit, kLogitLimit)},
       {"iou_predictions", graph.slice("iou_predictions", outputs.iou_predictions, 1, 1, tokens)}});
}

}  // namespace samc::onnx_target
