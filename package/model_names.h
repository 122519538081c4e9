#pragma once
// Names that are contracts between stages: of functions, of their inputs and outputs, of files. Who writes one and who
// looks for it takes it from here. model/README.md has the functions, docs/onnx_route.md what an export is,
// docs/plan_ops.md ("The mask decoder in parts") the parts of the mask decoder.

namespace samc {

// Functions of a module.
constexpr const char* kImageEncoder = "image_encoder";
constexpr const char* kMaskEncoder = "mask_encoder";
constexpr const char* kNoMask = "no_mask";
constexpr const char* kMaskDecoder = "mask_decoder";
// Its free size: how many points the prompt has, the pad point among them.
constexpr const char* kPoints = "points";

// The mask decoder cut into three functions by when its inputs are known. One after the other they run the operations
// of the whole on the same values. What follows from image_embed, high_res_feats_0 and high_res_feats_1: once for each
// picture.
constexpr const char* kDecoderPicture = "mask_decoder_picture";
// What follows from dense_embed too: once for each picture where prompts have no mask, else for each prompt.
constexpr const char* kDecoderDense = "mask_decoder_dense";
// The rest, from point_coords and point_labels: for each prompt.
constexpr const char* kDecoderPrompt = "mask_decoder_prompt";
// What kDecoderPrompt computes, from the same values, in a way that is faster for a few points: up to its own
// greatest number, and the same but for rounding. A module may lack it.
constexpr const char* kDecoderFewPoints = "mask_decoder_few_points";

// What tracks objects through a video, from checkpoints only (model/README.md).
constexpr const char* kMemoryAttention = "memory_attention";
constexpr const char* kMemoryEncoder = "memory_encoder";
constexpr const char* kObjectPointer = "object_pointer";
constexpr const char* kMaskDownsample = "mask_downsample";
// Free sizes of the memory attention: how many frames its memory is of, and how many object pointers there are.
constexpr const char* kMemories = "memories";
constexpr const char* kPointers = "pointers";
// The memory attention cut in two, as the mask decoder: what follows from vision_features alone, once for each frame;
// and the rest, once for each object.
constexpr const char* kMemoryAttentionFrame = "memory_attention_frame";
constexpr const char* kMemoryAttentionObject = "memory_attention_object";

// Inputs and outputs, of a module's functions as of exports and bmodels.
constexpr const char* kImage = "image";
constexpr const char* kHighResFeats0 = "high_res_feats_0";
constexpr const char* kHighResFeats1 = "high_res_feats_1";
constexpr const char* kImageEmbed = "image_embed";
constexpr const char* kDenseEmbed = "dense_embed";
constexpr const char* kPointCoords = "point_coords";
constexpr const char* kPointLabels = "point_labels";
constexpr const char* kMaskInput = "mask_input";
constexpr const char* kLowResLogits = "low_res_logits";
constexpr const char* kIouPredictions = "iou_predictions";
constexpr const char* kObjectScore = "object_score";
constexpr const char* kMaskTokens = "mask_tokens";
constexpr const char* kVisionFeatures = "vision_features";
constexpr const char* kMemory = "memory";
constexpr const char* kMemoryTimes = "memory_times";
constexpr const char* kObjectPointers = "object_pointers";
constexpr const char* kPointerTimes = "pointer_times";
constexpr const char* kMaskLogits = "mask_logits";
constexpr const char* kMaskToken = "mask_token";
constexpr const char* kMaskPresent = "mask_present";
constexpr const char* kMask = "mask";

// What only exports have, and what is made in their form: whether mask_input counts; the logits of masks 1 to 3.
constexpr const char* kHasMaskInput = "has_mask_input";
constexpr const char* kExportedMasks = "masks";

// What only bmodels of a memory attention have: which places of their fixed shapes are used, 1 or 0.
constexpr const char* kMemoryPresent = "memory_present";
constexpr const char* kPointerPresent = "pointer_present";

// The files of an export's folder.
constexpr const char* kEncoderOnnx = "encoder.onnx";
constexpr const char* kDecoderOnnx = "decoder.onnx";
// Beside those where it tracks too.
constexpr const char* kMemoryAttentionOnnx = "memory_attention.onnx";
constexpr const char* kMemoryEncoderOnnx = "memory_encoder.onnx";
constexpr const char* kObjectPointerOnnx = "object_pointer.onnx";
constexpr const char* kMaskDownsampleOnnx = "mask_downsample.onnx";

}  // namespace samc
