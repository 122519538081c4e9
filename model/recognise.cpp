#include "model/recognise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <set>
#include <string_view>
#include <unordered_map>

#include "base/guard.h"

namespace samc {
namespace {

constexpr size_t kMostNamed = 4;  // tensors that an error names
constexpr const char* kConfigHint =
    "give its official-format YAML with --config FILE.yaml, or put a YAML file of the same stem beside the checkpoint";

using ShapeByName = std::unordered_map<std::string_view, const Shape*>;

ShapeByName by_name(std::span<const TensorSpec> tensors) {
  ShapeByName map;
  for (const TensorSpec& tensor : tensors) map.emplace(tensor.name, &tensor.shape);
  return map;
}

// "4 missing (a, b, c and 1 more)"
void describe(std::string& message, const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  const size_t named = std::min(names.size(), kMostNamed);
  const std::string more = names.size() > named ? fmt::format(" and {} more", names.size() - named) : "";
  message += fmt::format("{}{} {} ({}{})", message.empty() ? "" : "; ", names.size(), what,
                         fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(named), ", "), more);
}

// The part of an architecture that tells the official sizes apart.
struct Seen {
  int64_t embed_dim = 0;
  int64_t depth = 0;
  int64_t d_model = 0;
  bool has_no_obj_embed_spatial = false;
  bool has_obj_ptr_tpos_proj = false;
};

std::optional<Seen> look_at(const ShapeByName& tensors) {
  Seen seen;
  const auto pos_embed = tensors.find("image_encoder.trunk.pos_embed");
  const auto no_mem_embed = tensors.find("no_mem_embed");
  if (pos_embed == tensors.end() || pos_embed->second->size() != 4) return std::nullopt;
  seen.embed_dim = (*pos_embed->second)[1];
  if (no_mem_embed != tensors.end() && no_mem_embed->second->size() == 3) seen.d_model = (*no_mem_embed->second)[2];
  while (tensors.contains(fmt::format("image_encoder.trunk.blocks.{}.norm1.weight", seen.depth))) ++seen.depth;
  seen.has_no_obj_embed_spatial = tensors.contains("no_obj_embed_spatial");
  seen.has_obj_ptr_tpos_proj = tensors.contains("obj_ptr_tpos_proj.weight");
  return seen;
}

}  // namespace

Status check_tensors(const ModelConfig& config, std::span<const TensorSpec> tensors) {
  const std::vector<TensorSpec> expected = expected_tensors(config);
  const ShapeByName given = by_name(tensors);
  const ShapeByName wanted = by_name(expected);
  std::vector<std::string> missing, extra, misshapen;
  for (const TensorSpec& tensor : expected) {
    const auto found = given.find(tensor.name);
    if (found == given.end())
      missing.push_back(tensor.name);
    else if (*found->second != tensor.shape)
      misshapen.push_back(
          fmt::format("{} is {}, not {}", tensor.name, shape_to_string(*found->second), shape_to_string(tensor.shape)));
  }
  for (const TensorSpec& tensor : tensors)
    if (!wanted.contains(tensor.name)) extra.push_back(tensor.name);

  std::string message;
  describe(message, "missing", missing);
  describe(message, "of another shape", misshapen);
  describe(message, "unknown", extra);
  if (message.empty()) return Status::ok();
  return invalid_input(fmt::format("the tensors are not those of {}: {}", config.name, message),
                       "the checkpoint and the config must belong together");
}

std::vector<TensorSpec> tensor_specs(const Checkpoint& checkpoint) {
  std::vector<TensorSpec> specs;
  specs.reserve(checkpoint.tensors().size());
  for (const CheckpointTensor& tensor : checkpoint.tensors()) specs.push_back({tensor.name, tensor.shape});
  return specs;
}

Result<Recognition> recognise(std::span<const TensorSpec> tensors) {
  const std::optional<Seen> seen = look_at(by_name(tensors));
  if (!seen)
    return invalid_input(
        fmt::format("not a SAM 2 model: none of its {} tensors is image_encoder.trunk.pos_embed{}", tensors.size(),
                    tensors.empty() ? "" : fmt::format("; the first is {}", tensors[0].name)),
        "a SAM 2 or 2.1 checkpoint is needed");
  if (seen->has_no_obj_embed_spatial != seen->has_obj_ptr_tpos_proj)
    return unsupported(fmt::format("between SAM 2.0 and 2.1: {} is there, {} is not",
                                   seen->has_no_obj_embed_spatial ? "no_obj_embed_spatial" : "obj_ptr_tpos_proj",
                                   seen->has_no_obj_embed_spatial ? "obj_ptr_tpos_proj" : "no_obj_embed_spatial"),
                       kConfigHint);
  for (const ModelConfig& config : official_configs()) {
    if (config.trunk.embed_dim != seen->embed_dim || config.trunk.depth() != seen->depth ||
        config.d_model() != seen->d_model || config.no_obj_embed_spatial != seen->has_no_obj_embed_spatial)
      continue;
    SAMC_TRY(check_tensors(config, tensors));
    return Recognition{
        config, fmt::format("trunk of {} blocks from {} channels; no_obj_embed_spatial and obj_ptr_tpos_proj are {}",
                            seen->depth, seen->embed_dim,
                            seen->has_no_obj_embed_spatial ? "there: SAM 2.1" : "not there: SAM 2.0")};
  }
  return unsupported(
      fmt::format("not one of the eight official models: trunk of {} blocks from {} channels, d_model {}, SAM {}",
                  seen->depth, seen->embed_dim, seen->d_model, seen->has_no_obj_embed_spatial ? "2.1" : "2.0"),
      kConfigHint);
}

static Result<Recognition> find_model_unguarded(const std::string& checkpoint_path, std::span<const TensorSpec> tensors,
                                                const std::optional<std::string>& config_path) {
  std::optional<std::string> path = config_path;
  if (!path) {
    const std::string beside = std::filesystem::path(checkpoint_path).replace_extension(".yaml").string();
    std::error_code error;
    if (beside != checkpoint_path && std::filesystem::exists(beside, error)) path = beside;
  }
  if (!path) {
    Result<Recognition> recognition = recognise(tensors);
    if (!recognition.is_ok()) return recognition.status().at(checkpoint_path);
    return recognition;
  }
  SAMC_ASSIGN(ModelConfig config, read_config(*path));
  const Status fits = check_tensors(config, tensors);
  if (!fits.is_ok()) return fits.at(checkpoint_path);
  return Recognition{std::move(config), fmt::format("as {} says", *path)};
}

Result<Recognition> find_model(const std::string& checkpoint_path, std::span<const TensorSpec> tensors,
                               const std::optional<std::string>& config_path) {
  return guarded([&] { return find_model_unguarded(checkpoint_path, tensors, config_path); });
}

}  // namespace samc
