#include "targets/sophgo/device/manifest.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_document.h"

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
  if (manifest.tracks()) {
    json["memory_attention"] = manifest.memory_attention;
    json["memory_encoder"] = manifest.memory_encoder;
    json["heads"] = manifest.heads;
    json["memory_form"] = manifest.memory_form;
  }
  return write_file((fs::path(folder) / kManifestName).string(), json.dump(2) + "\n");
}

Result<BmodelManifest> read_manifest(const std::string& folder) {
  const std::string path = (fs::path(folder) / kManifestName).string();
  SAMC_ASSIGN(const std::string text, read_text_file(path, kMostBytes));
  const auto refuse = [&](const std::string& why) {
    return invalid_input(fmt::format("{}: {}", path, why), "samc deploy-all writes it");
  };
  const Result<JsonDocument> document = parse_json(text);
  if (!document.is_ok() || document.value().value.object() == nullptr) return refuse("it is no JSON object");
  const JsonValue& json = document.value().value;
  Status status;
  // The member where it is there and of the kind that `get` finds in it.
  const auto member = [&](const char* name, auto get) -> decltype(get(json)) {
    const JsonValue* found = json.member(name);
    return found == nullptr ? nullptr : get(*found);
  };
  const auto as_number = [](const JsonValue& value) { return value.number(); };
  const auto number = [&](const char* name) -> int64_t {
    constexpr double kMost = 9e15;  // a double holds every integer up to it
    const double* found = member(name, as_number);
    if (found != nullptr && std::abs(*found) <= kMost && *found == std::trunc(*found))
      return static_cast<int64_t>(*found);
    if (status.is_ok()) status = refuse(fmt::format("it has no number '{}'", name));
    return 0;
  };
  const auto string = [&](const char* name) -> std::string {
    const std::string* found = member(name, [](const JsonValue& value) { return value.string(); });
    if (found != nullptr) return *found;
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
  if (json.member("encoder_id") != nullptr) info.encoder_id = string("encoder_id");
  if (const JsonValue* found = json.member("dynamic_multimask_via_stability"); found != nullptr) {
    if (found->boolean() == nullptr && status.is_ok())
      status = refuse("'dynamic_multimask_via_stability' is neither true nor false");
    info.dynamic_multimask_via_stability = found->boolean() != nullptr && *found->boolean();
  }
  for (const auto& [name, value] : {std::pair{"stability_delta", &info.stability_delta},
                                    {"stability_threshold", &info.stability_threshold},
                                    {"mask_threshold", &info.mask_threshold}})
    if (json.member(name) != nullptr) {
      const double* found = member(name, as_number);
      if (found == nullptr && status.is_ok()) status = refuse(fmt::format("'{}' is not a number", name));
      *value = found != nullptr ? static_cast<float>(*found) : 0.0f;
    }
  if (json.member("memory_attention") != nullptr) {
    manifest.memory_attention = file("memory_attention");
    manifest.memory_encoder = file("memory_encoder");
    manifest.heads = file("heads");
    manifest.memory_form = string("memory_form");
  }
  SAMC_TRY(status);
  return manifest;
}

std::vector<std::string> manifest_files(const std::string& folder) {
  std::vector<std::string> files{(fs::path(folder) / kManifestName).string()};
  if (const Result<BmodelManifest> manifest = read_manifest(folder); manifest.is_ok())
    for (const std::string& file :
         {manifest.value().encoder, manifest.value().decoder, manifest.value().memory_attention,
          manifest.value().memory_encoder, manifest.value().heads})
      if (!file.empty()) files.push_back(file);
  return files;
}

}  // namespace samc::sophgo
