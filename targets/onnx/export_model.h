#pragma once
// A model as encoder.onnx and decoder.onnx, with samexporter's input and output names: one prompt, any number of
// points, and neither shape arithmetic nor control flow. From a checkpoint, or from an export that has both.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/source.h"

namespace samc::onnx_target {

constexpr int64_t kLeastOpset = 13;
constexpr int64_t kGreatestOpset = 20;

struct ExportOptions : SourceOptions {
  int64_t opset = 17;
};

struct ExportedFile {
  std::string path;
  int64_t nodes = 0;
  int64_t bytes = 0;
};

// Writes both files into the folder, which is made when it is not there; not the one that the model is read from.
Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder);

}  // namespace samc::onnx_target
