#include "model/build_video.h"

#include <fmt/format.h>

#include "model/layers.h"
#include "model/memory_layers.h"
#include "model/recognise.h"

namespace samc {
namespace {

Status bad_for_video(const char* key, const std::string& what) {
  return unsupported(fmt::format("a model whose {} is {} cannot track objects through a video", key, what),
                     "it segments images");
}

Shape map_shape(const ModelConfig& config) {
  return {1, config.d_model(), config.feature_size(16), config.feature_size(16)};
}

// 1 - x, for what is 0 or 1.
mlir::Value absence(GraphBuilder& graph, const std::string& name, mlir::Value presence) {
  return graph.const_minus(name, 1.0, presence);
}

mlir::Value is_present(GraphBuilder& graph, const std::string& name, mlir::Value object_score) {
  return graph.compare_const(name, object_score, 0.0, CompareMode::kGreater);
}

// presence * pointer (or the pointer) + (1 - presence) * no_obj_ptr
mlir::Value with_no_object(GraphBuilder& graph, const ModelConfig& config, const std::string& name, mlir::Value pointer,
                           mlir::Value presence) {
  if (config.fixed_no_obj_ptr) pointer = graph.mul(name + ".present", pointer, presence);
  const mlir::Value absent =
      graph.mul(name + ".no_object", graph.weight("no_obj_ptr"), absence(graph, name + ".absence", presence));
  return graph.add(name, pointer, absent);
}

}  // namespace

Status check_video(const ModelConfig& config) {
  if (!config.has_memory)
    return unsupported("the checkpoint holds the image parts of a model alone: it cannot track objects through a video",
                       "it segments images");
  if (!config.use_obj_ptrs_in_encoder) return bad_for_video("use_obj_ptrs_in_encoder", "false");
  if (!config.directly_add_no_mem_embed) return bad_for_video("directly_add_no_mem_embed", "false");
  const int64_t c = config.d_model(), m = config.memory_dim();
  if (c % m != 0) return bad_for_video("memory_encoder.out_dim", fmt::format("{}, which does not divide {}", m, c));
  const auto& [attention, encoder] = std::tie(config.memory_attention, config.memory_encoder);
  if (attention.cross_attention.kv_in_dim != m)
    return bad_for_video("memory_attention.layer.cross_attention.kv_in_dim",
                         fmt::format("{}, not the memory's {}", attention.cross_attention.kv_in_dim, m));
  if (!attention.cross_attention.rope_k_repeat)
    return bad_for_video("memory_attention.layer.cross_attention.rope_k_repeat", "false");
  for (const RopeAttentionConfig* part : {&attention.self_attention, &attention.cross_attention})
    if (c / part->downsample_rate / part->num_heads % 4 != 0)
      return bad_for_video("memory_attention.layer", "of heads whose width is no multiple of 4");
  if (attention.self_attention.kv_in_dim != c)
    return bad_for_video("memory_attention.layer.self_attention.kv_in_dim",
                         fmt::format("{}, not d_model", attention.self_attention.kv_in_dim));
  if (config.neck.position_encoding.num_pos_feats != c)
    return bad_for_video("image_encoder.neck.position_encoding.num_pos_feats",
                         fmt::format("{}, not d_model", config.neck.position_encoding.num_pos_feats));
  if (encoder.position_encoding.num_pos_feats != m)
    return bad_for_video("memory_encoder.position_encoding.num_pos_feats",
                         fmt::format("{}, not out_dim", encoder.position_encoding.num_pos_feats));
  if (config.add_tpos_enc_to_obj_ptrs && !config.proj_tpos_enc_in_obj_ptrs && m % 2 != 0)
    return bad_for_video("memory_encoder.out_dim", "odd");
  int64_t side = config.image_size;
  for (int64_t i = 0; i < encoder.mask_layers(); ++i)
    side = (side + 2 * encoder.mask_padding - encoder.mask_kernel_size) / encoder.mask_stride + 1;
  if (side != config.feature_size(config.backbone_stride))
    return bad_for_video("memory_encoder.mask_downsampler.padding",
                         fmt::format("{}, which does not bring a mask to the map's size", encoder.mask_padding));
  if (config.max_obj_ptrs_in_encoder < 2)
    return bad_for_video("max_obj_ptrs_in_encoder", fmt::format("{}", config.max_obj_ptrs_in_encoder));
  return Status::ok();
}

VideoFacts video_facts(const ModelConfig& config) {
  VideoFacts video;
  video.num_maskmem = config.num_maskmem;
  video.max_cond_frames_in_attn = config.max_cond_frames_in_attn;
  video.memory_temporal_stride_for_eval = config.memory_temporal_stride_for_eval;
  video.binarize_mask_from_pts_for_mem_enc = config.binarize_mask_from_pts_for_mem_enc;
  video.use_mask_input_as_output_without_sam = config.use_mask_input_as_output_without_sam;
  video.multimask_output_in_sam = config.multimask_output_in_sam;
  video.multimask_min_pt_num = config.multimask_min_pt_num;
  video.multimask_max_pt_num = config.multimask_max_pt_num;
  video.multimask_output_for_tracking = config.multimask_output_for_tracking;
  video.use_multimask_token_for_obj_ptr = config.use_multimask_token_for_obj_ptr;
  video.use_obj_ptrs_in_encoder = config.use_obj_ptrs_in_encoder;
  video.max_obj_ptrs_in_encoder = config.max_obj_ptrs_in_encoder;
  video.use_signed_tpos_enc_to_obj_ptrs = config.use_signed_tpos_enc_to_obj_ptrs;
  video.only_obj_ptrs_in_the_past_for_eval = config.only_obj_ptrs_in_the_past_for_eval;
  video.pred_obj_scores = config.pred_obj_scores;
  video.non_overlap_masks_for_mem_enc = config.non_overlap_masks_for_mem_enc;
  return video;
}

Status build_memory_attention(const ModelConfig& config, int64_t memories, int64_t pointers, GraphBuilder& graph,
                              const std::string& name) {
  SAMC_CHECK(memories > 0 && pointers >= 0, "{} memories, {} pointers", memories, pointers);
  const int64_t c = config.d_model(), m = config.memory_dim();
  const int64_t side = config.feature_size(16), positions = side * side;
  std::vector<NamedShape> shapes = {
      {kVisionFeatures, map_shape(config)}, {kMemory, {1, memories * positions, m}}, {kMemoryTimes, {1, memories}}};
  if (pointers > 0) {
    shapes.push_back({kObjectPointers, {1, pointers, c}});
    if (config.add_tpos_enc_to_obj_ptrs) shapes.push_back({kPointerTimes, {1, pointers}});
  }
  const auto values = graph.begin_function(name, shapes);
  if (!graph.is_ok()) return graph.status();
  MemoryTokens tokens = memory_tokens(graph, config, values[1], values[2], memories);
  if (pointers > 0)
    add_pointer_tokens(graph, config, values[3], config.add_tpos_enc_to_obj_ptrs ? values[4] : mlir::Value(), pointers,
                       tokens);
  return graph.end_function({{kImageEmbed, memory_attention(graph, config, values[0], tokens)}});
}

Status build_memory_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  const int64_t m = config.memory_dim(), side = config.feature_size(16);
  std::vector<NamedShape> inputs = {{kVisionFeatures, map_shape(config)},
                                    {kMaskLogits, {1, 1, config.image_size, config.image_size}}};
  if (config.no_obj_embed_spatial) inputs.push_back({kObjectScore, {1, 1}});
  const auto values = graph.begin_function(name, inputs);
  if (!graph.is_ok()) return graph.status();
  mlir::Value mask = graph.sigmoid("memory_encoder.mask.sigmoid", values[1]);
  mask = graph.mul_const("memory_encoder.mask.scaled", mask, config.sigmoid_scale_for_mem_enc);
  mask = graph.add_const("memory_encoder.mask", mask, config.sigmoid_bias_for_mem_enc);
  const mlir::Value map = memory_encoder(graph, config, values[0], mask);
  mlir::Value memory =
      graph.permute("memory_encoder.rows", graph.reshape("memory_encoder.flat", map, {1, m, side * side}), {0, 2, 1});
  if (config.no_obj_embed_spatial) {
    const mlir::Value present = is_present(graph, "memory_encoder.is_present", values[2]);
    const mlir::Value added = graph.mul("memory_encoder.no_object", graph.weight("no_obj_embed_spatial", {1, 1, m}),
                                        absence(graph, "memory_encoder.absence", present));
    memory = graph.add("memory_encoder.with_no_object", memory, added);
  }
  return graph.end_function({{kMemory, memory}});
}

Status build_object_pointer(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  std::vector<NamedShape> inputs = {{kMaskToken, {1, config.d_model()}}};
  if (config.pred_obj_scores) {
    inputs.push_back({kObjectScore, {1, 1}});
    inputs.push_back({kMaskPresent, {1, 1}});
  }
  const auto values = graph.begin_function(name, inputs);
  if (!graph.is_ok()) return graph.status();
  mlir::Value pointer = config.use_mlp_for_obj_ptr_proj ? mlp(graph, "obj_ptr_proj", values[0], 3)
                                                        : linear(graph, "obj_ptr_proj", values[0]);
  if (config.pred_obj_scores) {
    const mlir::Value present = config.soft_no_obj_ptr ? graph.sigmoid("obj_ptr.presence", values[1])
                                                       : is_present(graph, "obj_ptr.presence", values[1]);
    pointer = with_no_object(graph, config, "obj_ptr.by_score", pointer, present);
    pointer = with_no_object(graph, config, "obj_ptr.by_mask", pointer, values[2]);
  }
  return graph.end_function({{kObjectPointer, pointer}});
}

Status build_mask_downsample(const ModelConfig& config, GraphBuilder& graph, const std::string& name) {
  const auto values = graph.begin_function(name, {{kMask, {1, 1, config.image_size, config.image_size}}});
  if (!graph.is_ok()) return graph.status();
  return graph.end_function({{kMaskInput, conv_2d(graph, "mask_downsample", values[0], {.strides = {4, 4}})}});
}

}  // namespace samc
