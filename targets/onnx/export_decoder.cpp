#include "targets/onnx/export_decoder.h"

#include "model/decoder_parts.h"
#include "package/model_names.h"

namespace samc::onnx_target {
namespace {

constexpr double kLogitLimit = 32.0;

}  // namespace

Status build_export_decoder(const ModelConfig& config, int64_t points, GraphBuilder& graph, const std::string& name,
                            bool for_video) {
  SAMC_CHECK(points > 0, "{} points", points);
  const int64_t c = config.d_model();
  const auto inputs = graph.begin_function(name, prompt_inputs(config, points));
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
  const mlir::Value dense = graph.add(kDenseEmbed, of_mask, of_none);

  DecoderInputs decoder{inputs[0], inputs[1], inputs[2], dense, {}, points + 1};
  decoder.sparse_embed = embed_points(graph, config, coords, labels, points + 1);
  const DecoderOutputs outputs = mask_decoder(graph, config, decoder);
  const int64_t tokens = config.mask_decoder.num_mask_tokens();
  const mlir::Value masks = graph.slice("masks.unclamped", outputs.low_res_logits, 1, 1, tokens);
  std::vector<NamedValue> given = {
      {kExportedMasks, graph.clip(kExportedMasks, masks, -kLogitLimit, kLogitLimit)},
      {kIouPredictions, graph.slice(kIouPredictions, outputs.iou_predictions, 1, 1, tokens)}};
  if (for_video) {
    given.push_back({kLowResLogits, outputs.low_res_logits});
    given.push_back({kObjectScore, outputs.object_score});
    given.push_back({kMaskTokens, outputs.mask_tokens});
  }
  return graph.end_function(given);
}

}  // namespace samc::onnx_target
