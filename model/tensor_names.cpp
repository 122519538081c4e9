#include "model/tensor_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/guard.h"
#include "base/quote.h"

namespace samc {
namespace {

// Every SAM 2 model has one of these, under this name or behind a prefix.
constexpr std::string_view kOfficial = "image_encoder.trunk.pos_embed";
constexpr std::string_view kOfTransformers = "vision_encoder.backbone.pos_embed";

// What torch.compile, FSDP and activation checkpoints put into names, before the model's parts too.
constexpr std::array<std::string_view, 3> kWrappers = {"_orig_mod.", "_fsdp_wrapped_module.",
                                                       "_checkpoint_wrapped_module."};
// torch.optim.swa_utils.AveragedModel counts here how often it has averaged: beside the weights, of no use for them.
constexpr std::string_view kAverageCounter = "n_averaged";

using Tensors = std::vector<CheckpointTensor>;

std::vector<std::string> take_wrappers_out(Tensors& tensors) {
  std::vector<std::string> taken;
  for (const std::string_view wrapper : kWrappers) {
    bool found = false;
    for (CheckpointTensor& tensor : tensors)
      for (size_t at = tensor.name.find(wrapper); at != std::string::npos; at = tensor.name.find(wrapper, at)) {
        if (at > 0 && tensor.name[at - 1] != '.') {
          at += wrapper.size();
          continue;
        }
        tensor.name.erase(at, wrapper.size());
        found = true;
      }
    if (found) taken.emplace_back(wrapper);
  }
  return taken;
}

// What stands before the tensors of each model that is here.
std::set<std::string> prefixes_of(const Tensors& tensors) {
  std::set<std::string> prefixes;
  for (const CheckpointTensor& tensor : tensors)
    for (const std::string_view anchor : {kOfficial, kOfTransformers}) {
      if (!tensor.name.ends_with(anchor)) continue;
      const std::string prefix = tensor.name.substr(0, tensor.name.size() - anchor.size());
      if (prefix.empty() || prefix.back() == '.') prefixes.insert(prefix);
    }
  return prefixes;
}

Status two_models(const Tensors& tensors, const std::set<std::string>& prefixes) {
  std::vector<std::string> found;
  for (const std::string& prefix : prefixes) {
    const auto count = std::count_if(tensors.begin(), tensors.end(),
                                     [&](const CheckpointTensor& tensor) { return tensor.name.starts_with(prefix); });
    found.push_back(prefix.empty() ? "no prefix" : fmt::format("\"{}\" ({} tensors)", quote(prefix), count));
  }
  return invalid_input(
      fmt::format("the tensors are of several models, by the prefixes of their names: {}", fmt::join(found, ", ")),
      "save the one that you want: torch.save({\"model\": model.state_dict()}, path)");
}

void take_prefix_off(Tensors& tensors, const std::string& prefix) {
  std::erase_if(tensors, [](const CheckpointTensor& tensor) { return tensor.name == kAverageCounter; });
  for (CheckpointTensor& tensor : tensors)
    if (tensor.name.starts_with(prefix)) tensor.name.erase(0, prefix.size());
}

// Row `row` of (rows, channels) as (1, channels).
CheckpointTensor row_of(const CheckpointTensor& tensor, int64_t row, std::string name) {
  CheckpointTensor part = tensor;
  part.name = std::move(name);
  part.shape[0] = 1;
  part.storage_offset += row * tensor.strides[0];
  return part;
}

Tensors with_official_names(const Tensors& tensors) {
  constexpr int64_t kPointKinds = 4;  // negative, positive, two corners of a box
  const auto mask_layers = std::count_if(tensors.begin(), tensors.end(), [](const CheckpointTensor& tensor) {
    return tensor.name.starts_with("memory_encoder.mask_downsampler.layers.") && tensor.name.ends_with(".conv.weight");
  });
  Tensors renamed;
  for (const CheckpointTensor& tensor : tensors) {
    if (tensor.name == "prompt_encoder.point_embed.weight" && tensor.shape.size() == 2 &&
        tensor.shape[0] == kPointKinds) {
      for (int64_t row = 0; row < kPointKinds; ++row)
        renamed.push_back(row_of(tensor, row, fmt::format("sam_prompt_encoder.point_embeddings.{}.weight", row)));
      continue;
    }
    renamed.push_back(tensor);
    if (std::optional<std::string> name = official_name(tensor.name, mask_layers)) renamed.back().name = *name;
  }
  return renamed;
}

// The position encoding stands twice in transformers' model. Files hold one or both; both must be the same.
Result<Tensors> without_copies(const Checkpoint& checkpoint, Tensors tensors) {
  std::unordered_map<std::string, size_t> first;  // by name
  Tensors kept;
  for (CheckpointTensor& tensor : tensors) {
    const auto [found, is_new] = first.emplace(tensor.name, kept.size());
    if (!is_new) {
      SAMC_ASSIGN(const Tensor one, checkpoint.read_f32(kept[found->second]));
      SAMC_ASSIGN(const Tensor other, checkpoint.read_f32(tensor));
      if (one.shape() == other.shape() && std::ranges::equal(one.f32(), other.f32())) continue;
      return invalid_input(fmt::format("two tensors stand for {}, and they differ", quote(tensor.name)),
                           "save the model again from transformers");
    }
    kept.push_back(std::move(tensor));
  }
  return kept;
}

Result<std::string> use_official_names(Checkpoint& checkpoint) {
  Tensors tensors = checkpoint.tensors();
  std::vector<std::string> taken = take_wrappers_out(tensors);
  const std::set<std::string> prefixes = prefixes_of(tensors);
  if (prefixes.empty()) return std::string();  // no SAM 2 model, which recognise() says
  if (prefixes.size() > 1) return two_models(tensors, prefixes);
  const std::string& prefix = *prefixes.begin();
  if (!prefix.empty()) {
    take_prefix_off(tensors, prefix);
    taken.insert(taken.begin(), prefix);
  }
  std::vector<std::string> said;
  if (!taken.empty())
    said.push_back(fmt::format("without \"{}\"", quote(fmt::format("{}", fmt::join(taken, "\", \"")))));
  const bool of_transformers = std::any_of(
      tensors.begin(), tensors.end(), [](const CheckpointTensor& tensor) { return tensor.name == kOfTransformers; });
  if (of_transformers) {
    SAMC_ASSIGN(tensors, without_copies(checkpoint, with_official_names(tensors)));
    said.emplace_back("those of Hugging Face's transformers");
  }
  if (said.empty()) return std::string();
  SAMC_TRY(checkpoint.rename(std::move(tensors)));
  return fmt::format("names of tensors {}", fmt::join(said, ", "));
}

}  // namespace

std::string other_weights(const Checkpoint& checkpoint) {
  constexpr size_t kMostNamed = 5;
  std::vector<std::string> others;
  for (const std::string& where : checkpoint.other_weights()) {
    if (others.size() == kMostNamed) break;
    others.push_back(quote(where));
  }
  if (others.empty()) return "";
  const std::string taken = checkpoint.where().empty() ? "the top" : fmt::format("\"{}\"", quote(checkpoint.where()));
  return fmt::format("it holds weights at {} and at \"{}\": those at {} are taken (--state-dict KEY takes others)",
                     taken, fmt::join(others, "\", \""), taken);
}

Result<NamedCheckpoint> open_with_official_names(const std::string& path,
                                                 const std::optional<std::string>& state_dict) {
  return guarded([&]() -> Result<NamedCheckpoint> {
    SAMC_ASSIGN(Checkpoint checkpoint, Checkpoint::open(path, state_dict));
    NamedCheckpoint named{std::move(checkpoint)};
    Result<std::string> said = use_official_names(named.checkpoint);
    if (!said.is_ok()) return said.status().at(path);
    named.renamed_as = std::move(said).value();
    return named;
  });
}

}  // namespace samc
