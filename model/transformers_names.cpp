// Names of tensors in Hugging Face's transformers (Sam2Model, Sam2VideoModel; 4.56 to 5) and in the official
// state_dict.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "model/tensor_names.h"

namespace samc {
namespace {

struct Renaming {
  std::string_view theirs;    // a module's path; * is a number
  std::string_view official;  // the same number stands for its *
};

// The first that a name begins with counts, and what follows (".weight") stays.
constexpr auto kRenamings = std::to_array<Renaming>({
    {"memory_temporal_positional_encoding", "maskmem_tpos_enc"},
    {"no_memory_embedding", "no_mem_embed"},
    {"no_memory_positional_encoding", "no_mem_pos_enc"},
    {"no_object_pointer", "no_obj_ptr"},
    {"occlusion_spatial_embedding_parameter", "no_obj_embed_spatial"},
    {"mask_downsample", "mask_downsample"},
    {"object_pointer_proj.proj_in", "obj_ptr_proj.layers.0"},
    {"object_pointer_proj.layers.0", "obj_ptr_proj.layers.1"},
    {"object_pointer_proj.proj_out", "obj_ptr_proj.layers.2"},
    {"temporal_positional_encoding_projection_layer", "obj_ptr_tpos_proj"},
    // image encoder
    {"vision_encoder.backbone.patch_embed.projection", "image_encoder.trunk.patch_embed.proj"},
    {"vision_encoder.backbone.blocks.*.layer_norm1", "image_encoder.trunk.blocks.*.norm1"},
    {"vision_encoder.backbone.blocks.*.layer_norm2", "image_encoder.trunk.blocks.*.norm2"},
    {"vision_encoder.backbone.blocks.*.mlp.proj_in", "image_encoder.trunk.blocks.*.mlp.layers.0"},
    {"vision_encoder.backbone.blocks.*.mlp.proj_out", "image_encoder.trunk.blocks.*.mlp.layers.1"},
    {"vision_encoder.backbone", "image_encoder.trunk"},
    {"vision_encoder.neck.convs.*", "image_encoder.neck.convs.*.conv"},
    // prompt encoder; the first two are one tensor
    {"shared_image_embedding.positional_embedding", "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"},
    {"prompt_encoder.shared_embedding.positional_embedding",
     "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"},
    {"prompt_encoder.mask_embed.conv1", "sam_prompt_encoder.mask_downscaling.0"},
    {"prompt_encoder.mask_embed.layer_norm1", "sam_prompt_encoder.mask_downscaling.1"},
    {"prompt_encoder.mask_embed.conv2", "sam_prompt_encoder.mask_downscaling.3"},
    {"prompt_encoder.mask_embed.layer_norm2", "sam_prompt_encoder.mask_downscaling.4"},
    {"prompt_encoder.mask_embed.conv3", "sam_prompt_encoder.mask_downscaling.6"},
    {"prompt_encoder", "sam_prompt_encoder"},
    // mask decoder
    {"mask_decoder.transformer.layers.*.self_attn.o_proj", "sam_mask_decoder.transformer.layers.*.self_attn.out_proj"},
    {"mask_decoder.transformer.layers.*.cross_attn_token_to_image.o_proj",
     "sam_mask_decoder.transformer.layers.*.cross_attn_token_to_image.out_proj"},
    {"mask_decoder.transformer.layers.*.cross_attn_image_to_token.o_proj",
     "sam_mask_decoder.transformer.layers.*.cross_attn_image_to_token.out_proj"},
    {"mask_decoder.transformer.layers.*.layer_norm1", "sam_mask_decoder.transformer.layers.*.norm1"},
    {"mask_decoder.transformer.layers.*.layer_norm2", "sam_mask_decoder.transformer.layers.*.norm2"},
    {"mask_decoder.transformer.layers.*.layer_norm3", "sam_mask_decoder.transformer.layers.*.norm3"},
    {"mask_decoder.transformer.layers.*.layer_norm4", "sam_mask_decoder.transformer.layers.*.norm4"},
    {"mask_decoder.transformer.layers.*.mlp.proj_in", "sam_mask_decoder.transformer.layers.*.mlp.layers.0"},
    {"mask_decoder.transformer.layers.*.mlp.proj_out", "sam_mask_decoder.transformer.layers.*.mlp.layers.1"},
    {"mask_decoder.transformer.final_attn_token_to_image.o_proj",
     "sam_mask_decoder.transformer.final_attn_token_to_image.out_proj"},
    {"mask_decoder.transformer.layer_norm_final_attn", "sam_mask_decoder.transformer.norm_final_attn"},
    {"mask_decoder.upscale_conv1", "sam_mask_decoder.output_upscaling.0"},
    {"mask_decoder.upscale_layer_norm", "sam_mask_decoder.output_upscaling.1"},
    {"mask_decoder.upscale_conv2", "sam_mask_decoder.output_upscaling.3"},
    {"mask_decoder.output_hypernetworks_mlps.*.proj_in", "sam_mask_decoder.output_hypernetworks_mlps.*.layers.0"},
    {"mask_decoder.output_hypernetworks_mlps.*.layers.0", "sam_mask_decoder.output_hypernetworks_mlps.*.layers.1"},
    {"mask_decoder.output_hypernetworks_mlps.*.proj_out", "sam_mask_decoder.output_hypernetworks_mlps.*.layers.2"},
    {"mask_decoder.iou_prediction_head.proj_in", "sam_mask_decoder.iou_prediction_head.layers.0"},
    {"mask_decoder.iou_prediction_head.layers.0", "sam_mask_decoder.iou_prediction_head.layers.1"},
    {"mask_decoder.iou_prediction_head.proj_out", "sam_mask_decoder.iou_prediction_head.layers.2"},
    {"mask_decoder.pred_obj_score_head.proj_in", "sam_mask_decoder.pred_obj_score_head.layers.0"},
    {"mask_decoder.pred_obj_score_head.layers.0", "sam_mask_decoder.pred_obj_score_head.layers.1"},
    {"mask_decoder.pred_obj_score_head.proj_out", "sam_mask_decoder.pred_obj_score_head.layers.2"},
    {"mask_decoder", "sam_mask_decoder"},
    // memory
    {"memory_attention.layers.*.self_attn.o_proj", "memory_attention.layers.*.self_attn.out_proj"},
    {"memory_attention.layers.*.cross_attn_image.o_proj", "memory_attention.layers.*.cross_attn_image.out_proj"},
    {"memory_attention.layers.*.layer_norm1", "memory_attention.layers.*.norm1"},
    {"memory_attention.layers.*.layer_norm2", "memory_attention.layers.*.norm2"},
    {"memory_attention.layers.*.layer_norm3", "memory_attention.layers.*.norm3"},
    {"memory_attention.layer_norm", "memory_attention.norm"},
    {"memory_attention", "memory_attention"},
    {"memory_encoder.feature_projection", "memory_encoder.pix_feat_proj"},
    {"memory_encoder.memory_fuser.layers.*.depthwise_conv", "memory_encoder.fuser.layers.*.dwconv"},
    {"memory_encoder.memory_fuser.layers.*.layer_norm", "memory_encoder.fuser.layers.*.norm"},
    {"memory_encoder.memory_fuser.layers.*.pointwise_conv1", "memory_encoder.fuser.layers.*.pwconv1"},
    {"memory_encoder.memory_fuser.layers.*.pointwise_conv2", "memory_encoder.fuser.layers.*.pwconv2"},
    {"memory_encoder.memory_fuser.layers.*.scale", "memory_encoder.fuser.layers.*.gamma"},
    {"memory_encoder.projection", "memory_encoder.out_proj"},
});

// The part of a name that a module's path stands for, and the number that stands for its *.
struct Match {
  size_t length = 0;
  std::string_view number = {};
};

std::optional<Match> match(std::string_view path, std::string_view name) {
  Match found;
  const size_t star = path.find('*');
  const std::string_view before = path.substr(0, star);
  if (!name.starts_with(before)) return std::nullopt;
  found.length = before.size();
  if (star != std::string_view::npos) {
    const std::string_view rest = name.substr(found.length);
    found.number = rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size()));
    const std::string_view after = path.substr(star + 1);
    if (found.number.empty() || !rest.substr(found.number.size()).starts_with(after)) return std::nullopt;
    found.length += found.number.size() + after.size();
  }
  if (found.length < name.size() && name[found.length] != '.') return std::nullopt;
  return found;
}

// The official downsampler is a sequence of convolution, norm and activation for each layer, then a convolution.
std::optional<std::string> mask_downsampler_name(std::string_view name, int64_t mask_layers) {
  constexpr std::string_view kEncoder = "memory_encoder.mask_downsampler.encoder.";
  if (const auto last = match("memory_encoder.mask_downsampler.final_conv", name))
    return fmt::format("{}{}{}", kEncoder, 3 * mask_layers, name.substr(last->length));
  for (const auto& [part, place] : {std::pair{"conv", 0}, {"layer_norm", 1}}) {
    const auto found = match(fmt::format("memory_encoder.mask_downsampler.layers.*.{}", part), name);
    int layer = 0;
    if (!found) continue;
    const auto [end, error] = std::from_chars(found->number.data(), found->number.data() + found->number.size(), layer);
    if (error != std::errc() || layer > 1000) return std::nullopt;
    return fmt::format("{}{}{}", kEncoder, 3 * layer + place, name.substr(found->length));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> official_name(std::string_view transformers_name, int64_t mask_layers) {
  if (const auto name = mask_downsampler_name(transformers_name, mask_layers)) return name;
  for (const Renaming& renaming : kRenamings) {
    const std::optional<Match> found = match(renaming.theirs, transformers_name);
    if (!found) continue;
    const size_t star = renaming.official.find('*');
    std::string name(renaming.official.substr(0, star));
    if (star != std::string_view::npos) name.append(found->number).append(renaming.official.substr(star + 1));
    return name.append(transformers_name.substr(found->length));
  }
  return std::nullopt;
}

}  // namespace samc
