#pragma once
// What an ImagePredictor computes with: an image model's encoder and decoder, wherever they run. A compiled module is
// one (module_model.h); others may be a chip's.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "package/model_info.h"
#include "runtime/prompt_points.h"
#include "runtime/timing.h"

namespace samc {

struct ImageEmbedding;

// An embedding in the memory of the device that made it; what it is only its model knows.
class DeviceEmbedding {
 public:
  virtual ~DeviceEmbedding() = default;
};

struct ImageModelShapes {
  Shape high_res_feats_0, high_res_feats_1, image_embed;
  int64_t size = 0;         // of the picture that the encoder takes
  int64_t masks = 0;        // of the decoder, the single-mask one first
  bool single_mask = true;  // whether that one is among them
  int64_t low_height = 0;   // of the low-res logits
  int64_t low_width = 0;
};

// What a decoder gives for one prompt.
struct DecoderOutputs {
  Tensor low_res_logits;   // (1, masks, low, low)
  Tensor iou_predictions;  // (1, masks)
  // Empty where a model's file does not hold them, as that of an ONNX export. Video needs both.
  Tensor object_score;  // (1, 1), a logit: whether the object is there at all
  Tensor mask_tokens;   // (1, masks, C): of each mask, for its object pointer
};

// What a decoder takes of one prompt.
struct PromptInputs {
  DecoderPoints points;
  TensorView mask;  // f32 of (low, low) pixels in any rank up to 4, checked by the caller; without data: none
  // Asked with iou_predictions, where it is there: whether the logits are wanted too. A model may make them all the
  // same.
  std::function<bool(std::span<const float> iou_predictions)> wants_logits = {};
};
// Gets the outputs of a prompt, by its number; they are gone when it returns. May be called by several threads at once.
using DecodedPrompt = std::function<void(size_t prompt, const DecoderOutputs& outputs)>;

class ImageModel {
 public:
  virtual ~ImageModel() = default;
  virtual const ModelInfo& info() const = 0;
  virtual const ImageModelShapes& shapes() const = 0;
  virtual ThreadPool& pool() = 0;  // for what is done before and behind the model
  // The same model with threads and memory of its own, for another thread; and how many there may be.
  virtual Result<std::unique_ptr<ImageModel>> another(int) const { return unsupported("another of this model"); }
  virtual int most_lanes() const { return 1; }

  // image: f32 (1, 3, size, size), normalised. Fills the embedding's tensors.
  virtual Status encode(const TensorView& image, ImageEmbedding& embedding) = 0;
  // Whether it can compute such a prompt: the box's corners and the points, with the pad point that follows any.
  virtual Status check_points(int64_t) const { return Status::ok(); }
  // Computes what follows from the picture alone, before decode() is given another embedding than the last time.
  virtual Status set_picture(const ImageEmbedding&) { return Status::ok(); }
  virtual void forget_picture() {}
  // Gives back what the calls so far needed and the next ones can take anew.
  virtual void release_memory() {}
  // mask_input: f32 of (low, low) pixels in any rank up to 4, checked by the caller; without data: none.
  virtual Status decode(const ImageEmbedding& embedding, const DecoderPoints& points, const TensorView& mask_input,
                        DecoderOutputs& outputs) = 0;
  // Several prompts, in any order. After an error, which names the prompt, some of them are not done.
  virtual Status decode_all(const ImageEmbedding& embedding, std::span<const PromptInputs> prompts,
                            const DecodedPrompt& done) {
    DecoderOutputs outputs;
    for (size_t prompt = 0; prompt < prompts.size(); ++prompt) {
      Status status = decode(embedding, prompts[prompt].points, prompts[prompt].mask, outputs);
      if (!status.is_ok()) return prompts.size() == 1 ? status : status.at(fmt::format("prompt {}", prompt));
      done(prompt, outputs);
    }
    return Status::ok();
  }

  // Models that cannot tell what they do leave these.
  virtual void stop_at_nonfinite(bool) {}     // Executor::stop_at_nonfinite()
  virtual void observe(OperationObserver) {}  // NOLINT(performance-unnecessary-value-param): others keep it
  virtual size_t working_bytes() const { return 0; }
};

}  // namespace samc
