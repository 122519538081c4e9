#include "model/build.h"

#include "model/layers.h"
#include "model/recognise.h"

namespace samc {
namespace {

// Tensors that only tracking needs.
bool is_for_video(const std::string& name) {
  for (const char* prefix :
       {"memory_attention.", "memory_encoder.", "mask_downsample.", "obj_ptr_proj.", "obj_ptr_tpos_proj."})
    if (name.starts_with(prefix)) return true;
  return name == "maskmem_tpos_enc" || name == "no_mem_pos_enc" || name == "no_obj_ptr" ||
         name == "no_obj_embed_spatial";
}

}  // namespace

Status add_image_weights(const ModelConfig& config, const Checkpoint& checkpoint, WeightStore& weights) {
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (is_for_video(spec.name)) continue;
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

Status build_image_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  const int64_t c = config.d_model();
  const auto inputs = graph.begin_function(name, {{"image", {1, 3, config.image_size, config.image_size}}});
  if (!graph.is_ok()) return graph.status();
  const std::vector<mlir::Value> maps = fpn_neck(graph, config, hiera(graph, config, inputs[0]));
  mlir::Value image_embed = maps[2];
  if (config.directly_add_no_mem_embed)
    image_embed = graph.add("image_embed", image_embed, graph.weight("no_mem_embed", {1, c, 1, 1}));
  return graph.end_function({{"high_res_feats_0", conv_2d(graph, "sam_mask_decoder.conv_s0", maps[0])},
                             {"high_res_feats_1", conv_2d(graph, "sam_mask_decoder.conv_s1", maps[1])},
                             {"image_embed", image_embed}});
}

Status build_mask_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  const int64_t side = config.feature_size(4);
  const auto inputs = graph.begin_function(name, {{"mask_input", {1, 1, side, side}}});
  if (!graph.is_ok()) return graph.status();
  return graph.end_function({{"dense_embed", embed_mask(graph, config, inputs[0])}});
}

Status build_no_mask(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  graph.begin_function(name, {});
  return graph.end_function({{"dense_embed", embed_no_mask(graph, config)}});
}

Status build_mask_decoder(const ModelConfig& config, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_CHECK(points >= 0, "{} points", points);
  const int64_t c = config.d_model();
  const auto map_shape = [&](int64_t channels, int64_t stride) {
    return Shape{1, channels, config.feature_size(stride), config.feature_size(stride)};
  };
  std::vector<NamedShape> shapes = {{"image_embed", map_shape(c, 16)},
                                    {"high_res_feats_0", map_shape(c / 8, 4)},
                                    {"high_res_feats_1", map_shape(c / 4, 8)},
                                    {"dense_embed", map_shape(c, 16)}};
  if (points > 0) {
    shapes.push_back({"point_coords", {1, points, 2}});
    shapes.push_back({"point_labels", {1, points}});
  }
  const auto values = graph.begin_function(name, shapes);
  if (!graph.is_ok()) return graph.status();
  DecoderInputs inputs{values[0], values[1], values[2], values[3], {}, points};
  if (points > 0) inputs.sparse_embed = embed_points(graph, config, values[4], values[5], points);
  const DecoderOutputs outputs = mask_decoder(graph, config, inputs);
  return graph.end_function({{"low_res_logits", outputs.low_res_logits},
                             {"iou_predictions", outputs.iou_predictions},
                             {"object_score", outputs.object_score},
                             {"mask_tokens", outputs.mask_tokens}});
}

}  // namespace samc
