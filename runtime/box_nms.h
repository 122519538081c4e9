#pragma once
// Non-maximum suppression of boxes, as torchvision.ops.nms does it: in f32, and of equal scores the first counts.

#include <span>
#include <vector>

#include "runtime/point_grid.h"

namespace samc {

// Which boxes stay, best score first: each that overlaps no better one that stays by an IoU above the threshold. A
// box's area is (right - left) (bottom - top).
std::vector<size_t> suppress_overlaps(std::span<const PixelBox> boxes, std::span<const float> scores,
                                      double iou_threshold);

}  // namespace samc
