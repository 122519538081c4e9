#pragma once
// What a compiled model says of itself.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace samc {

// What a video predictor has to know beside the functions. Names and meaning are those of SAM2Base
// (sam2/modeling/sam2_base.py).
struct VideoFacts {
  int64_t num_maskmem = 7;               // memories that take part: conditioning frames and the last num_maskmem - 1
  int64_t max_cond_frames_in_attn = -1;  // -1: all
  int64_t memory_temporal_stride_for_eval = 1;
  bool binarize_mask_from_pts_for_mem_enc = true;
  bool use_mask_input_as_output_without_sam = true;
  bool multimask_output_in_sam = true;
  int64_t multimask_min_pt_num = 0;
  int64_t multimask_max_pt_num = 1;
  bool multimask_output_for_tracking = true;
  bool use_multimask_token_for_obj_ptr = true;
  bool use_obj_ptrs_in_encoder = true;
  int64_t max_obj_ptrs_in_encoder = 16;
  bool use_signed_tpos_enc_to_obj_ptrs = false;
  bool only_obj_ptrs_in_the_past_for_eval = true;
  bool pred_obj_scores = true;
  bool non_overlap_masks_for_mem_enc = false;
  bool operator==(const VideoFacts&) const = default;
};

// What the image predictor has to know about the model beside its functions.
struct ModelInfo {
  std::string name;      // "sam2.1_hiera_tiny"
  std::string build_id;  // of the compiler that made the file
  // What the image encoder is, by content (model/identity.h): an embedding is good for models of the same. Empty: not
  // known, as in plans written by hand.
  std::string encoder_id;
  int64_t image_size = 1024;
  std::vector<float> pixel_mean = {0.485f, 0.456f, 0.406f};  // of RGB values in [0, 1]
  std::vector<float> pixel_std = {0.229f, 0.224f, 0.225f};
  float mask_threshold = 0.0f;
  // Single-mask output falls back to the best of masks 1..3 when mask 0 is unstable (official: on, 0.05, 0.98).
  bool dynamic_multimask_via_stability = true;
  float stability_delta = 0.05f;
  float stability_threshold = 0.98f;
  std::optional<VideoFacts> video;  // absent: images only
  // Anything else that is worth keeping: precision, source file, its hash. Order is kept.
  std::vector<std::pair<std::string, std::string>> notes;
};

}  // namespace samc
