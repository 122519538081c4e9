#pragma once
// What who tracks has to know beside the graphs, as text in memory_attention.onnx.

#include <string>
#include <utility>
#include <vector>

#include "package/model_info.h"

namespace samc::onnx_target {

// A metadata property each, by the official names of the fields: integers as digits, yes and no as true and false.
std::vector<std::pair<std::string, std::string>> video_metadata(const VideoFacts& facts);

}  // namespace samc::onnx_target
