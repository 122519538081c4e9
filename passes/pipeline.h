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

// How far a model has come; `--until PHASE` prints the IR at the end of one.
struct PhaseEntry {
  const char* name;
  const char* sentence;
};

// The first two of every target.
inline constexpr const char* kInputPhase = "input";
inline constexpr const char* kTopPhase = "top";

struct Pass {
  const char* name;   // unique among all targets; also the file's name: "fuse-bias" is passes/fuse_bias.cpp
  const char* phase;  // the phase that it works towards
  const char* sentence;
  std::function<mlir::LogicalResult(mlir::ModuleOp, WeightStore&)> run;
  bool required = false;  // without it later stages cannot work, so it cannot be switched off
};

// All that a target does to a model: its phases in order, and the passes that lead to each.
struct Pipeline {
  std::string target;
  std::vector<PhaseEntry> phases;
  std::vector<Pass> passes;
};

// What every target starts from: ends in the top contract (passes/README.md).
const Pipeline& top_pipeline();
// top_pipeline(), and behind it what every target does that has more than single ops (ir/vision.td).
const Pipeline& fused_pipeline();
// A pipeline, and behind it a target's own phases and passes.
Pipeline extend(Pipeline pipeline, std::string target, std::span<const PhaseEntry> phases,
                std::span<const Pass> passes);
// A usage error that lists the pipeline's phases if it has none of this name.
Status check_phase(const Pipeline& pipeline, const std::string& name);

struct PassTime {
  std::string name;
  double milliseconds = 0;
  int64_t operations_before = 0;
  int64_t operations_after = 0;
};

struct PipelineOptions {
  std::set<std::string> disabled = {};
  std::string until = {};  // a phase; empty: the last one
};

// Runs the passes up to options.until, in order. An unknown phase, and an unknown or required name in `disabled`, is a
// usage error that lists what the pipeline has; a pass that fails or leaves invalid IR is an error with MLIR's
// diagnostic.
Result<std::vector<PassTime>> run_passes(mlir::ModuleOp module, WeightStore& weights, const Pipeline& pipeline,
                                         const PipelineOptions& options);

int64_t count_operations(mlir::ModuleOp module);

// Removes weights that no top.Weight reads.
void remove_unused_weights(mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc
