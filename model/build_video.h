#pragma once
// The functions of a SAM 2 model by which it tracks, in top ops and in the form of the official code
// (sam2/modeling/sam2_base.py, memory_attention.py, memory_encoder.py), but for the rotary encoding, which is written
// in real numbers. model/README.md has the table of inputs and outputs. As in build.h the config has passed
// check_config(); it has passed check_video() too, and the store holds the tensors of add_video_weights() and of
// add_image_weights().

#include <string>

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "ir/graph_builder.h"
#include "ir/weight_store.h"
#include "model/config.h"
#include "package/model_info.h"
#include "package/model_names.h"

namespace samc {

// Whether the functions below can be built; the error names the first key that they do not know.
Status check_video(const ModelConfig& config);
VideoFacts video_facts(const ModelConfig& config);

// The tensors that only tracking needs, as add_image_weights() does.
Status add_video_weights(const ModelConfig& config, const Checkpoint& checkpoint, WeightStore& weights);

// vision_features (1, C, h, w), memory (1, memories h w, M), memory_times (1, memories), object_pointers (1, pointers,
// C), pointer_times (1, pointers) -> image_embed (1, C, h, w). Without pointers their two inputs are not there; a model
// that gives pointers no times has no pointer_times.
Status build_memory_attention(const ModelConfig& config, int64_t memories, int64_t pointers, GraphBuilder& graph,
                              const std::string& name = kMemoryAttention);

// vision_features (1, C, h, w), mask_logits (1, 1, S, S), object_score (1, 1) -> memory (1, h w, M)
// A model without no_obj_embed_spatial has no object_score.
Status build_memory_encoder(const ModelConfig& config, GraphBuilder& graph, const std::string& name = kMemoryEncoder);

// mask_token (1, C), object_score (1, 1), mask_present (1, 1): 0 where a mask prompt is empty, else 1
// -> object_pointer (1, C)
// A model without pred_obj_scores has the first input alone.
Status build_object_pointer(const ModelConfig& config, GraphBuilder& graph, const std::string& name = kObjectPointer);

// mask (1, 1, S, S), 0 or 1 -> mask_input (1, 1, S/4, S/4)
Status build_mask_downsample(const ModelConfig& config, GraphBuilder& graph, const std::string& name = kMaskDownsample);

}  // namespace samc
