#pragma once
// What prompts become before the model sees them. Official code: sam2_video_predictor.py (add_new_points_or_box,
// add_new_mask), sam2_base.py (_forward_sam_heads, _use_multimask).

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "package/model_info.h"
#include "runtime/prompt_points.h"
#include "runtime/video_predictor.h"

namespace samc {

// The prompt's box and points in pixels of the model's (size, size) image, behind the earlier ones where the prompt
// keeps them, without a pad point. earlier: nullptr or what this gave before. Errors: neither points nor box, a box
// without clear_old_points, too many points, and those of decoder_points().
Result<DecoderPoints> add_points(const VideoPrompt& prompt, const DecoderPoints* earlier, int64_t width, int64_t height,
                                 int64_t size);

// With the pad point that the decoder wants. nullptr: no prompt, which the official code gives as a point (0, 0) with
// label -1, so that there are two.
DecoderPoints with_pad_point(const DecoderPoints* points);

// A mask prompt at the model's size: f32 (1, 1, size, size) of 0 and 1. Errors: not u8 or bool, not (height, width).
Result<Tensor> mask_at_model_size(const TensorView& mask, int64_t size, ThreadPool& pool);

// Whether the mask is chosen among three rather than the decoder's single one. is_first: the frame was not tracked, so
// that it is segmented without memories. points: of the prompt, 0 without.
bool uses_three_masks(const VideoFacts& facts, bool is_first, int64_t points);

}  // namespace samc
