#pragma once
// The files that a model is read from.

#include <optional>
#include <string>
#include <vector>

namespace samc {

// Of a checkpoint with its config (given, or of its stem beside it), a module, an .onnx or a folder of an export with
// the files of their weights, a folder of bmodels, an .mlir with its weights. What cannot be read is left out: whoever
// reads the model says why.
std::vector<std::string> model_files(const std::string& model, const std::optional<std::string>& config = {});

}  // namespace samc
