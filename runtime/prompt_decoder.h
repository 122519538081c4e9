#pragma once
// The mask decoder as a predictor runs it. In a module that has it in parts (package/model_names.h), what follows
// from the picture alone is computed once for each picture; the whole function is run where a module has no parts.

#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "package/plan.h"
#include "runtime/executor.h"
#include "runtime/image_model.h"
#include "runtime/image_predictor.h"
#include "runtime/prompt_points.h"

namespace samc {

// One thread's, as the executor that it is given.
class PromptDecoder {
 public:
  // Errors: the parts do not fit the whole function, or some are missing.
  static Result<PromptDecoder> create(const Module& module);

  // Computes what follows from the picture, and from it without a mask prompt. To be called before decode() is given
  // another embedding than the last time.
  Status set_picture(Executor& executor, const ImageEmbedding& embedding);
  // mask: logits (1, 1, low, low), or without data for none.
  Status decode(Executor& executor, const ImageEmbedding& embedding, const DecoderPoints& points,
                const TensorView& mask, DecoderOutputs& outputs);
  // Gives back the memory of all that was computed: the next picture begins with nothing.
  void forget_picture();
  size_t bytes() const;

 private:
  using Values = std::map<std::string, Tensor, std::less<>>;  // by name
  struct Parts {
    const PlanFunction* picture = nullptr;
    const PlanFunction* dense = nullptr;
    const PlanFunction* prompt = nullptr;
    const PlanFunction* few_points = nullptr;  // in the place of prompt for a few points; a module may lack it
  };
  static std::vector<NamedInput> inputs_of(const PlanFunction& part, std::span<const NamedInput> given,
                                           std::initializer_list<const Values*> earlier);
  static Status run_early(Executor& executor, const PlanFunction& part, std::span<const NamedInput> inputs,
                          Values& results);

  bool tracks_ = false;         // whether the decoder gives what video needs
  std::optional<Parts> parts_;  // of the module
  Tensor no_mask_;              // dense embedding for prompts without a mask: the same for every picture
  Values picture_;              // what follows from the picture,
  Values without_mask_;         // and with no_mask_,
  Values with_mask_;            // and with the mask of the prompt at hand
  Tensor mask_dense_;
};

}  // namespace samc
