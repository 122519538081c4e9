#include "app/model_files.h"

#include <filesystem>

#include "base/files.h"
#include "model/source.h"
#include "onnx/graph.h"
#include "package/model_names.h"
#include "targets/sophgo/device/manifest.h"
#include "targets/sophgo/tools/deploy.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

void add_folder(const std::string& folder, std::vector<std::string>& files) {
  const fs::path path(folder);
  const std::vector<std::string> bmodels = sophgo::manifest_files(folder);
  files.insert(files.end(), bmodels.begin(), bmodels.end());
  for (const char* part : {kEncoderOnnx, kDecoderOnnx}) files.push_back((path / part).string());
  if (const Result<std::vector<std::string>> list = source_files({.model = folder}); list.is_ok())
    files.insert(files.end(), list.value().begin(), list.value().end());
}

}  // namespace

std::vector<std::string> model_files(const std::string& model, const std::optional<std::string>& config) {
  std::vector<std::string> files;
  if (config) files.push_back(*config);
  if (is_folder(model)) {
    add_folder(model, files);
    return files;
  }
  files.push_back(model);
  files.push_back(fs::path(model).replace_extension(".yaml").string());
  if (model.find(".safetensors") != std::string::npos) {  // the files of an index, and config.json
    if (const Result<std::vector<std::string>> list = source_files({.model = model}); list.is_ok())
      files.insert(files.end(), list.value().begin(), list.value().end());
  }
  if (model.ends_with(".onnx")) {
    if (const Result<onnx::Model> read = onnx::Model::load(model); read.is_ok())
      files.insert(files.end(), read.value().external_files.begin(), read.value().external_files.end());
  } else if (model.ends_with(".mlir")) {
    if (const Result<std::string> weights = sophgo::weights_of(model); weights.is_ok())
      files.push_back(weights.value());
  }
  return files;
}

}  // namespace samc
