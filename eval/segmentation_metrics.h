#pragma once
// How alike two masks are, as video object segmentation measures it: the region similarity J and the boundary measure
// F of DAVIS. The numbers are those of davis2017-evaluation (davis2017/metrics.py: db_eval_iou, db_eval_boundary) and
// of the SA-V evaluator (sam2, sav_dataset/utils/sav_benchmark.py), which measure the same.

#include <cstdint>
#include <span>

namespace samc {

// Borrowed pixels, (height, width); what is not 0 belongs to the object.
struct MaskView {
  int width = 0;
  int height = 0;
  std::span<const uint8_t> pixels;
};

// A boundary may be off by this share of the image's diagonal, rounded up to whole pixels.
constexpr double kBoundaryShare = 0.008;

// J, 0 to 1: the area of the intersection over that of the union. 1 when both masks are empty.
// Both masks must have the same width and height, here and below.
double region_similarity(const MaskView& annotation, const MaskView& prediction);

// F, 0 to 1: the harmonic mean of precision and recall of the boundary pixels. One counts as found when the other
// mask has a boundary pixel within a disk of ceil(kBoundaryShare * diagonal) pixels. 1 when neither has a boundary,
// 0 when one of them has none.
double boundary_measure(const MaskView& annotation, const MaskView& prediction);

}  // namespace samc
