#pragma once
// A checkpoint's tensors under the names of the official state_dict, whatever they are called in the file: behind a
// prefix that a wrapper of the model put before each, or by the names of Hugging Face's transformers.

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "checkpoint/checkpoint.h"

namespace samc {

struct NamedCheckpoint {
  Checkpoint checkpoint;        // its tensors have the official names, as far as these are known
  std::string renamed_as = {};  // what was done to the names, for people; empty: nothing
};

// state_dict: as Checkpoint::open has it. Two models in one file, and two tensors that become one and differ, are
// errors. Other tensors that belong to no SAM 2 model keep their names.
Result<NamedCheckpoint> open_with_official_names(const std::string& path,
                                                 const std::optional<std::string>& state_dict = std::nullopt);

// What is to be said of a checkpoint that holds weights twice, such as their averages, one line for people; else empty.
std::string other_weights(const Checkpoint& checkpoint);

// Inside model/, for the above and its test: the official name of a tensor of transformers' Sam2Model or
// Sam2VideoModel; none for a name that is not theirs. mask_layers: of the memory encoder's mask downsampler, before its
// last convolution. prompt_encoder.point_embed.weight has none: it is four tensors of the official state_dict.
std::optional<std::string> official_name(std::string_view transformers_name, int64_t mask_layers);

}  // namespace samc
