#pragma once
// The mask decoder as samexporter has it.

#include <string>

#include "base/status.h"
#include "ir/graph_builder.h"
#include "model/config.h"

namespace samc::onnx_target {

// prompt_inputs() (model/decoder_parts.h) -> masks (1, 3, S/4, S/4) within +-32, iou_predictions (1, 3). The pad point
// is appended inside. for_video: then low_res_logits (1, 4, S/4, S/4), object_score (1, 1) and mask_tokens (1, 4, C)
// come out too, as those of build_mask_decoder().
Status build_export_decoder(const ModelConfig& config, int64_t points, GraphBuilder& graph, const std::string& name,
                            bool for_video = false);

}  // namespace samc::onnx_target
