#pragma once
// The image functions of a SAM 2 model in top ops, in the form of the official PyTorch code (which is also the form of
// its ONNX exports), so that the passes see one kind of graph. Value names are PyTorch's module paths. model/README.md
// has the table of functions, inputs and outputs.

#include <string>

#include "base/status.h"
#include "base/tensor.h"
#include "checkpoint/checkpoint.h"
#include "ir/graph_builder.h"
#include "ir/weight_store.h"
#include "model/config.h"
#include "package/model_names.h"

namespace samc {

// The tensors that the image functions need. Dense little-endian f32 is borrowed from the mapped checkpoint, which must
// then outlive the store; everything else is converted. The checkpoint has passed check_tensors().
Status add_image_weights(const ModelConfig& config, const Checkpoint& checkpoint, WeightStore& weights);

// What the builders below expect: the config has passed check_config(), the store holds the tensors of
// add_image_weights() under their state_dict names. Constants that follow from weights (position embeddings, transposed
// deconvolution weights) are added to the store once and shared by later functions.

// image (1, 3, S, S), normalised -> high_res_feats_0 (1, C/8, S/4, S/4), high_res_feats_1 (1, C/4, S/8, S/8),
// image_embed (1, C, S/16, S/16); and vision_features, which is image_embed before no_mem_embed is added
Status build_image_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name = kImageEncoder,
                           bool with_vision_features = false);

// mask_input (1, 1, S/4, S/4), logits -> dense_embed (1, C, S/16, S/16)
Status build_mask_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name = kMaskEncoder);

// () -> dense_embed (1, C, S/16, S/16)
Status build_no_mask(const ModelConfig& config, GraphBuilder& graph, const std::string& name = kNoMask);

// image_embed, high_res_feats_0, high_res_feats_1, dense_embed, point_coords (1, points, 2) in model pixels,
// point_labels (1, points) -> low_res_logits (1, 4, S/4, S/4), iou_predictions (1, 4), object_score (1, 1), mask_tokens
// (1, 4, C). Without points the last two inputs are not there. The pad point that the official code appends is the
// caller's.
Status build_mask_decoder(const ModelConfig& config, int64_t points, GraphBuilder& graph,
                          const std::string& name = kMaskDecoder);

}  // namespace samc
