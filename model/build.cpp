#include "model/build.h"

#include "model/build_video.h"
#include "model/decoder_parts.h"
#include "model/layers.h"
#include "model/recognise.h"

namespace samc {
namespace {

Status add_weights(const ModelConfig& config, const Checkpoint& checkpoint, bool for_video, WeightStore& weights) {
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (is_for_video(spec.name) != for_video) continue;
    const CheckpointTensor* tensor = checkpoint.find(spec.name);
    SAMC_CHECK(tensor != nullptr && tensor->shape == spec.shape, "{} has not passed check_tensors()", spec.name);
    if (Checkpoint::can_view_f32(*tensor)) {
      SAMC_ASSIGN(const TensorView view, checkpoint.view_f32(*tensor));
      SAMC_TRY(weights.add_view(spec.name, view));
    } else {
      SAMC_ASSIGN(Tensor converted, checkpoint.read_f32(*tensor));
      SAMC_TRY(weights.add(spec.name, std::move(converted)));
    }
  }
  return Status::ok();
}

NamedShape map_input(const ModelConfig& config, const char* name, int64_t channels, int64_t stride) {
  return {name, {1, channels, config.feature_size(stride), config.feature_size(stride)}};
}

// What the encoder gives, in the decoder's order.
std::vector<NamedShape> image_inputs(const ModelConfig& config) {
  const int64_t c = config.d_model();
  return {map_input(config, kImageEmbed, c, 16), map_input(config, kHighResFeats0, c / 8, 4),
          map_input(config, kHighResFeats1, c / 4, 8)};
}

void add_points(std::vector<NamedShape>& inputs, int64_t points) {
  inputs.push_back({kPointCoords, {1, points, 2}});
  inputs.push_back({kPointLabels, {1, points}});
}

}  // namespace

Status add_image_weights(const ModelConfig& config, const Checkpoint& checkpoint, WeightStore& weights) {
  return add_weights(config, checkpoint, false, weights);
}

Status add_video_weights(const ModelConfig& config, const Checkpoint& checkpoint, WeightStore& weights) {
  return add_weights(config, checkpoint, true, weights);
}

std::vector<NamedShape> prompt_inputs(const ModelConfig& config, int64_t points) {
  std::vector<NamedShape> inputs = image_inputs(config);
  add_points(inputs, points);
  inputs.push_back(map_input(config, kMaskInput, 1, 4));
  inputs.push_back({kHasMaskInput, {1}});
  return inputs;
}

Status build_image_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name,
                           bool with_vision_features) {
  const int64_t c = config.d_model();
  const auto inputs = graph.begin_function(name, {{kImage, {1, 3, config.image_size, config.image_size}}});
  if (!graph.is_ok()) return graph.status();
  const std::vector<mlir::Value> maps = fpn_neck(graph, config, hiera(graph, config, inputs[0]));
  mlir::Value image_embed = maps[2];
  if (config.directly_add_no_mem_embed)
    image_embed = graph.add(kImageEmbed, image_embed, graph.weight("no_mem_embed", {1, c, 1, 1}));
  std::vector<NamedValue> outputs = {{kHighResFeats0, conv_2d(graph, "sam_mask_decoder.conv_s0", maps[0])},
                                     {kHighResFeats1, conv_2d(graph, "sam_mask_decoder.conv_s1", maps[1])},
                                     {kImageEmbed, image_embed}};
  if (with_vision_features) outputs.push_back({kVisionFeatures, maps[2]});
  return graph.end_function(outputs);
}

Status build_mask_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  const auto inputs = graph.begin_function(name, {map_input(config, kMaskInput, 1, 4)});
  if (!graph.is_ok()) return graph.status();
  return graph.end_function({{kDenseEmbed, embed_mask(graph, config, inputs[0])}});
}

Status build_no_mask(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  graph.begin_function(name, {});
  return graph.end_function({{kDenseEmbed, embed_no_mask(graph, config)}});
}

Status build_mask_decoder(const ModelConfig& config, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_CHECK(points >= 0, "{} points", points);
  std::vector<NamedShape> shapes = image_inputs(config);
  shapes.push_back(map_input(config, kDenseEmbed, config.d_model(), 16));
  if (points > 0) add_points(shapes, points);
  const auto values = graph.begin_function(name, shapes);
  if (!graph.is_ok()) return graph.status();
  DecoderInputs inputs{values[0], values[1], values[2], values[3], {}, points};
  if (points > 0) inputs.sparse_embed = embed_points(graph, config, values[4], values[5], points);
  const DecoderOutputs outputs = mask_decoder(graph, config, inputs);
  return graph.end_function({{kLowResLogits, outputs.low_res_logits},
                             {kIouPredictions, outputs.iou_predictions},
                             {kObjectScore, outputs.object_score},
                             {kMaskTokens, outputs.mask_tokens}});
}

}  // namespace samc
