#pragma once
// Small holes and islands of masks, found in their runs. Official code: sam2/utils/amg.py (remove_small_regions).

#include <cstdint>

#include "media/rle.h"

namespace samc {

// Regions are 8-connected. Whether anything changed.
// What is off in regions of fewer than least_area pixels becomes on.
bool fill_small_holes(Rle& mask, int64_t least_area);
// What is on in such regions becomes off. Where all regions are so small the largest stays; of equal ones the
// uppermost, then leftmost.
bool remove_small_islands(Rle& mask, int64_t least_area);

}  // namespace samc
