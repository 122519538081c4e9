#pragma once
// The architecture of a SAM 2 model: what the official YAML files say, with the defaults of the official classes.

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace samc {

// One block of the Hiera trunk, as it follows from HieraConfig.
struct HieraBlock {
  int64_t dim = 0;          // channels in
  int64_t dim_out = 0;      // channels out
  int64_t num_heads = 0;    // of the attention, whose width is dim_out
  int64_t window_size = 0;  // 0: global attention
  bool q_pool = false;      // queries and shortcut are max-pooled by q_stride
  bool ends_stage = false;  // its result is one of the trunk's feature maps
};

struct HieraConfig {
  int64_t embed_dim = 96;
  int64_t num_heads = 1;
  int64_t q_pool = 3;  // number of stage changes that pool
  std::array<int64_t, 2> q_stride = {2, 2};
  std::vector<int64_t> stages = {2, 3, 16, 3};
  double dim_mul = 2.0;
  double head_mul = 2.0;
  std::array<int64_t, 2> window_pos_embed_bkg_spatial_size = {14, 14};
  std::vector<int64_t> window_spec = {8, 4, 14, 7};
  std::vector<int64_t> global_att_blocks = {12, 16, 20};
  int64_t mlp_ratio = 4;

  std::vector<HieraBlock> blocks() const;
  int64_t depth() const;
  bool operator==(const HieraConfig&) const = default;
};

struct SinePositionConfig {
  int64_t num_pos_feats = 0;
  double temperature = 10000.0;
  bool operator==(const SinePositionConfig&) const = default;
};

struct NeckConfig {
  int64_t d_model = 256;
  std::vector<int64_t> backbone_channel_list;  // from the lowest resolution to the highest
  std::vector<int64_t> fpn_top_down_levels;    // levels (0: the highest resolution) that the level below is added to
  SinePositionConfig position_encoding;
  bool operator==(const NeckConfig&) const = default;
};

struct RopeAttentionConfig {
  int64_t embedding_dim = 256;
  int64_t num_heads = 1;
  int64_t downsample_rate = 1;
  int64_t kv_in_dim = 256;  // channels of keys and values before projection
  double rope_theta = 10000.0;
  std::array<int64_t, 2> feat_sizes = {64, 64};
  bool rope_k_repeat = false;
  bool operator==(const RopeAttentionConfig&) const = default;
};

struct MemoryAttentionConfig {
  int64_t d_model = 256;
  int64_t num_layers = 4;
  int64_t dim_feedforward = 2048;
  std::string activation = "relu";
  bool pos_enc_at_input = true;
  bool pos_enc_at_attn = false;
  bool pos_enc_at_cross_attn_keys = true;
  bool pos_enc_at_cross_attn_queries = false;
  RopeAttentionConfig self_attention;
  RopeAttentionConfig cross_attention;
  bool operator==(const MemoryAttentionConfig&) const = default;
};

struct MemoryEncoderConfig {
  int64_t in_dim = 256;
  int64_t out_dim = 64;
  SinePositionConfig position_encoding;
  // mask_downsampler
  int64_t mask_embed_dim = 256;
  int64_t mask_kernel_size = 4;
  int64_t mask_stride = 4;
  int64_t mask_padding = 0;
  int64_t mask_total_stride = 16;
  // fuser
  int64_t fuser_layers = 2;
  int64_t fuser_dim = 256;
  int64_t fuser_kernel_size = 7;
  int64_t fuser_padding = 3;
  bool fuser_layer_scale = true;  // layer_scale_init_value > 0: there is a gamma
  bool fuser_depthwise = true;
  bool fuser_input_projection = false;
  bool projects_same_dim = false;  // out_proj is there where in_dim == out_dim too, as in transformers

  bool has_out_proj() const { return projects_same_dim || in_dim != out_dim; }
  int64_t mask_layers() const;
  bool operator==(const MemoryEncoderConfig&) const = default;
};

// Fixed in the official SAM2Base, not in its YAML.
struct MaskDecoderConfig {
  int64_t depth = 2;
  int64_t num_heads = 8;
  int64_t mlp_dim = 2048;
  int64_t attention_downsample_rate = 2;
  int64_t num_multimask_outputs = 3;
  int64_t iou_head_depth = 3;
  int64_t iou_head_hidden_dim = 256;
  int64_t mask_in_chans = 16;  // of the prompt encoder's mask_downscaling
  // sam_mask_decoder_extra_args. The defaults are those of build_sam2, not of the class: it turns the fallback on.
  bool dynamic_multimask_via_stability = true;
  double dynamic_multimask_stability_delta = 0.05;
  double dynamic_multimask_stability_thresh = 0.98;

  int64_t num_mask_tokens() const { return num_multimask_outputs + 1; }
  bool operator==(const MaskDecoderConfig&) const = default;
};

struct ModelConfig {
  std::string name;  // "sam2.1_hiera_small", or the stem of the YAML file
  HieraConfig trunk;
  NeckConfig neck;
  MemoryAttentionConfig memory_attention;
  MemoryEncoderConfig memory_encoder;
  MaskDecoderConfig mask_decoder;

  int64_t image_size = 512;
  int64_t backbone_stride = 16;
  int64_t num_maskmem = 7;
  double sigmoid_scale_for_mem_enc = 1.0;
  double sigmoid_bias_for_mem_enc = 0.0;
  bool binarize_mask_from_pts_for_mem_enc = true;  // the default of build_sam2_video_predictor, not of the class
  bool use_mask_input_as_output_without_sam = false;
  int64_t max_cond_frames_in_attn = -1;
  bool directly_add_no_mem_embed = false;
  bool use_high_res_features_in_sam = false;
  bool multimask_output_in_sam = false;
  int64_t multimask_min_pt_num = 1;
  int64_t multimask_max_pt_num = 1;
  bool multimask_output_for_tracking = false;
  bool use_multimask_token_for_obj_ptr = false;
  bool iou_prediction_use_sigmoid = false;
  int64_t memory_temporal_stride_for_eval = 1;
  bool non_overlap_masks_for_mem_enc = false;
  bool use_obj_ptrs_in_encoder = false;
  int64_t max_obj_ptrs_in_encoder = 16;
  bool add_tpos_enc_to_obj_ptrs = true;
  bool proj_tpos_enc_in_obj_ptrs = false;
  bool use_signed_tpos_enc_to_obj_ptrs = false;
  bool only_obj_ptrs_in_the_past_for_eval = false;
  bool pred_obj_scores = false;
  bool pred_obj_scores_mlp = false;
  bool fixed_no_obj_ptr = false;
  bool soft_no_obj_ptr = false;
  bool use_mlp_for_obj_ptr_proj = false;
  bool no_obj_embed_spatial = false;

  // Of the checkpoint, in no YAML: false where it holds the image parts alone, as transformers' Sam2Model does.
  bool has_memory = true;

  int64_t d_model() const { return neck.d_model; }
  int64_t memory_dim() const { return memory_encoder.out_dim; }
  int64_t feature_size(int64_t stride) const { return image_size / stride; }  // extent of a map at this stride
  bool operator==(const ModelConfig&) const = default;
};

// SAM 2 and 2.1 x tiny, small, base_plus, large; names as in the official file names, without ".pt".
const std::vector<ModelConfig>& official_configs();
const ModelConfig* find_official_config(const std::string& name);  // null: no such name

// What samc can build; the first key at fault is named.
Status check_config(const ModelConfig& config);

// An official-format YAML file (sam2/configs/sam2.1/sam2.1_hiera_t.yaml), or one of those that training reads
// (sam2.1_training/*.yaml), with the model under trainer.model and ${KEY.KEY}; or the config.json of Hugging Face's
// transformers. An unknown key of the YAML, a value of the wrong type and a value that samc cannot build are errors
// that name the key. The text form is YAML, for tests and fuzzing.
Result<ModelConfig> read_config(const std::string& path);
Result<ModelConfig> parse_config(const std::string& text, const std::string& name);

}  // namespace samc
