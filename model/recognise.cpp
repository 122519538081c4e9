#include "model/recognise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <string_view>
#include <unordered_map>

#include "base/guard.h"
#include "base/limits.h"

namespace samc {
namespace {

constexpr size_t kMostNamed = 4;  // tensors that an error names
constexpr const char* kConfigHint =
    "give its official-format YAML with --config FILE.yaml, or put a YAML file of the same stem beside the checkpoint";

constexpr const char* kTransformersConfig = "config.json";
constexpr const char* kPositionEmbedding = "image_encoder.trunk.pos_embed";  // Hiera's is (1, channels, height, width)

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
  bool has_memory = false;
};

bool holds_memory(std::span<const TensorSpec> tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const TensorSpec& tensor) { return is_for_video(tensor.name); });
}

std::optional<Seen> look_at(const ShapeByName& tensors) {
  Seen seen;
  const auto pos_embed = tensors.find(kPositionEmbedding);
  const auto no_mem_embed = tensors.find("no_mem_embed");
  if (pos_embed == tensors.end() || pos_embed->second->size() != 4) return std::nullopt;
  seen.embed_dim = (*pos_embed->second)[1];
  if (no_mem_embed != tensors.end() && no_mem_embed->second->size() == 3) seen.d_model = (*no_mem_embed->second)[2];
  while (tensors.contains(fmt::format("image_encoder.trunk.blocks.{}.norm1.weight", seen.depth))) ++seen.depth;
  seen.has_no_obj_embed_spatial = tensors.contains("no_obj_embed_spatial");
  seen.has_obj_ptr_tpos_proj = tensors.contains("obj_ptr_tpos_proj.weight");
  return seen;
}

// Why these are not the tensors of a SAM 2 model, and what they are where that can be told.
Status not_sam2(std::span<const TensorSpec> tensors) {
  const ShapeByName names = by_name(tensors);
  if (const auto found = names.find(kPositionEmbedding); found != names.end())
    return unsupported(
        fmt::format("another trunk than SAM 2's Hiera: {} is {}, not (1, channels, height, width), as in "
                    "EfficientTAM and other models with a plain vision transformer",
                    kPositionEmbedding, shape_to_string(*found->second)),
        "a SAM 2 or 2.1 checkpoint is needed");
  return invalid_input(
      fmt::format("not a SAM 2 model: none of its {} tensors is {}{}", tensors.size(), kPositionEmbedding,
                  tensors.empty() ? "" : fmt::format("; the first is {}", tensors[0].name)),
      "a SAM 2 or 2.1 checkpoint is needed");
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
  std::optional<Seen> seen = look_at(by_name(tensors));
  if (!seen) return not_sam2(tensors);
  seen->has_memory = holds_memory(tensors);
  if (seen->has_no_obj_embed_spatial != seen->has_obj_ptr_tpos_proj)
    return unsupported(fmt::format("between SAM 2.0 and 2.1: {} is there, {} is not",
                                   seen->has_no_obj_embed_spatial ? "no_obj_embed_spatial" : "obj_ptr_tpos_proj",
                                   seen->has_no_obj_embed_spatial ? "obj_ptr_tpos_proj" : "no_obj_embed_spatial"),
                       kConfigHint);
  for (const ModelConfig& config : official_configs()) {
    if (config.trunk.embed_dim != seen->embed_dim || config.trunk.depth() != seen->depth ||
        config.d_model() != seen->d_model || config.no_obj_embed_spatial != seen->has_no_obj_embed_spatial)
      continue;
    ModelConfig found = config;
    found.has_memory = seen->has_memory;
    SAMC_TRY(check_tensors(found, tensors));
    const char* version = !seen->has_memory ? "no tensor is for video: the image parts of SAM 2"
                          : seen->has_no_obj_embed_spatial
                              ? "no_obj_embed_spatial and obj_ptr_tpos_proj are there: SAM 2.1"
                              : "no_obj_embed_spatial and obj_ptr_tpos_proj are not there: SAM 2.0";
    return Recognition{std::move(found),
                       fmt::format("trunk of {} blocks from {} channels; {}", seen->depth, seen->embed_dim, version)};
  }
  return unsupported(
      fmt::format("not one of the eight official models: trunk of {} blocks from {} channels, d_model {}, SAM {}",
                  seen->depth, seen->embed_dim, seen->d_model, seen->has_no_obj_embed_spatial ? "2.1" : "2.0"),
      kConfigHint);
}

std::optional<std::string> config_file(const std::string& checkpoint_path,
                                       const std::optional<std::string>& config_path) {
  if (config_path) return config_path;
  const std::string beside = std::filesystem::path(checkpoint_path).replace_extension(".yaml").string();
  std::error_code error;
  if (beside != checkpoint_path && std::filesystem::exists(beside, error)) return beside;
  // transformers' save_pretrained() writes model.safetensors and config.json into a folder.
  if (checkpoint_path.ends_with(".safetensors") || checkpoint_path.ends_with(".safetensors.index.json")) {
    const std::string config = (std::filesystem::path(checkpoint_path).parent_path() / kTransformersConfig).string();
    if (std::filesystem::exists(config, error)) return config;
  }
  return std::nullopt;
}

namespace {

Result<Recognition> find_architecture(const std::string& checkpoint_path, std::span<const TensorSpec> tensors,
                                      const std::optional<std::string>& config_path) {
  const std::optional<std::string> path = config_file(checkpoint_path, config_path);
  if (!path) {
    Result<Recognition> recognition = recognise(tensors);
    if (!recognition.is_ok()) return recognition.status().at(checkpoint_path);
    // The authors' own files are known by their names.
    const ModelConfig& config = recognition.value().config;
    if (std::filesystem::path(checkpoint_path).stem() != config.name)
      recognition.value().assumed = fmt::format(
          "an image size of {} is assumed, as no tensor tells it (with the checkpoint, --image-size gives another)",
          config.image_size);
    return recognition;
  }
  SAMC_ASSIGN(ModelConfig config, read_config(*path));
  config.has_memory = holds_memory(tensors);
  const Status fits = check_tensors(config, tensors);
  if (!fits.is_ok()) return fits.at(checkpoint_path);
  return Recognition{std::move(config), fmt::format("as {} says", *path)};
}

// The config fitted with its own image size.
Status unfit_size(const ModelConfig& config) {
  // The trunk halves its map at stride 4 three times, and the position embedding's windows tile that map.
  const int64_t step = std::lcm(int64_t{32}, 4 * config.trunk.window_spec[0]);
  const int64_t greatest = kGreatestImageSize / step * step;
  const int64_t below = std::clamp(config.image_size / step * step, step, greatest);
  const int64_t above = std::min(below + step, greatest);
  return usage_error(
      fmt::format("--image-size {}: {} takes multiples of {} from {} to {}", config.image_size, config.name, step, step,
                  greatest),
      below == above ? fmt::format("{} is nearest", below) : fmt::format("{} and {} are nearest", below, above));
}

}  // namespace

Result<Recognition> find_model(const std::string& checkpoint_path, std::span<const TensorSpec> tensors,
                               const std::optional<std::string>& config_path, std::optional<int64_t> image_size) {
  return guarded([&]() -> Result<Recognition> {
    SAMC_ASSIGN(Recognition found, find_architecture(checkpoint_path, tensors, config_path));
    if (!image_size) return found;
    found.assumed.clear();
    if (*image_size == found.config.image_size) return found;
    found.config.image_size = *image_size;
    found.why += fmt::format("; image size {} by --image-size", *image_size);
    if (!check_config(found.config).is_ok()) return unfit_size(found.config);
    return found;
  });
}

}  // namespace samc
