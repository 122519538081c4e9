#pragma once
// What becomes of the decoder's low-res logits. Official code: sam2/utils/transforms.py,
// SAM2Transforms.postprocess_masks, and sam2/modeling/sam/mask_decoder.py.

#include <cstdint>
#include <span>

#include "base/thread_pool.h"

namespace samc {

// How far from the threshold a filled hole and a removed sprinkle are put.
constexpr float kFilledLogit = 10.0f;

// Holes: connected regions of logits <= threshold with at most max_hole_area pixels become threshold + 10. Sprinkles:
// regions of logits > threshold with at most max_sprinkle_area pixels become threshold - 10. 8-connected; both are
// found in the logits as they come, as in the official code; areas in low-res pixels, 0 switches off. logits is
// (height, width). The official code does this with its CUDA extension only, and skips it on the CPU.
void fill_small_regions(std::span<float> logits, int64_t height, int64_t width, float threshold, double max_hole_area,
                        double max_sprinkle_area);

// For each pixel the area of its 8-connected region of non-zero pixels; 0 where `region` is 0. Both are (height,
// width).
void component_areas(std::span<const uint8_t> region, int64_t height, int64_t width, std::span<int32_t> areas);

// How far the mask keeps its area when its threshold moves: area(logit > delta) / area(logit > -delta), 1 if both
// empty.
float stability_score(std::span<const float> logits, float delta);

// Which of the four masks (0: the single-mask token) answers a single-mask request: 0 if its stability is at least
// `threshold`, else the one of 1..3 with the best IoU prediction. logits is (4, pixels).
int64_t choose_single_mask(std::span<const float> logits, std::span<const float> iou_predictions, float delta,
                           float threshold);

// Bilinear, half-pixel centres, edges repeated (align_corners=False): each plane of low_res (planes, in_height,
// in_width) to one of (planes, height, width).
void upscale_logits(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                    ThreadPool& pool, std::span<float> logits);
// The same, then 1 where the logit is greater than threshold and 0 elsewhere, with no full-size logits in memory. As
// bytes or as f32.
void upscale_mask(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  float threshold, ThreadPool& pool, std::span<uint8_t> masks);
void upscale_mask(std::span<const float> low_res, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  float threshold, ThreadPool& pool, std::span<float> masks);

}  // namespace samc
