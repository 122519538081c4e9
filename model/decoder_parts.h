#pragma once
// The mask decoder in parts, for targets whose decoder wraps them otherwise than build.h does. Within a function that
// the caller has begun; GraphBuilder's errors stick.

#include <vector>

#include "ir/graph_builder.h"
#include "model/config.h"

namespace samc {

// The inputs of a decoder that takes prompts as ONNX exports do: image_embed (1, C, S/16, S/16), high_res_feats_0
// (1, C/8, S/4, S/4), high_res_feats_1 (1, C/4, S/8, S/8), point_coords (1, points, 2), point_labels (1, points),
// mask_input (1, 1, S/4, S/4), has_mask_input (1).
std::vector<NamedShape> prompt_inputs(const ModelConfig& config, int64_t points);

// (1, points, 2) and (1, points) -> (1, points, C)
mlir::Value embed_points(GraphBuilder& graph, const ModelConfig& config, mlir::Value coords, mlir::Value labels,
                         int64_t points);
// (1, 1, S/4, S/4) -> (1, C, S/16, S/16)
mlir::Value embed_mask(GraphBuilder& graph, const ModelConfig& config, mlir::Value mask);
// -> (1, C, S/16, S/16)
mlir::Value embed_no_mask(GraphBuilder& graph, const ModelConfig& config);

struct DecoderInputs {
  mlir::Value image_embed;
  mlir::Value high_res_feats_0;
  mlir::Value high_res_feats_1;
  mlir::Value dense_embed;
  mlir::Value sparse_embed;  // (1, points, C), or null without points
  int64_t points = 0;
};

struct DecoderOutputs {
  mlir::Value low_res_logits;
  mlir::Value iou_predictions;
  mlir::Value object_score;
  mlir::Value mask_tokens;
};

DecoderOutputs mask_decoder(GraphBuilder& graph, const ModelConfig& config, const DecoderInputs& inputs);

}  // namespace samc
