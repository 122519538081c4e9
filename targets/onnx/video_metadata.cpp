#include "targets/onnx/video_metadata.h"

#include <fmt/format.h>

namespace samc::onnx_target {

std::vector<std::pair<std::string, std::string>> video_metadata(const ModelInfo& info) {
  // A new field of VideoFacts does not compile until it has a line below.
  const auto& [num_maskmem, max_cond_frames_in_attn, stride, binarize, mask_as_output, multimask_in_sam, min_points,
               max_points, multimask_for_tracking, multimask_token, use_pointers, most_pointers, signed_times,
               past_pointers, object_scores, non_overlap] = *info.video;
  std::vector<std::pair<std::string, std::string>> properties;
  const auto add = [&](const char* key, const auto& value) { properties.emplace_back(key, fmt::format("{}", value)); };
  add("image_size", info.image_size);
  add("num_maskmem", num_maskmem);
  add("max_cond_frames_in_attn", max_cond_frames_in_attn);
  add("memory_temporal_stride_for_eval", stride);
  add("binarize_mask_from_pts_for_mem_enc", binarize);
  add("use_mask_input_as_output_without_sam", mask_as_output);
  add("multimask_output_in_sam", multimask_in_sam);
  add("multimask_min_pt_num", min_points);
  add("multimask_max_pt_num", max_points);
  add("multimask_output_for_tracking", multimask_for_tracking);
  add("use_multimask_token_for_obj_ptr", multimask_token);
  add("use_obj_ptrs_in_encoder", use_pointers);
  add("max_obj_ptrs_in_encoder", most_pointers);
  add("use_signed_tpos_enc_to_obj_ptrs", signed_times);
  add("only_obj_ptrs_in_the_past_for_eval", past_pointers);
  add("pred_obj_scores", object_scores);
  add("non_overlap_masks_for_mem_enc", non_overlap);
  return properties;
}

}  // namespace samc::onnx_target
