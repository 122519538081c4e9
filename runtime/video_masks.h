#pragma once
// What becomes of masks after the decoder. Official code: sam2/utils/misc.py (fill_holes_in_mask_scores), sam2_base.py
// (_apply_non_overlapping_constraints), sam2_video_predictor.py (_get_orig_video_res_output).

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "runtime/video_predictor.h"

namespace samc {

// The logits of an object that is not seen.
constexpr float kNoObjectLogit = -1024.0f;

// 8-connected regions of logits <= 0 with at most largest_area pixels become 0.1. logits: (height, width).
void fill_holes(std::span<float> logits, int64_t height, int64_t width, int64_t largest_area);

// At each pixel all planes but the one of the greatest logit (the first of equals) get at most -10. One plane stays.
void keep_greatest(const std::vector<std::span<float>>& planes, ThreadPool& pool);

// Low-res logits (1, 1, low, low) of each object, nullptr where it has none, to f32 (objects, 1, height, width). Throws
// where memory is missing.
Tensor masks_at_video_size(const std::vector<std::shared_ptr<const ObjectOutput>>& outputs, int64_t height,
                           int64_t width, bool non_overlapping, ThreadPool& pool);

}  // namespace samc
