#include "model/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/limits.h"

namespace samc {
namespace {

bool contains(const std::vector<int64_t>& values, int64_t value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

struct OfficialSize {
  const char* name;
  int64_t embed_dim;
  int64_t num_heads;
  std::vector<int64_t> stages;
  std::vector<int64_t> global_att_blocks;
  std::array<int64_t, 2> background_size;
  std::vector<int64_t> window_spec;
};

ModelConfig official_config(const OfficialSize& size, bool is_21) {
  ModelConfig config;
  config.name = fmt::format("{}_hiera_{}", is_21 ? "sam2.1" : "sam2", size.name);
  config.trunk.embed_dim = size.embed_dim;
  config.trunk.num_heads = size.num_heads;
  config.trunk.stages = size.stages;
  config.trunk.global_att_blocks = size.global_att_blocks;
  config.trunk.window_pos_embed_bkg_spatial_size = size.background_size;
  config.trunk.window_spec = size.window_spec;

  const int64_t c = size.embed_dim;
  config.neck.backbone_channel_list = {8 * c, 4 * c, 2 * c, c};
  config.neck.fpn_top_down_levels = {2, 3};
  config.neck.position_encoding.num_pos_feats = 256;

  config.memory_attention.self_attention.rope_k_repeat = false;
  config.memory_attention.cross_attention.rope_k_repeat = true;
  config.memory_attention.cross_attention.kv_in_dim = 64;

  config.memory_encoder.position_encoding.num_pos_feats = 64;
  config.memory_encoder.mask_kernel_size = 3;
  config.memory_encoder.mask_stride = 2;
  config.memory_encoder.mask_padding = 1;

  config.image_size = 1024;
  config.sigmoid_scale_for_mem_enc = 20.0;
  config.sigmoid_bias_for_mem_enc = -10.0;
  config.use_mask_input_as_output_without_sam = true;
  config.directly_add_no_mem_embed = true;
  config.use_high_res_features_in_sam = true;
  config.multimask_output_in_sam = true;
  config.multimask_min_pt_num = 0;
  config.multimask_max_pt_num = 1;
  config.multimask_output_for_tracking = true;
  config.use_multimask_token_for_obj_ptr = true;
  config.iou_prediction_use_sigmoid = true;
  config.use_obj_ptrs_in_encoder = true;
  config.add_tpos_enc_to_obj_ptrs = is_21;
  config.proj_tpos_enc_in_obj_ptrs = is_21;
  config.use_signed_tpos_enc_to_obj_ptrs = is_21;
  config.no_obj_embed_spatial = is_21;
  config.only_obj_ptrs_in_the_past_for_eval = true;
  config.pred_obj_scores = true;
  config.pred_obj_scores_mlp = true;
  config.fixed_no_obj_ptr = true;
  config.use_mlp_for_obj_ptr_proj = true;
  return config;
}

std::vector<ModelConfig> make_official_configs() {
  const std::vector<OfficialSize> sizes = {
      {"tiny", 96, 1, {1, 2, 7, 2}, {5, 7, 9}, {7, 7}, {8, 4, 14, 7}},
      {"small", 96, 1, {1, 2, 11, 2}, {7, 10, 13}, {7, 7}, {8, 4, 14, 7}},
      {"base_plus", 112, 2, {2, 3, 16, 3}, {12, 16, 20}, {14, 14}, {8, 4, 14, 7}},
      {"large", 144, 2, {2, 6, 36, 4}, {23, 33, 43}, {7, 7}, {8, 4, 16, 8}},
  };
  std::vector<ModelConfig> configs;
  for (const bool is_21 : {false, true})
    for (const OfficialSize& size : sizes) configs.push_back(official_config(size, is_21));
  return configs;
}

Status bad_value(const char* key, std::string why) {
  return unsupported(fmt::format("config key {}: {}", key, std::move(why)));
}

Status check_trunk(const ModelConfig& config) {
  constexpr const char* kStages = "model.image_encoder.trunk.stages";
  constexpr const char* kWindows = "model.image_encoder.trunk.window_spec";
  const HieraConfig& trunk = config.trunk;
  if (trunk.stages.size() != 4)
    return bad_value(kStages, fmt::format("{} stages given, 4 needed", trunk.stages.size()));
  if (trunk.window_spec.size() != 4)
    return bad_value(kWindows,
                     fmt::format("{} windows given, one for each of the 4 stages needed", trunk.window_spec.size()));
  for (const int64_t blocks : trunk.stages)
    if (blocks < 1 || blocks > 1000) return bad_value(kStages, fmt::format("{} blocks in a stage", blocks));
  for (const int64_t window : trunk.window_spec)
    if (window < 1 || window > 1024) return bad_value(kWindows, fmt::format("a window of {}", window));
  if (trunk.q_pool != 3)
    return bad_value("model.image_encoder.trunk.q_pool", fmt::format("{} given, only 3 is supported", trunk.q_pool));
  if (trunk.q_stride != std::array<int64_t, 2>{2, 2})
    return bad_value("model.image_encoder.trunk.q_stride", "only [2, 2] is supported");
  if (trunk.embed_dim < 1 || trunk.embed_dim > 4096)
    return bad_value("model.image_encoder.trunk.embed_dim", fmt::format("{} is out of range", trunk.embed_dim));
  for (const int64_t extent : trunk.window_pos_embed_bkg_spatial_size)
    if (extent < 1 || extent > 1024)
      return bad_value("model.image_encoder.trunk.window_pos_embed_bkg_spatial_size",
                       fmt::format("{} is out of range", extent));
  if (trunk.num_heads < 1) return bad_value("model.image_encoder.trunk.num_heads", "must be at least 1");
  if (!(trunk.dim_mul >= 1.0 && trunk.dim_mul <= 8.0))
    return bad_value("model.image_encoder.trunk.dim_mul", fmt::format("{} is out of range", trunk.dim_mul));
  if (!(trunk.head_mul >= 1.0 && trunk.head_mul <= 8.0))
    return bad_value("model.image_encoder.trunk.head_mul", fmt::format("{} is out of range", trunk.head_mul));
  for (const int64_t block : trunk.global_att_blocks)
    if (block < 0 || block >= trunk.depth())
      return bad_value("model.image_encoder.trunk.global_att_blocks",
                       fmt::format("block {} of a trunk of {} blocks", block, trunk.depth()));

  const std::vector<HieraBlock> blocks = trunk.blocks();
  std::vector<int64_t> channels;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const HieraBlock& block = blocks[i];
    if (block.dim_out % block.num_heads != 0)
      return bad_value(
          "model.image_encoder.trunk.num_heads",
          fmt::format("block {} has {} channels, which {} heads do not divide", i, block.dim_out, block.num_heads));
    if (block.q_pool && block.dim == block.dim_out)  // the official code would pool the queries but not the shortcut
      return bad_value("model.image_encoder.trunk.dim_mul", "must widen every stage");
    if (block.q_pool && block.window_size % 2 != 0)
      return bad_value(kWindows, fmt::format("block {} pools by 2 inside windows of {}", i, block.window_size));
    if (block.ends_stage) channels.insert(channels.begin(), block.dim_out);
  }
  if (config.neck.backbone_channel_list != channels)
    return bad_value(
        "model.image_encoder.neck.backbone_channel_list",
        fmt::format("{} given, but the trunk's stages have {}", config.neck.backbone_channel_list, channels));
  return Status::ok();
}

}  // namespace

int64_t HieraConfig::depth() const { return std::accumulate(stages.begin(), stages.end(), int64_t{0}); }

std::vector<HieraBlock> HieraConfig::blocks() const {
  std::vector<HieraBlock> result;
  int64_t dim = embed_dim;
  int64_t heads = num_heads;
  for (size_t stage = 0; stage < stages.size(); ++stage) {
    for (int64_t i = 0; i < stages[stage]; ++i) {
      HieraBlock block;
      block.dim = dim;
      const bool changes_stage = stage > 0 && i == 0;
      if (changes_stage) {
        dim = static_cast<int64_t>(static_cast<double>(dim) * dim_mul);
        heads = static_cast<int64_t>(static_cast<double>(heads) * head_mul);
      }
      block.dim_out = dim;
      block.num_heads = heads;
      block.q_pool = changes_stage && static_cast<int64_t>(stage) <= q_pool;
      // The first block of a stage still works on the map of the stage before, so it takes that stage's window.
      block.window_size = window_spec[changes_stage ? stage - 1 : stage];
      if (contains(global_att_blocks, static_cast<int64_t>(result.size()))) block.window_size = 0;
      block.ends_stage = i + 1 == stages[stage];
      result.push_back(block);
    }
  }
  return result;
}

int64_t MemoryEncoderConfig::mask_layers() const {
  int64_t layers = 0;
  for (int64_t stride = mask_total_stride; mask_stride > 1 && stride > 1; stride /= mask_stride) ++layers;
  return layers;
}

const std::vector<ModelConfig>& official_configs() {
  static const std::vector<ModelConfig> configs = make_official_configs();
  return configs;
}

const ModelConfig* find_official_config(const std::string& name) {
  for (const ModelConfig& config : official_configs())
    if (config.name == name) return &config;
  return nullptr;
}

Status check_config(const ModelConfig& config) {
  // Before the trunk, whose checks divide by nothing that the image size could spoil.
  if (config.image_size < 32 || config.image_size > kGreatestImageSize || config.image_size % 32 != 0)
    return bad_value("model.image_size",
                     fmt::format("{} is not a multiple of 32 from 32 to {}", config.image_size, kGreatestImageSize));
  if (config.backbone_stride != 16)
    return bad_value("model.backbone_stride", fmt::format("{} given, only 16 is supported", config.backbone_stride));
  SAMC_TRY(check_trunk(config));
  const int64_t window = config.trunk.window_spec[0];
  if (config.feature_size(4) % window != 0)
    return bad_value("model.image_size", fmt::format("its map at stride 4 has {} positions a side, which the position "
                                                     "embedding's window of {} does not divide",
                                                     config.feature_size(4), window));
  if (!config.use_high_res_features_in_sam)
    return bad_value("model.use_high_res_features_in_sam", "only true is supported");
  const int64_t c = config.d_model();
  const int64_t head_granule = config.mask_decoder.num_heads * config.mask_decoder.attention_downsample_rate;
  if (c < 1 || c > 4096 || c % head_granule != 0)
    return bad_value("model.image_encoder.neck.d_model",
                     fmt::format("{} is not a multiple of {} up to 4096", c, head_granule));
  for (const int64_t level : config.neck.fpn_top_down_levels)
    if (level < 0 || level > 3)
      return bad_value("model.image_encoder.neck.fpn_top_down_levels", fmt::format("level {} of 4", level));

  const MemoryAttentionConfig& attention = config.memory_attention;
  if (attention.d_model != c)
    return bad_value("model.memory_attention.d_model", fmt::format("{} given, the neck has {}", attention.d_model, c));
  if (attention.activation != "relu")
    return bad_value("model.memory_attention.layer.activation",
                     fmt::format("'{}' given, only relu is supported", attention.activation));
  for (const RopeAttentionConfig* part : {&attention.self_attention, &attention.cross_attention})
    if (part->embedding_dim != c || part->num_heads < 1 || part->downsample_rate < 1 ||
        c % (part->downsample_rate * part->num_heads) != 0 || part->kv_in_dim < 1)
      return bad_value("model.memory_attention.layer",
                       "embedding_dim, num_heads, downsample_rate and kv_in_dim of an attention do "
                       "not fit d_model");
  if (attention.num_layers < 1 || attention.num_layers > 100 || attention.dim_feedforward < 1)
    return bad_value("model.memory_attention", "num_layers or dim_feedforward is out of range");

  const MemoryEncoderConfig& encoder = config.memory_encoder;
  if (encoder.in_dim != c)
    return bad_value("model.memory_encoder.in_dim", fmt::format("{} given, the neck has {}", encoder.in_dim, c));
  if (encoder.mask_embed_dim != c)
    return bad_value("model.memory_encoder.mask_downsampler.embed_dim",
                     fmt::format("{} given, the neck has {}", encoder.mask_embed_dim, c));
  if (encoder.fuser_dim != c)
    return bad_value("model.memory_encoder.fuser.layer.dim",
                     fmt::format("{} given, the neck has {}", encoder.fuser_dim, c));
  if (encoder.out_dim < 1 || encoder.out_dim > 4096)
    return bad_value("model.memory_encoder.out_dim", fmt::format("{} is out of range", encoder.out_dim));
  int64_t reached = 1;
  for (int64_t i = 0; i < encoder.mask_layers(); ++i) reached *= encoder.mask_stride;
  if (encoder.mask_total_stride != config.backbone_stride || reached != encoder.mask_total_stride)
    return bad_value("model.memory_encoder.mask_downsampler.stride",
                     fmt::format("its powers do not give the total stride of {}", config.backbone_stride));
  if (encoder.fuser_layers < 0 || encoder.fuser_layers > 100)
    return bad_value("model.memory_encoder.fuser.num_layers", fmt::format("{} is out of range", encoder.fuser_layers));
  if (encoder.fuser_kernel_size != 2 * encoder.fuser_padding + 1 || encoder.fuser_kernel_size > 31)
    return bad_value("model.memory_encoder.fuser.layer.kernel_size", "must be 2 padding + 1, at most 31");
  if (encoder.mask_kernel_size < 1 || encoder.mask_kernel_size > 31)
    return bad_value("model.memory_encoder.mask_downsampler.kernel_size", "is out of range");

  const MaskDecoderConfig& decoder = config.mask_decoder;
  for (const auto& [key, value] :
       {std::pair{"dynamic_multimask_stability_delta", decoder.dynamic_multimask_stability_delta},
        {"dynamic_multimask_stability_thresh", decoder.dynamic_multimask_stability_thresh}})
    if (!std::isfinite(static_cast<float>(value)))
      return bad_value(fmt::format("model.sam_mask_decoder_extra_args.{}", key).c_str(),
                       fmt::format("{} is not a number", value));
  if (config.num_maskmem < 1 || config.num_maskmem > 1000)
    return bad_value("model.num_maskmem", fmt::format("{} is out of range", config.num_maskmem));
  if (config.fixed_no_obj_ptr && !(config.pred_obj_scores && config.use_obj_ptrs_in_encoder))
    return bad_value("model.fixed_no_obj_ptr", "true needs pred_obj_scores and use_obj_ptrs_in_encoder");
  if (config.proj_tpos_enc_in_obj_ptrs && !config.add_tpos_enc_to_obj_ptrs)
    return bad_value("model.proj_tpos_enc_in_obj_ptrs", "true needs add_tpos_enc_to_obj_ptrs");
  return Status::ok();
}

}  // namespace samc
