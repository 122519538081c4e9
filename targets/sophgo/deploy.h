#pragma once
// From a Top-dialect .mlir (ours or TPU-MLIR's) to a bmodel, by tpuc-opt as a child process.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "targets/sophgo/engine_estimate.h"
#include "targets/sophgo/tpu_mlir.h"

namespace samc::sophgo {

struct ChipEntry {
  const char* name;       // "bm1688"
  const char* simulator;  // the file that simulates it
  int most_cores;
};
std::span<const ChipEntry> chips();
Result<const ChipEntry*> find_chip(const std::string& name);

struct QuantizeEntry {
  const char* name;          // "F16"
  bool grouped;              // weights in groups with a scale each
  double cosine, euclidean;  // model_deploy.py's default tolerances
};
std::span<const QuantizeEntry> quantizations();
Result<const QuantizeEntry*> find_quantization(const std::string& name);

struct DeployOptions {
  std::string mlir;
  std::string chip = "bm1688";
  std::string quantize = "F16";
  std::string output;  // the .bmodel
  int cores = 1;
  bool quantize_input = false, quantize_output = false;  // the bmodel's own inputs and outputs in 16 bits
  bool fuse_preprocess = false;
  std::string customization_format = {};  // with fuse_preprocess: RGB_PACKED ...; empty: the .mlir's pixel_format
  std::string quantize_table = {};        // lines "VALUE MODE"; empty: none
  bool high_precision = false;
  std::optional<std::string> tpu_mlir = {};
  std::function<void(double seconds)> waiting = {};
};

struct DeployReport {
  std::vector<EngineEstimate> cores;  // one for each core
  double seconds = 0;                 // of tpuc-opt
  uint64_t bytes = 0;
};

// Checks chip, quantization and cores before anything else. On failure tpuc-opt's log stays as OUTPUT.log.
Result<DeployReport> deploy(const DeployOptions& options);

}  // namespace samc::sophgo
