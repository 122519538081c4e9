#pragma once
// The mask decoder in one function of fixed shapes that serves every prompt exactly: up to max_points points, whose
// unused places have the label kAbsentPoint, and a mask input that counts when has_mask_input is 1.

#include <cstdint>
#include <string>

#include "base/status.h"
#include "ir/graph_builder.h"
#include "model/config.h"
#include "model/exported_model.h"
#include "targets/sophgo/device/point_places.h"

namespace samc::sophgo {

// prompt_inputs() (model/decoder_parts.h) -> low_res_logits (1, 4, S/4, S/4), iou_predictions (1, 4), object_score (1,
// 1), and for video mask_tokens (1, 4, C). As with build_mask_decoder, the pad point of label -1 is the caller's.
Status build_prompt_decoder(const ModelConfig& config, int64_t max_points, bool for_video, GraphBuilder& graph,
                            const std::string& name = "prompt_decoder");
// The same of an export, which has neither object_score nor mask_tokens.
Status build_prompt_decoder(const ExportedModel& model, int64_t max_points, GraphBuilder& graph,
                            const std::string& name = "prompt_decoder");

}  // namespace samc::sophgo
