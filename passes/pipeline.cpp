#include "passes/pipeline.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

namespace samc {

namespace {

// Where the phase stands among the pipeline's, or -1.
int64_t phase_index(const Pipeline& pipeline, const std::string& name) {
  const auto found = std::ranges::find(pipeline.phases, name, &PhaseEntry::name);
  return found == pipeline.phases.end() ? -1 : found - pipeline.phases.begin();
}

Status check_disabled(const Pipeline& pipeline, const std::set<std::string>& disabled) {
  for (const std::string& name : disabled) {
    const auto found = std::ranges::find(pipeline.passes, name, &Pass::name);
    if (found != pipeline.passes.end() && found->required)
      return usage_error(fmt::format("pass '{}' cannot be switched off", name));
    if (found != pipeline.passes.end()) continue;
    std::vector<std::string> optional;
    for (const Pass& pass : pipeline.passes)
      if (!pass.required) optional.emplace_back(pass.name);
    return usage_error(fmt::format("target {} has no pass '{}'", pipeline.target, name),
                       fmt::format("use one of: {}", fmt::join(optional, ", ")));
  }
  return Status::ok();
}

}  // namespace

Pipeline extend(Pipeline pipeline, std::string target, std::span<const PhaseEntry> phases,
                std::span<const Pass> passes) {
  pipeline.target = std::move(target);
  pipeline.phases.insert(pipeline.phases.end(), phases.begin(), phases.end());
  pipeline.passes.insert(pipeline.passes.end(), passes.begin(), passes.end());
  return pipeline;
}

Status check_phase(const Pipeline& pipeline, const std::string& name) {
  if (phase_index(pipeline, name) >= 0) return Status::ok();
  std::vector<std::string> names;
  for (const PhaseEntry& phase : pipeline.phases) names.emplace_back(phase.name);
  return usage_error(fmt::format("target {} has no phase '{}'", pipeline.target, name),
                     fmt::format("use one of: {}", fmt::join(names, ", ")));
}

int64_t count_operations(mlir::ModuleOp module) {
  int64_t count = 0;
  module.walk([&](mlir::Operation* op) {
    if (mlir::isa<mlir::ModuleOp, mlir::func::FuncOp, mlir::func::ReturnOp>(op)) return;
    if (!mlir::isa<top::WeightOp, top::NoneOp, top::InputOp>(op)) ++count;
  });
  return count;
}

void remove_unused_weights(mlir::ModuleOp module, WeightStore& weights) {
  std::set<std::string> used;
  module.walk([&](top::WeightOp op) { used.insert(name_of(op.getOutput())); });
  for (const std::string& name : weights.names())
    if (used.count(name) == 0) weights.remove(name);
}

Result<std::vector<PassTime>> run_passes(mlir::ModuleOp module, WeightStore& weights, const Pipeline& pipeline,
                                         const PipelineOptions& options) {
  SAMC_TRY(check_disabled(pipeline, options.disabled));
  const std::string until = options.until.empty() ? pipeline.phases.back().name : options.until;
  SAMC_TRY(check_phase(pipeline, until));
  const int64_t last = phase_index(pipeline, until);
  DiagnosticCollector diagnostics(module.getContext());
  std::vector<PassTime> times;
  for (const Pass& pass : pipeline.passes) {
    if (phase_index(pipeline, pass.phase) > last || options.disabled.contains(pass.name)) continue;
    PassTime time{pass.name, 0, count_operations(module), 0};
    const auto start = std::chrono::steady_clock::now();
    if (mlir::failed(pass.run(module, weights)))
      return unsupported(fmt::format("pass {}: {}", pass.name, diagnostics.text()));
    if (mlir::failed(mlir::verify(module)))
      return Status(StatusCode::kUnsupported, fmt::format("pass {} left invalid IR: {}", pass.name, diagnostics.text()),
                    "this is a bug of samc; --disable may help meanwhile");
    time.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    time.operations_after = count_operations(module);
    times.push_back(std::move(time));
  }
  return times;
}

}  // namespace samc
