#pragma once
// Where automatic masks are asked for: a grid of points, and crops of the image in layers. Official code:
// sam2/utils/amg.py (build_point_grid, generate_crop_boxes, is_box_near_crop_edge).

#include <array>
#include <cstdint>
#include <vector>

namespace samc {

// In [0, 1] of the width and the height of what the grid lies over.
struct GridPoint {
  double x = 0;
  double y = 0;
};

// per_side x per_side points, row by row, each in the middle of its cell. per_side is at least 1.
std::vector<GridPoint> point_grid(int64_t per_side);
// How many points a side has in a layer: per_side / downscale^layer, rounded down.
int64_t points_per_side_of(int64_t layer, int64_t per_side, int64_t downscale);

// Left, top, right, bottom in pixels. A crop ends before right and bottom; a mask's box (mask_statistics.h) has its
// last pixels there.
using PixelBox = std::array<int64_t, 4>;

struct Crop {
  PixelBox box;
  int64_t layer = 0;
};

// The whole image as layer 0; layer n has 2^n x 2^n crops, column by column, which overlap by overlap_ratio of the
// image's shorter side at n = 1, and by half as much in each further layer.
std::vector<Crop> image_crops(int64_t width, int64_t height, int64_t layers, double overlap_ratio);

// Whether a side of the box, in pixels of the crop, lies within 20 pixels of the crop's and not of the image's: what
// it is of most likely goes on outside of the crop.
bool is_near_crop_edge(const PixelBox& box, const PixelBox& crop, int64_t width, int64_t height);

}  // namespace samc
