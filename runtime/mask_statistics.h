#pragma once
// What automatic masks need to know of a mask at the image's size, from its low-res logits: how stable it is, its area,
// box and run lengths. The mask itself is never there: most of its pixels lie between four logits on one side of every
// threshold, and only the others are enlarged, one after the other. The numbers are those of upscale_mask()
// (postprocess.h), to the bit. Official code: sam2/utils/amg.py (calculate_stability_score, batched_mask_to_box,
// uncrop_masks, mask_to_rle_pytorch).

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/rle.h"
#include "runtime/linear_steps.h"
#include "runtime/point_grid.h"

namespace samc {

struct MaskThresholds {
  float mask = 0;   // logits above it are mask
  float inner = 0;  // moved up and down, for the stability
  float outer = 0;
};

struct MaskStatistics {
  float stability = 0;  // pixels above inner / pixels above outer; NaN when there is none of either
  PixelBox box = {};    // of the mask within the crop, the last column and row inside; zeros when it is empty
  Rle runs;             // of the mask within the whole image
};

class MaskMeter {
 public:
  // Of masks of (low_height, low_width) logits that cover this crop of an image.
  MaskMeter(int64_t low_height, int64_t low_width, const PixelBox& crop, int64_t image_width, int64_t image_height);

  // Nothing where the stability is below least_stability, which mostly shows before a pixel is enlarged; 0: any will
  // do. logits is (low_height, low_width). May be called by several threads.
  std::optional<MaskStatistics> measure(std::span<const float> logits, const MaskThresholds& thresholds,
                                        float least_stability) const;

 private:
  class Walk;

  int64_t low_height_, low_width_;
  PixelBox crop_;
  int64_t image_width_, image_height_;
  std::vector<LinearStep> columns_, rows_;  // of the crop's pixels
  // For each position of the logits the first output position between it and the next; one more at the end.
  std::vector<int64_t> first_column_, first_row_;
};

}  // namespace samc
