#pragma once
// One object on one frame: the decoder's outputs become its mask, score and pointer, and these its memory. Official
// code: sam2_base.py (_forward_sam_heads, _use_mask_as_output, _encode_new_memory).

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "runtime/video_model.h"
#include "runtime/video_predictor.h"

namespace samc {

class VideoHeads {
 public:
  VideoHeads(VideoModel& model, const VideoFacts& facts, bool allow_nonfinite)
      : model_(model), facts_(facts), allow_nonfinite_(allow_nonfinite), decoded_(1) {}

  // The frame's features as earlier frames of an object change them: (1, C, h, w).
  Result<Tensor> attend(const FrameFeatures& features, const MemoryBank& bank);
  // image_embed: the frame's, or what attend() gave. points: with their pad point. mask_input: (1, 1, low, low) logits,
  // or without data. Holes are not filled yet.
  Result<ObjectOutput> segment(const FrameFeatures& features, const Tensor& image_embed, const DecoderPoints& points,
                               const TensorView& mask_input, bool three_masks);
  // Objects of a tracked frame, which have no prompt: image_embeds as above, one for each.
  Result<std::vector<ObjectOutput>> segment_all(const FrameFeatures& features,
                                                const std::vector<const Tensor*>& image_embeds);
  int64_t objects_at_once() const { return model_.objects_at_once(); }  // of segment_all(), at best
  // With a mask prompt, (1, 1, size, size) of 0 and 1, as the mask input.
  Result<ObjectOutput> segment_mask(const FrameFeatures& features, const Tensor& image_embed, const Tensor& mask,
                                    bool three_masks);
  // Such a mask is the result itself.
  Result<ObjectOutput> take_mask(const FrameFeatures& features, const Tensor& mask);
  // The low-res logits at the model's size: (1, 1, size, size).
  Tensor at_model_size(const Tensor& low_res_logits);
  // is_prompted: the mask comes from a prompt, so that its sign alone counts (binarize_mask_from_pts_for_mem_enc).
  // mask (1, 1, size, size) is changed on the way.
  Result<Tensor> encode_memory(const FrameFeatures& features, Tensor& mask, const Tensor& object_score,
                               bool is_prompted);

 private:
  Tensor at_low_size(const Tensor& at_model_size);
  Status decode(const FrameFeatures& features, std::span<const DecodeRequest> requests);
  Result<ObjectOutput> choose_output(const DecoderOutputs& decoded, bool three_masks);
  // The pointer that follows from one of the decoder's mask tokens.
  Result<Tensor> pointer(const DecoderOutputs& decoded, int64_t mask, bool object_is_in_mask);
  // An error when result is not finite; again computes it anew, after the model has forgotten the frame.
  template <class Again>
  Status check_finite(const char* name, const Tensor& result, const Again& again);

  VideoModel& model_;
  VideoFacts facts_;
  bool allow_nonfinite_;
  std::vector<DecoderOutputs> decoded_;  // of objects that go together; at least one
};

}  // namespace samc
