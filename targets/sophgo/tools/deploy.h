#pragma once
// From a Top-dialect .mlir (ours or TPU-MLIR's) to a bmodel, by tpuc-opt as a child process.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "targets/sophgo/tools/engine_estimate.h"
#include "targets/sophgo/tools/tpu_mlir.h"

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
  bool calibrated;           // needs a calibration table
  double cosine, euclidean;  // model_deploy.py's default tolerances
};
std::span<const QuantizeEntry> quantizations();
Result<const QuantizeEntry*> find_quantization(const std::string& name);
std::string known_quantizations();  // "F32, F16, ..."
// What is to be said of a precision that costs more than it gives; "" of the others.
std::string quantization_warning(const QuantizeEntry& mode);

// How tpuc-opt is to compile: model_deploy.py's options of the same names. What stands here is its own standard.
struct CompilerOptions {
  int opt = 2;                          // of its search for layer groups: 1, 2 or 3
  std::string group_by_cores = "auto";  // auto, true, false
  std::string compress_mode = "none";   // of BM1688: none, weight
  std::string addr_mode = "auto";       // where inputs and outputs lie
  int64_t q_group_size = 64;            // of W8 and W4: weights that share a scale
  bool q_symmetric = false;             // of W8 and W4
  bool asymmetric = false;              // of INT8: ranges from the table's MIN to its MAX
  bool matmul_perchannel = false;       // of INT8: a scale for each column of a product's weight
  std::string layer_group_config = {};  // a JSON file; empty: made of the two below
  int shape_secs_search_strategy = 0;   // 0 to 2: the larger, the longer it looks for better slices
  bool structure_detection = true;      // in layer groups
  bool layer_groups = true, topological_sort = true, affine = true;  // passes
  bool weight_deduplicate = false;                                   // equal weights lie in the bmodel once
};

struct DeployOptions {
  std::string mlir;
  std::string chip = "bm1688";
  std::string quantize = "F16";
  std::string output;  // the .bmodel
  int cores = 1;
  bool quantize_input = false, quantize_output = false;                // the bmodel's own inputs and outputs in 16 bits
  std::vector<int64_t> quantized_inputs = {}, quantized_outputs = {};  // only these then, from 1 on; empty: all
  bool bf16_output = false;                                            // outputs in bf16 whatever the precision
  bool fuse_preprocess = false;
  std::string customization_format = {};  // with fuse_preprocess: RGB_PACKED ...; empty: the .mlir's pixel_format
  // tools/quantize_tables.h; empty: none. Both are checked against the .mlir.
  std::string calibration_table = {};  // of INT8, which needs one
  std::string quantize_table = {};     // empty: table_beside(mlir) where there is one
  bool high_precision = false;
  CompilerOptions compiler = {};
  std::optional<std::string> tpu_mlir = {};
  std::function<void(double seconds)> waiting = {};
};

struct DeployReport {
  std::vector<EngineEstimate> cores;  // one for each core
  double seconds = 0;                 // of tpuc-opt
  uint64_t bytes = 0;
  std::string quantize_table;  // that was taken though none was given
};

// Where tpuc-opt's log stays when it fails.
inline std::string log_beside(const std::string& output) { return output + ".log"; }

// The file beside an .mlir that holds its weights, as its head names it.
Result<std::string> weights_of(const std::string& mlir);

// Checks chip, quantization and cores before anything else. On failure tpuc-opt's log stays as log_beside(output).
Result<DeployReport> deploy(const DeployOptions& options);

}  // namespace samc::sophgo
