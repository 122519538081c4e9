#pragma once
// What a video predictor computes with: the functions of a SAM 2 model that need no knowledge of frames, objects and
// prompts. A compiled module that has them is one (module_model.h); tests have small ones of their own.
//
// S is the model's image size, C its width (256), h and w are S / 16, M the channels of a memory (64).

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "package/model_info.h"
#include "runtime/image_model.h"
#include "runtime/timing.h"

namespace samc {

struct DecoderPoints;

// What the image encoder makes of a frame, once for all objects.
struct FrameFeatures {
  Tensor high_res_feats_0;  // (1, C / 8, S / 4, S / 4)
  Tensor high_res_feats_1;  // (1, C / 4, S / 8, S / 8)
  Tensor image_embed;       // (1, C, h, w), with no_mem_embed added: for the decoder where no memory is
  Tensor vision_features;   // (1, C, h, w), without: what memory attention, memory encoder and mask prompts take
  // The same where the model that made it keeps it for its other parts, as on a chip. Never set by others.
  std::shared_ptr<const DeviceEmbedding> on_device = {};
};

// One earlier frame of one object, as memory attention sees it.
struct MemoryView {
  const Tensor* features = nullptr;  // bf16 (1, h w, M)
  int64_t time = 0;                  // t_pos of the official code: 0 a conditioning frame, 1 the oldest other one,
                                     // num_maskmem - 1 the frame before
};
struct PointerView {
  const Tensor* pointer = nullptr;  // f32 (1, C)
  float time = 0;                   // frames between, divided by max_obj_ptrs_in_encoder - 1
};
struct MemoryBank {
  std::vector<MemoryView> memories;   // at least one
  std::vector<PointerView> pointers;  // may be empty
};

// One object on a frame, as decode() takes it.
struct DecodeRequest {
  const Tensor* image_embed;
  const DecoderPoints* points;
  TensorView mask_input;
  DecoderOutputs* outputs;
};

class VideoModel {
 public:
  virtual ~VideoModel() = default;
  virtual const ModelInfo& info() const = 0;  // info().video is there
  virtual const ImageModelShapes& shapes() const = 0;
  virtual ThreadPool& pool() = 0;  // for what is done before and behind the model
  virtual int64_t most_memories() const = 0;
  virtual int64_t most_pointers() const = 0;

  // image: f32 (1, 3, S, S), normalised.
  virtual Status encode(const TensorView& image, FrameFeatures& features) = 0;
  // The frame's vision features as the bank changes them. conditioned: (1, C, h, w), in place of image_embed. What
  // follows from the frame alone is kept from call to call until the features are another object or forget_frame().
  virtual Status attend(const FrameFeatures& features, const MemoryBank& bank, Tensor& conditioned) = 0;
  virtual void forget_frame() = 0;
  // image_embed (1, C, h, w): the frame's own, its vision features, or conditioned ones. The points come with their
  // pad point; mask_input: f32 (1, 1, S / 4, S / 4) logits, without data: none. All four outputs are filled.
  virtual Status decode(const FrameFeatures& features, const Tensor& image_embed, const DecoderPoints& points,
                        const TensorView& mask_input, DecoderOutputs& outputs) = 0;
  // The same of several objects; to the bit what they get one at a time. objects_at_once() of them go together best.
  virtual Status decode_all(const FrameFeatures& features, std::span<const DecodeRequest> requests) {
    for (const DecodeRequest& request : requests)
      SAMC_TRY(decode(features, *request.image_embed, *request.points, request.mask_input, *request.outputs));
    return Status::ok();
  }
  virtual int64_t objects_at_once() const { return 1; }
  // token: f32 (1, C), of the chosen mask. score: f32 (1, 1), the decoder's. object_is_in_mask: false where a mask
  // prompt is empty, which makes the pointer that of no object. pointer: (1, C).
  virtual Status object_pointer(const TensorView& token, const TensorView& score, bool object_is_in_mask,
                                Tensor& pointer) = 0;
  // mask: f32 (1, 1, S, S) logits; a mask that counts as 0 or 1 comes as -kCertainLogit or kCertainLogit. score: (1,
  // 1). memory: bf16 (1, h w, M), rounded to nearest even.
  virtual Status encode_memory(const FrameFeatures& features, const TensorView& mask, const TensorView& score,
                               Tensor& memory) = 0;
  // A mask prompt, f32 (1, 1, S, S) of 0 and 1, as logits for the decoder's mask input (1, 1, S / 4, S / 4).
  virtual Status downsample_mask(const TensorView& mask, Tensor& low_res) = 0;

  virtual void stop_at_nonfinite(bool) {}
  virtual void observe(OperationObserver) {}  // NOLINT(performance-unnecessary-value-param): others keep it
  virtual size_t working_bytes() const { return 0; }
};

// The sigmoid of this is 1 in f32, of its negative 0.
constexpr float kCertainLogit = 10000.0f;

}  // namespace samc
