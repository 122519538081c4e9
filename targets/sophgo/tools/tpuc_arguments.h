#pragma once
// What tpuc-opt is called with: model_deploy.py's steps, in its order.

#include <string>
#include <vector>

#include "targets/sophgo/tools/deploy.h"

namespace samc::sophgo {

// The names that tpuc-opt's arguments use in its work folder.
constexpr const char* kCalibrationTable = "calibration_table";
constexpr const char* kQuantizeTable = "quantize_table";
constexpr const char* kLayerGroupFile = "layer_group_config.json";

// From model.mlir to final.mlir, whose ops have addresses. pixel_format: of the .mlir, for fuse_preprocess.
std::vector<std::string> compile_arguments(const DeployOptions& options, const QuantizeEntry& mode,
                                           const std::string& pixel_format);

// From final.mlir to model.bmodel: in a run of its own, since otherwise it leaves no estimate.
std::vector<std::string> codegen_arguments();

// What kLayerGroupFile is to hold; empty where tpuc-opt's own settings serve and no such file is named.
std::string layer_group_settings(const CompilerOptions& options);

// tpuc-opt keeps what --debug_cmd gave it here and obeys it in every later run, whoever starts it.
constexpr const char* kTpucDebugCommands = "/tmp/debug_cmd";
// An error where the file holds any: they would change the bmodel without a word.
Status check_debug_commands(const std::string& path);

}  // namespace samc::sophgo
