#include "tests/support/official_yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace samc::test {
namespace {

// Lines of "key: value", indented by the map that they stand in.
class Yaml {
 public:
  template <class T>
  void add(const char* key, const T& value) {
    text_ += fmt::format("{:{}}{}: {}\n", "", indent_, key, value);
  }
  template <class Body>
  void map(const char* key, const char* target, const Body& body) {
    text_ += fmt::format("{:{}}{}:\n", "", indent_, key);
    indent_ += 2;
    if (target != nullptr) add("_target_", target);
    body();
    indent_ -= 2;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  int indent_ = 0;
};

void add_position(Yaml& yaml, const SinePositionConfig& position) {
  yaml.map("position_encoding", "sam2.modeling.position_encoding.PositionEmbeddingSine", [&] {
    yaml.add("num_pos_feats", position.num_pos_feats);
    yaml.add("temperature", position.temperature);
  });
}

void add_image_encoder(Yaml& yaml, const ModelConfig& config) {
  const HieraConfig& trunk = config.trunk;
  const NeckConfig& neck = config.neck;
  yaml.add("scalp", 1);
  yaml.map("trunk", "sam2.modeling.backbones.hieradet.Hiera", [&] {
    yaml.add("embed_dim", trunk.embed_dim);
    yaml.add("num_heads", trunk.num_heads);
    yaml.add("q_pool", trunk.q_pool);
    yaml.add("q_stride", trunk.q_stride);
    yaml.add("stages", trunk.stages);
    yaml.add("dim_mul", trunk.dim_mul);
    yaml.add("head_mul", trunk.head_mul);
    yaml.add("window_pos_embed_bkg_spatial_size", trunk.window_pos_embed_bkg_spatial_size);
    yaml.add("window_spec", trunk.window_spec);
    yaml.add("global_att_blocks", trunk.global_att_blocks);
  });
  yaml.map("neck", "sam2.modeling.backbones.image_encoder.FpnNeck", [&] {
    add_position(yaml, neck.position_encoding);
    yaml.add("d_model", neck.d_model);
    yaml.add("backbone_channel_list", neck.backbone_channel_list);
    yaml.add("fpn_top_down_levels", neck.fpn_top_down_levels);
    yaml.add("fpn_interp_model", "nearest");
  });
}

void add_rope_attention(Yaml& yaml, const char* key, const RopeAttentionConfig& attention) {
  yaml.map(key, "sam2.modeling.sam.transformer.RoPEAttention", [&] {
    yaml.add("embedding_dim", attention.embedding_dim);
    yaml.add("num_heads", attention.num_heads);
    yaml.add("downsample_rate", attention.downsample_rate);
    yaml.add("kv_in_dim", attention.kv_in_dim);
    yaml.add("rope_theta", attention.rope_theta);
    yaml.add("feat_sizes", attention.feat_sizes);
    yaml.add("rope_k_repeat", attention.rope_k_repeat);
  });
}

void add_memory_attention(Yaml& yaml, const MemoryAttentionConfig& attention) {
  yaml.add("d_model", attention.d_model);
  yaml.add("pos_enc_at_input", attention.pos_enc_at_input);
  yaml.add("num_layers", attention.num_layers);
  yaml.map("layer", "sam2.modeling.memory_attention.MemoryAttentionLayer", [&] {
    yaml.add("activation", attention.activation);
    yaml.add("dim_feedforward", attention.dim_feedforward);
    yaml.add("d_model", attention.d_model);
    yaml.add("pos_enc_at_attn", attention.pos_enc_at_attn);
    yaml.add("pos_enc_at_cross_attn_keys", attention.pos_enc_at_cross_attn_keys);
    yaml.add("pos_enc_at_cross_attn_queries", attention.pos_enc_at_cross_attn_queries);
    add_rope_attention(yaml, "self_attention", attention.self_attention);
    add_rope_attention(yaml, "cross_attention", attention.cross_attention);
  });
}

void add_memory_encoder(Yaml& yaml, const MemoryEncoderConfig& encoder) {
  yaml.add("out_dim", encoder.out_dim);
  yaml.add("in_dim", encoder.in_dim);
  add_position(yaml, encoder.position_encoding);
  yaml.map("mask_downsampler", "sam2.modeling.memory_encoder.MaskDownSampler", [&] {
    yaml.add("embed_dim", encoder.mask_embed_dim);
    yaml.add("kernel_size", encoder.mask_kernel_size);
    yaml.add("stride", encoder.mask_stride);
    yaml.add("padding", encoder.mask_padding);
    yaml.add("total_stride", encoder.mask_total_stride);
  });
  yaml.map("fuser", "sam2.modeling.memory_encoder.Fuser", [&] {
    yaml.add("num_layers", encoder.fuser_layers);
    yaml.add("input_projection", encoder.fuser_input_projection);
    yaml.map("layer", "sam2.modeling.memory_encoder.CXBlock", [&] {
      yaml.add("dim", encoder.fuser_dim);
      yaml.add("kernel_size", encoder.fuser_kernel_size);
      yaml.add("padding", encoder.fuser_padding);
      yaml.add("layer_scale_init_value", encoder.fuser_layer_scale ? 1e-6 : 0.0);
      yaml.add("use_dwconv", encoder.fuser_depthwise);
    });
  });
}

}  // namespace

std::string official_yaml(const ModelConfig& config) {
  Yaml yaml;
  yaml.map("model", "sam2.modeling.sam2_base.SAM2Base", [&] {
    yaml.map("image_encoder", "sam2.modeling.backbones.image_encoder.ImageEncoder",
             [&] { add_image_encoder(yaml, config); });
    yaml.map("memory_attention", "sam2.modeling.memory_attention.MemoryAttention",
             [&] { add_memory_attention(yaml, config.memory_attention); });
    yaml.map("memory_encoder", "sam2.modeling.memory_encoder.MemoryEncoder",
             [&] { add_memory_encoder(yaml, config.memory_encoder); });
    yaml.map("sam_mask_decoder_extra_args", nullptr, [&] {
      yaml.add("dynamic_multimask_via_stability", config.mask_decoder.dynamic_multimask_via_stability);
      yaml.add("dynamic_multimask_stability_delta", config.mask_decoder.dynamic_multimask_stability_delta);
      yaml.add("dynamic_multimask_stability_thresh", config.mask_decoder.dynamic_multimask_stability_thresh);
    });
#define SAMC_KEY(name) yaml.add(#name, config.name)
    SAMC_KEY(image_size);
    SAMC_KEY(backbone_stride);
    SAMC_KEY(num_maskmem);
    SAMC_KEY(sigmoid_scale_for_mem_enc);
    SAMC_KEY(sigmoid_bias_for_mem_enc);
    SAMC_KEY(binarize_mask_from_pts_for_mem_enc);
    SAMC_KEY(use_mask_input_as_output_without_sam);
    SAMC_KEY(max_cond_frames_in_attn);
    SAMC_KEY(directly_add_no_mem_embed);
    SAMC_KEY(use_high_res_features_in_sam);
    SAMC_KEY(multimask_output_in_sam);
    SAMC_KEY(multimask_min_pt_num);
    SAMC_KEY(multimask_max_pt_num);
    SAMC_KEY(multimask_output_for_tracking);
    SAMC_KEY(use_multimask_token_for_obj_ptr);
    SAMC_KEY(iou_prediction_use_sigmoid);
    SAMC_KEY(memory_temporal_stride_for_eval);
    SAMC_KEY(non_overlap_masks_for_mem_enc);
    SAMC_KEY(use_obj_ptrs_in_encoder);
    SAMC_KEY(max_obj_ptrs_in_encoder);
    SAMC_KEY(add_tpos_enc_to_obj_ptrs);
    SAMC_KEY(proj_tpos_enc_in_obj_ptrs);
    SAMC_KEY(use_signed_tpos_enc_to_obj_ptrs);
    SAMC_KEY(only_obj_ptrs_in_the_past_for_eval);
    SAMC_KEY(pred_obj_scores);
    SAMC_KEY(pred_obj_scores_mlp);
    SAMC_KEY(fixed_no_obj_ptr);
    SAMC_KEY(soft_no_obj_ptr);
    SAMC_KEY(use_mlp_for_obj_ptr_proj);
    SAMC_KEY(no_obj_embed_spatial);
#undef SAMC_KEY
  });
  return yaml.take();
}

}  // namespace samc::test
