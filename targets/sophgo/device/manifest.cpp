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

// 0.05, not the digits that a float has as a double.
double as_it_reads(float value) { return std::stod(fmt::format("{}", value)); }

}  // namespace

Status write_manifest(const BmodelManifest& manifest, const std::string& folder) {
  const ModelInfo& info = manifest.info;
  nlohmann::ordered_json json = {
      {"samc_bmodels", kVersion},          {"model", info.name},          {"chip", manifest.chip},
      {"quantize", manifest.quantize},     {"cores", manifest.cores},     {"image_size", info.image_size},
      {"max_points", manifest.max_points}, {"encoder", manifest.encoder}, {"decoder", manifest.decoder}};
  json["encoder_id"] = info.encoder_id;
  json["dynamic_multimask_via_stability"] = info.dynamic_multimask_via_stability;
  json["stability_delta"] = as_it_reads(info.stability_delta);
  json["stability_threshold"] = as_it_reads(info.stability_threshold);
  json["mask_threshold"] = as_it_reads(info.mask_threshold);
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
  ModelInfo& info = manifest.info;
  info.name = string("model");
  manifest.chip = string("chip");
  manifest.quantize = string("quantize");
  manifest.cores = static_cast<int>(number("cores"));
  info.image_size = number("image_size");
  manifest.max_points = number("max_points");
  manifest.encoder = file("encoder");
  manifest.decoder = file("decoder");
  // From here on absent in files of older versions, which had the usual values.
  if (json.contains("encoder_id")) info.encoder_id = string("encoder_id");
  if (const auto found = json.find("dynamic_multimask_via_stability"); found != json.end()) {
    if (!found->is_boolean() && status.is_ok())
      status = refuse("'dynamic_multimask_via_stability' is neither true nor false");
    info.dynamic_multimask_via_stability = found->is_boolean() && found->get<bool>();
  }
  for (const auto& [name, value] : {std::pair{"stability_delta", &info.stability_delta},
                                    {"stability_threshold", &info.stability_threshold},
                                    {"mask_threshold", &info.mask_threshold}})
    if (const auto found = json.find(name); found != json.end()) {
      if (!found->is_number() && status.is_ok()) status = refuse(fmt::format("'{}' is not a number", name));
      *value = found->is_number() ? found->get<float>() : 0.0f;
    }
  SAMC_TRY(status);
  return manifest;
}

std::vector<std::string> manifest_files(const std::string& folder) {
  std::vector<std::string> files{(fs::path(folder) / kManifestName).string()};
  if (const Result<BmodelManifest> manifest = read_manifest(folder); manifest.is_ok())
    files.insert(files.end(), {manifest.value().encoder, manifest.value().decoder});
  return files;
}

}  // namespace samc::sophgo
