#pragma once
// The mask decoder as a predictor runs it. In a module that has it in parts (package/model_names.h), what follows
// from the picture alone is computed once for each picture; the whole function is run where a module has no parts.

#include <optional>

#include "base/status.h"
#include "base/tensor.h"
#include "package/plan.h"
#include "runtime/executor.h"
#include "runtime/function_parts.h"
#include "runtime/image_model.h"
#include "runtime/prompt_points.h"

namespace samc {

// What the decoder takes of a picture. In a video image_embed is what the memory attention made of it.
struct DecoderMaps {
  TensorView image_embed;       // (1, C, S / 16, S / 16)
  TensorView high_res_feats_0;  // (1, C / 8, S / 4, S / 4)
  TensorView high_res_feats_1;  // (1, C / 4, S / 8, S / 8)
};

// What decode() keeps of the prompt at hand, to spare its allocation.
struct PromptWork {
  Tensor mask_dense;
  KeptValues with_mask;  // what follows from the picture and the mask of the prompt

  size_t bytes() const { return static_cast<size_t>(mask_dense.bytes() + bytes_of(with_mask)); }
};

// One thread's, as the executor that it is given, but for decode() with a PromptWork of its own.
class PromptDecoder {
 public:
  // Errors: the parts do not fit the whole function, or some are missing.
  static Result<PromptDecoder> create(const Module& module);

  // Computes what follows from the picture, and from it without a mask prompt. To be called before decode() is given
  // another picture than the last time.
  Status set_picture(Executor& executor, const DecoderMaps& maps);
  // mask: logits (1, 1, low, low), or without data for none.
  Status decode(Executor& executor, const DecoderMaps& maps, const DecoderPoints& points, const TensorView& mask,
                DecoderOutputs& outputs) {
    return decode(executor, maps, points, mask, work_, outputs);
  }
  // The same for several threads at once, each with an executor and a work of its own.
  Status decode(Executor& executor, const DecoderMaps& maps, const DecoderPoints& points, const TensorView& mask,
                PromptWork& work, DecoderOutputs& outputs) const {
    return decode(executor, maps, {points, mask}, work, outputs);
  }
  // With the prompt's wants_logits.
  Status decode(Executor& executor, const DecoderMaps& maps, const PromptInputs& prompt, PromptWork& work,
                DecoderOutputs& outputs) const;
  // Several prompts without a mask and with as many points each, at the same time (Executor::run_together): prompt i's
  // outputs go to outputs[i].
  Status decode_together(Executor& executor, const DecoderMaps& maps, std::span<const PromptInputs* const> prompts,
                         std::span<DecoderOutputs> outputs) const;
  // Gives back the memory of all that was computed: the next picture begins with nothing.
  void forget_picture();
  size_t bytes() const;

 private:
  struct Parts {
    const PlanFunction* picture = nullptr;
    const PlanFunction* dense = nullptr;
    const PlanFunction* prompt = nullptr;
    const PlanFunction* few_points = nullptr;  // in the place of prompt for a few points; a module may lack it
  };

  struct Call;
  const PlanFunction* function_for(int64_t points) const;

  bool tracks_ = false;         // whether the decoder gives what video needs
  std::optional<Parts> parts_;  // of the module
  Tensor no_mask_;              // dense embedding for prompts without a mask: the same for every picture
  KeptValues picture_;          // what follows from the picture,
  KeptValues without_mask_;     // and with no_mask_,
  PromptWork work_;
};

}  // namespace samc
