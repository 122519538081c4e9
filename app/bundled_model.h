#pragma once
// What --model may name beside a file: the demonstration model that comes with samc, mini, and transformers' folders.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "base/status.h"

namespace samc {

// For "mini", where no file is called so: the mini.pt beside this executable, that is ../share/samc/models/mini of an
// installation or ../models/mini of a build folder in the source tree. For a folder with model.safetensors or its index
// (and no encoder.onnx), that file. Anything else is a path and stays as it is.
Result<std::string> find_model_file(const std::string& given, const std::filesystem::path& executable);

// The same as a transformation of an option's value, for the running executable.
CLI::Validator bundled_model();

}  // namespace samc
