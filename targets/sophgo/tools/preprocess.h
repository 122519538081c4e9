#pragma once
// How a picture becomes a model's input, as the .mlir says.

#include <cstdint>
#include <string>
#include <vector>

namespace samc::sophgo {

// What tpuc-opt's --fuse-preprocess reads. The graph's input is the normalised picture all the same.
struct Preprocess {
  std::vector<double> mean = {0, 0, 0};
  std::vector<double> scale = {1, 1, 1};
  std::string pixel_format = "bgr";     // bgr, rgb, gray, rgbd
  std::string channel_format = "nchw";  // nchw, nhwc, none
  std::vector<int64_t> resize_dims;     // empty: the input's height and width
  bool keep_aspect_ratio = false;
  std::string keep_ratio_mode = "letterbox";  // or short_side_scale
  int64_t pad_value = 0;
  std::string pad_type = "center";  // or normal
  std::vector<int64_t> inputs;      // which inputs it is for, from 1 on; empty: all whose shape is an image's
};

}  // namespace samc::sophgo
