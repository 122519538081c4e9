#pragma once
// What who tracks has to know beside the graphs, as text in memory_attention.onnx.

#include <string>
#include <utility>
#include <vector>

#include "package/model_info.h"

namespace samc::onnx_target {

// A metadata property each, by their official names: image_size and the fields of info.video, which is there. Integers
// are digits, yes and no are true and false.
std::vector<std::pair<std::string, std::string>> video_metadata(const ModelInfo& info);

}  // namespace samc::onnx_target
