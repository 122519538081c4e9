#include "targets/sophgo/device/manifest.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr int kVersion = 1;

}  // namespace

Status write_manifest(const BmodelManifest& manifest, const std::string& folder) {
  nlohmann::ordered_json json = {
      {"samc_bmodels", kVersion},          {"model", manifest.model},     {"chip", manifest.chip},
      {"quantize", manifest.quantize},     {"cores", manifest.cores},     {"image_size", manifest.image_size},
      {"max_points", manifest.max_points}, {"encoder", manifest.encoder}, {"decoder", manifest.decoder}};
  json["encoder_id"] = manifest.encoder_id;
  json["dynamic_multimask_via_stability"] = manifest.dynamic_multimask_via_stability;
  json["stability_delta"] = manifest.stability_delta;
  json["stability_threshold"] = manifest.stability_threshold;
  json["mask_threshold"] = manifest.mask_threshold;
  return write_file((fs::path(folder) / kManifestName).string(), json.dump(2) + "\n");
}

Result<BmodelManifest> read_manifest(const std::string& folder) {
  const std::string path = (fs::path(folder) / kManifestName).string();
  SAMC_ASSIGN(const std::string text, read_text_file(path, kMostBytes));
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  const auto refuse = [&](const std::string& why) {
    return invalid_input(fmt::format("{}: {}", path, why), "samc deploy-all writes it");
  };
  if (!json.is_object()) return refuse("it is no JSON object");
  Status status;
  const auto number = [&](const char* name) -> int64_t {
    const auto found = json.find(name);
    if (found != json.end() && found->is_number_integer()) return found->get<int64_t>();
    if (status.is_ok()) status = refuse(fmt::format("it has no number '{}'", name));
    return 0;
  };
  const auto string = [&](const char* name) -> std::string {
    const auto found = json.find(name);
    if (found != json.end() && found->is_string()) return found->get<std::string>();
    if (status.is_ok()) status = refuse(fmt::format("it has no text '{}'", name));
    return "";
  };
  const auto file = [&](const char* name) -> std::string {
    const std::string value = string(name);
    if (status.is_ok() && (value.empty() || fs::path(value).filename().string() != value))
      status = refuse(fmt::format("'{}' is no plain file name: {}", name, value));
    return (fs::path(folder) / value).string();
  };
  if (number("samc_bmodels") != kVersion && status.is_ok()) status = refuse("it is of another version");
  BmodelManifest manifest;
  manifest.model = string("model");
  manifest.chip = string("chip");
  manifest.quantize = string("quantize");
  manifest.cores = static_cast<int>(number("cores"));
  manifest.image_size = number("image_size");
  manifest.max_points = number("max_points");
  manifest.encoder = file("encoder");
  manifest.decoder = file("decoder");
  if (json.contains("encoder_id")) manifest.encoder_id = string("encoder_id");
  if (const auto found = json.find("dynamic_multimask_via_stability"); found != json.end()) {
    if (!found->is_boolean() && status.is_ok())
      status = refuse("'dynamic_multimask_via_stability' is neither true nor false");
    manifest.dynamic_multimask_via_stability = found->is_boolean() && found->get<bool>();
  }
  for (const auto& [name, value] : {std::pair{"stability_delta", &manifest.stability_delta},
                                    {"stability_threshold", &manifest.stability_threshold},
                                    {"mask_threshold", &manifest.mask_threshold}})
    if (const auto found = json.find(name); found != json.end()) {
      if (!found->is_number() && status.is_ok()) status = refuse(fmt::format("'{}' is not a number", name));
      *value = found->is_number() ? found->get<double>() : 0.0;
    }
  SAMC_TRY(status);
  return manifest;
}

}  // namespace samc::sophgo
