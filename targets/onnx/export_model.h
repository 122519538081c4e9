#pragma once
// A model as encoder.onnx and decoder.onnx, with samexporter's input and output names: one prompt, any number of
// points, and neither shape arithmetic nor control flow. From a checkpoint, or from an export that has both.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace samc::onnx_target {

constexpr int64_t kLeastOpset = 13;
constexpr int64_t kGreatestOpset = 20;

struct ExportOptions {
  std::string model;                  // .pt, or a folder as model/exported_model.h reads it
  std::optional<std::string> config;  // of a .pt: official-format YAML
  std::optional<int64_t> image_size;  // of a .pt, instead of the config's
  int64_t opset = 17;
  std::function<void(const std::string& warning)> warn = {};  // what was assumed, what an export cannot hold
};

struct ExportedFile {
  std::string path;
  int64_t nodes = 0;
  int64_t bytes = 0;
};

// Writes both files into the folder, which is made when it is not there; not the one that the model is read from.
Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder);

}  // namespace samc::onnx_target
