#pragma once
// A model as encoder.onnx and decoder.onnx, with samexporter's input and output names: one prompt, any number of
// points, and neither shape arithmetic nor control flow. From a checkpoint, or from an export that has both. From a
// checkpoint also what tracks objects through a video (docs/onnx_video.md).

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
  // Then both files have more outputs, behind the others, and what tracks stands beside them: memory_attention.onnx
  // for any number of memories and pointers, memory_encoder.onnx, object_pointer.onnx, mask_downsample.onnx.
  bool for_video = false;
};

struct ExportedFile {
  std::string path;
  int64_t nodes = 0;
  int64_t bytes = 0;
};

// The names of the files, in the order in which they are written.
std::vector<std::string> exported_files(bool for_video);

// Writes the files into the folder, which is made when it is not there; not the one that the model is read from.
// Errors: an opset that is not written, a model that cannot be read, or one that cannot track where for_video.
Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder);

}  // namespace samc::onnx_target
