#pragma once
// What --test_input names: an .npz with one array for each input of a model, one .npy for each, with commas between, or
// an image for a model of one input.

#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "ir/graph_builder.h"
#include "ir/interpreter.h"
#include "media/image.h"
#include "targets/sophgo/text/top_text.h"

namespace samc {

// The files that it names.
std::vector<std::string> test_input_files(const std::string& given);

// A picture goes through what `preprocess` says, as TPU-MLIR's runtimes do it: resized (bilinear with antialiasing) to
// resize_dims, cut at the centre to the input's size, channels in the order of pixel_format, (pixel - mean) * scale.
Result<NamedTensors> read_test_inputs(const std::string& path, const std::vector<NamedShape>& inputs,
                                      const sophgo::Preprocess& preprocess, ThreadPool& pool,
                                      Orientation orientation = Orientation::kUpright);

// (3, height, width) of resize_dims, values from 0 to 255, red first: stretched, or with keep_aspect_ratio scaled and
// padded with pad_value (letterbox) or cut (short_side_scale).
Tensor resize_picture(const Image& picture, int64_t height, int64_t width, const sophgo::Preprocess& preprocess,
                      ThreadPool& pool);

}  // namespace samc
