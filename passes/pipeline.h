#pragma once
// Passes over a module of top ops, in named phases. Each pass can be switched off by name, is timed, and the IR is
// verified after it (as DuckDB does with its optimiser). Targets append lists of their own.

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "ir/diagnostics.h"
#include "ir/weight_store.h"
#include "mlir/IR/BuiltinOps.h"

namespace samc {

// How far a model has come. `samc compile --until PHASE` prints the IR at the end of one.
enum class Phase { kInput, kTop, kCpu };

struct PhaseEntry {
  Phase phase;
  const char* name;
  const char* sentence;
};
std::span<const PhaseEntry> phases();
Result<Phase> find_phase(const std::string& name);

struct Pass {
  const char* name;  // also the file's name: "fuse-bias" is passes/fuse_bias.cpp
  Phase phase;       // the phase that it works towards
  const char* sentence;
  std::function<mlir::LogicalResult(mlir::ModuleOp, WeightStore&)> run;
  bool required = false;  // without it later stages cannot work, so it cannot be switched off
};

// What every target starts from: ends in the top contract (passes/README.md).
std::span<const Pass> top_passes();

struct PassTime {
  std::string name;
  double milliseconds = 0;
  int64_t operations_before = 0;
  int64_t operations_after = 0;
};

struct PipelineOptions {
  std::set<std::string> disabled;
  Phase until = Phase::kCpu;
};

// Runs the passes up to options.until, in order. An unknown or required name in `disabled` is a usage error; a pass
// that fails or leaves invalid IR is an error with MLIR's diagnostic.
Result<std::vector<PassTime>> run_passes(mlir::ModuleOp module, WeightStore& weights, std::span<const Pass> passes,
                                         const PipelineOptions& options);

int64_t count_operations(mlir::ModuleOp module);

// Removes weights that no top.Weight reads.
void remove_unused_weights(mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc
