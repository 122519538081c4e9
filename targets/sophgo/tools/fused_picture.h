#pragma once
// What a bmodel with fused preprocessing takes instead of the normalised picture: its 8-bit pixels.

#include <string>

#include "base/status.h"
#include "base/tensor.h"
#include "targets/sophgo/tools/preprocess.h"

namespace samc::sophgo {

struct FusedPicture {
  Tensor pixels;      // whole numbers from 0 to 255 in the shape of the bmodel's input
  Tensor normalised;  // what the model makes of them, in the shape that was given
};

// The nearest pixels of a normalised picture (1, 3, H, W). format: RGB_PLANAR, RGB_PACKED, BGR_PLANAR or BGR_PACKED.
// shape: of the bmodel's input, planar (1, 3, h, w) or packed (1, h, w, 3); where it is larger than the picture, whose
// resize_dims are so, the picture stands in its centre.
Result<FusedPicture> fuse_picture(const TensorView& normalised, const Preprocess& preprocess, const std::string& format,
                                  const Shape& shape);

// The format when none is asked for: the model's own, planar.
std::string default_customization_format(const std::string& pixel_format);

}  // namespace samc::sophgo
