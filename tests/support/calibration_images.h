#pragma once
// Sixteen images of tests/data/images to calibrate on: ten frames of a room, a truck, and five parts of it.

#include <string>

#include "base/status.h"
#include "media/image.h"

namespace samc::test {

// `part` of the whole's width and height, from (left, top) on; all between 0 and 1.
Image cropped(const Image& whole, double left, double top, double part);

// The folder must be there.
Status write_calibration_images(const std::string& folder);

}  // namespace samc::test
