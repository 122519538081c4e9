#pragma once
// Which model a checkpoint holds, from the names and shapes of its tensors alone.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"
#include "checkpoint/checkpoint.h"
#include "model/config.h"

namespace samc {

struct TensorSpec {
  std::string name;
  Shape shape;
  bool operator==(const TensorSpec&) const = default;
};

struct Recognition {
  ModelConfig config;
  std::string why;  // one line for people, such as "16 blocks of 96 channels: small; no_obj_embed_spatial ...: 2.1"
  // What nothing confirmed, one line for people: the image size of a checkpoint that comes without a YAML, under
  // another name than its authors'. No tensor depends on it. Empty: nothing was assumed.
  std::string assumed = {};
};

// Every tensor of the official state_dict of this architecture, in its order; without has_memory, those of the image
// parts.
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);

// Whether only tracking needs the tensor of this name.
bool is_for_video(std::string_view name);

// Missing, extra and misshapen tensors: one error that names the first few.
Status check_tensors(const ModelConfig& config, std::span<const TensorSpec> tensors);

std::vector<TensorSpec> tensor_specs(const Checkpoint& checkpoint);

// One of the eight official models, checked whole; where no tensor is for video, of the four sizes of SAM 2, whose
// image parts 2.1 has too. Any other architecture is an error that says what is seen and asks for a config.
Result<Recognition> recognise(std::span<const TensorSpec> tensors);

// The config file of a checkpoint, if any: the one given, else a FILE.yaml beside FILE.pt, else the config.json beside
// safetensors.
std::optional<std::string> config_file(const std::string& checkpoint_path,
                                       const std::optional<std::string>& config_path);

// The architecture of a checkpoint, by its config_file(), else by recognise(); checked whole. image_size: instead of
// the one that is found, as if the YAML said so.
Result<Recognition> find_model(const std::string& checkpoint_path, std::span<const TensorSpec> tensors,
                               const std::optional<std::string>& config_path,
                               std::optional<int64_t> image_size = std::nullopt);

}  // namespace samc
