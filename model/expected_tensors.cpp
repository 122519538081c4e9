// The official state_dict, module by module in the order in which PyTorch registers them.

#include <fmt/format.h>

#include "model/recognise.h"

namespace samc {
namespace {

class StateDict {
 public:
  void add(std::string name, Shape shape) { tensors_.push_back({std::move(name), std::move(shape)}); }
  void linear(const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void conv(const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    add(name + ".weight", {out, in, kernel, kernel});
    add(name + ".bias", {out});
  }
  void norm(const std::string& name, int64_t channels) {
    add(name + ".weight", {channels});
    add(name + ".bias", {channels});
  }
  void mlp(const std::string& name, int64_t in, int64_t hidden, int64_t out, int64_t layers) {
    for (int64_t i = 0; i < layers; ++i)
      linear(fmt::format("{}.layers.{}", name, i), i == 0 ? in : hidden, i + 1 == layers ? out : hidden);
  }
  void attention(const std::string& name, int64_t dim, int64_t internal_dim, int64_t kv_dim) {
    linear(name + ".q_proj", dim, internal_dim);
    linear(name + ".k_proj", kv_dim, internal_dim);
    linear(name + ".v_proj", kv_dim, internal_dim);
    linear(name + ".out_proj", internal_dim, dim);
  }
  std::vector<TensorSpec> take() { return std::move(tensors_); }

 private:
  std::vector<TensorSpec> tensors_;
};

void add_image_encoder(StateDict& dict, const ModelConfig& config) {
  const HieraConfig& trunk = config.trunk;
  const std::string prefix = "image_encoder.trunk.";
  const auto [height, width] = trunk.window_pos_embed_bkg_spatial_size;
  dict.add(prefix + "pos_embed", {1, trunk.embed_dim, height, width});
  dict.add(prefix + "pos_embed_window", {1, trunk.embed_dim, trunk.window_spec[0], trunk.window_spec[0]});
  dict.conv(prefix + "patch_embed.proj", 3, trunk.embed_dim, 7);
  const std::vector<HieraBlock> blocks = trunk.blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    const HieraBlock& block = blocks[i];
    const std::string name = fmt::format("{}blocks.{}.", prefix, i);
    dict.norm(name + "norm1", block.dim);
    dict.linear(name + "attn.qkv", block.dim, 3 * block.dim_out);
    dict.linear(name + "attn.proj", block.dim_out, block.dim_out);
    dict.norm(name + "norm2", block.dim_out);
    dict.mlp(name + "mlp", block.dim_out, trunk.mlp_ratio * block.dim_out, block.dim_out, 2);
    if (block.dim != block.dim_out) dict.linear(name + "proj", block.dim, block.dim_out);
  }
  const std::vector<int64_t>& channels = config.neck.backbone_channel_list;
  for (size_t i = 0; i < channels.size(); ++i)
    dict.conv(fmt::format("image_encoder.neck.convs.{}.conv", i), channels[i], config.d_model(), 1);
}

void add_memory_attention(StateDict& dict, const MemoryAttentionConfig& config) {
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string name = fmt::format("memory_attention.layers.{}.", i);
    for (const auto& [part, attention] :
         {std::pair{"self_attn", &config.self_attention}, {"cross_attn_image", &config.cross_attention}})
      dict.attention(name + part, attention->embedding_dim, attention->embedding_dim / attention->downsample_rate,
                     attention->kv_in_dim);
    dict.linear(name + "linear1", config.d_model, config.dim_feedforward);
    dict.linear(name + "linear2", config.dim_feedforward, config.d_model);
    for (const char* norm : {"norm1", "norm2", "norm3"}) dict.norm(name + norm, config.d_model);
  }
  dict.norm("memory_attention.norm", config.d_model);
}

void add_memory_encoder(StateDict& dict, const MemoryEncoderConfig& config) {
  const std::string prefix = "memory_encoder.";
  int64_t channels = 1;
  for (int64_t i = 0; i < config.mask_layers(); ++i) {
    const int64_t out = channels * config.mask_stride * config.mask_stride;
    // Each layer is a convolution, a norm and an activation, which has no tensors but counts.
    dict.conv(fmt::format("{}mask_downsampler.encoder.{}", prefix, 3 * i), channels, out, config.mask_kernel_size);
    dict.norm(fmt::format("{}mask_downsampler.encoder.{}", prefix, 3 * i + 1), out);
    channels = out;
  }
  dict.conv(fmt::format("{}mask_downsampler.encoder.{}", prefix, 3 * config.mask_layers()), channels,
            config.mask_embed_dim, 1);
  dict.conv(prefix + "pix_feat_proj", config.in_dim, config.in_dim, 1);
  if (config.fuser_input_projection) dict.conv(prefix + "fuser.proj", config.fuser_dim, config.fuser_dim, 1);
  for (int64_t i = 0; i < config.fuser_layers; ++i) {
    const std::string name = fmt::format("{}fuser.layers.{}.", prefix, i);
    const int64_t dim = config.fuser_dim;
    if (config.fuser_layer_scale) dict.add(name + "gamma", {dim});
    dict.conv(name + "dwconv", config.fuser_depthwise ? 1 : dim, dim, config.fuser_kernel_size);
    dict.norm(name + "norm", dim);
    dict.linear(name + "pwconv1", dim, 4 * dim);
    dict.linear(name + "pwconv2", 4 * dim, dim);
  }
  if (config.has_out_proj()) dict.conv(prefix + "out_proj", config.in_dim, config.out_dim, 1);
}

void add_prompt_encoder(StateDict& dict, const ModelConfig& config) {
  const std::string prefix = "sam_prompt_encoder.";
  const int64_t c = config.d_model();
  const int64_t hidden = config.mask_decoder.mask_in_chans;
  dict.add(prefix + "pe_layer.positional_encoding_gaussian_matrix", {2, c / 2});
  for (int i = 0; i < 4; ++i) dict.add(fmt::format("{}point_embeddings.{}.weight", prefix, i), {1, c});
  dict.add(prefix + "not_a_point_embed.weight", {1, c});
  dict.conv(prefix + "mask_downscaling.0", 1, hidden / 4, 2);
  dict.norm(prefix + "mask_downscaling.1", hidden / 4);
  dict.conv(prefix + "mask_downscaling.3", hidden / 4, hidden, 2);
  dict.norm(prefix + "mask_downscaling.4", hidden);
  dict.conv(prefix + "mask_downscaling.6", hidden, c, 1);
  dict.add(prefix + "no_mask_embed.weight", {1, c});
}

void add_mask_decoder(StateDict& dict, const ModelConfig& config) {
  const MaskDecoderConfig& decoder = config.mask_decoder;
  const std::string prefix = "sam_mask_decoder.";
  const int64_t c = config.d_model();
  const int64_t cross_dim = c / decoder.attention_downsample_rate;
  for (int64_t i = 0; i < decoder.depth; ++i) {
    const std::string name = fmt::format("{}transformer.layers.{}.", prefix, i);
    dict.attention(name + "self_attn", c, c, c);
    dict.norm(name + "norm1", c);
    dict.attention(name + "cross_attn_token_to_image", c, cross_dim, c);
    dict.norm(name + "norm2", c);
    dict.mlp(name + "mlp", c, decoder.mlp_dim, c, 2);
    dict.norm(name + "norm3", c);
    dict.norm(name + "norm4", c);
    dict.attention(name + "cross_attn_image_to_token", c, cross_dim, c);
  }
  dict.attention(prefix + "transformer.final_attn_token_to_image", c, cross_dim, c);
  dict.norm(prefix + "transformer.norm_final_attn", c);
  dict.add(prefix + "iou_token.weight", {1, c});
  dict.add(prefix + "mask_tokens.weight", {decoder.num_mask_tokens(), c});
  if (config.pred_obj_scores) dict.add(prefix + "obj_score_token.weight", {1, c});
  // ConvTranspose2d keeps (in, out, kh, kw).
  dict.add(prefix + "output_upscaling.0.weight", {c, c / 4, 2, 2});
  dict.add(prefix + "output_upscaling.0.bias", {c / 4});
  dict.norm(prefix + "output_upscaling.1", c / 4);
  dict.add(prefix + "output_upscaling.3.weight", {c / 4, c / 8, 2, 2});
  dict.add(prefix + "output_upscaling.3.bias", {c / 8});
  dict.conv(prefix + "conv_s0", c, c / 8, 1);
  dict.conv(prefix + "conv_s1", c, c / 4, 1);
  for (int64_t i = 0; i < decoder.num_mask_tokens(); ++i)
    dict.mlp(fmt::format("{}output_hypernetworks_mlps.{}", prefix, i), c, c, c / 8, 3);
  dict.mlp(prefix + "iou_prediction_head", c, decoder.iou_head_hidden_dim, decoder.num_mask_tokens(),
           decoder.iou_head_depth);
  if (!config.pred_obj_scores) return;
  if (config.pred_obj_scores_mlp)
    dict.mlp(prefix + "pred_obj_score_head", c, c, 1, 3);
  else
    dict.linear(prefix + "pred_obj_score_head", c, 1);
}

}  // namespace

bool is_for_video(std::string_view name) {
  for (const char* prefix :
       {"memory_attention.", "memory_encoder.", "mask_downsample.", "obj_ptr_proj.", "obj_ptr_tpos_proj."})
    if (name.starts_with(prefix)) return true;
  return name == "maskmem_tpos_enc" || name == "no_mem_pos_enc" || name == "no_obj_ptr" ||
         name == "no_obj_embed_spatial";
}

std::vector<TensorSpec> expected_tensors(const ModelConfig& config) {
  StateDict dict;
  const int64_t c = config.d_model();
  const int64_t memory_dim = config.memory_dim();
  dict.add("maskmem_tpos_enc", {config.num_maskmem, 1, 1, memory_dim});
  dict.add("no_mem_embed", {1, 1, c});
  dict.add("no_mem_pos_enc", {1, 1, c});
  if (config.pred_obj_scores && config.use_obj_ptrs_in_encoder) dict.add("no_obj_ptr", {1, c});
  if (config.no_obj_embed_spatial) dict.add("no_obj_embed_spatial", {1, memory_dim});
  add_image_encoder(dict, config);
  if (config.use_obj_ptrs_in_encoder) dict.conv("mask_downsample", 1, 1, 4);
  add_memory_attention(dict, config.memory_attention);
  add_memory_encoder(dict, config.memory_encoder);
  add_prompt_encoder(dict, config);
  add_mask_decoder(dict, config);
  if (config.use_obj_ptrs_in_encoder) {
    if (config.use_mlp_for_obj_ptr_proj)
      dict.mlp("obj_ptr_proj", c, c, c, 3);
    else
      dict.linear("obj_ptr_proj", c, c);
  }
  if (config.proj_tpos_enc_in_obj_ptrs) dict.linear("obj_ptr_tpos_proj", c, memory_dim);
  std::vector<TensorSpec> tensors = dict.take();
  if (!config.has_memory) std::erase_if(tensors, [](const TensorSpec& tensor) { return is_for_video(tensor.name); });
  return tensors;
}

}  // namespace samc
