#pragma once
// Names that the compiler writes and the predictor looks for: the mask decoder, whole, and cut into three functions by
// when its inputs are known. One after the other they run the operations of the whole on the same values.
// docs/plan_ops.md, "The mask decoder in parts".

#include <string_view>

namespace samc {

constexpr std::string_view kMaskDecoder = "mask_decoder";
// Its free size: how many points the prompt has, the pad point among them.
constexpr const char* kPoints = "points";
// What follows from image_embed, high_res_feats_0 and high_res_feats_1: once for each picture.
constexpr std::string_view kDecoderPicture = "mask_decoder_picture";
// What follows from dense_embed too: once for each picture where prompts have no mask, else for each prompt.
constexpr std::string_view kDecoderDense = "mask_decoder_dense";
// The rest, from point_coords and point_labels: for each prompt.
constexpr std::string_view kDecoderPrompt = "mask_decoder_prompt";
// What kDecoderPrompt computes, from the same values, in a way that is faster for a few points: up to its own
// greatest number, and the same but for rounding. A module may lack it.
constexpr std::string_view kDecoderFewPoints = "mask_decoder_few_points";

}  // namespace samc
