#include "passes/pipeline.h"

#include <fmt/format.h>

#include <chrono>
#include <set>

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

namespace samc {

std::span<const PhaseEntry> phases() {
  static constexpr PhaseEntry kEntries[] = {
      {Phase::kInput, "input", "top ops as the model builder or the ONNX reader wrote them"},
      {Phase::kTop, "top",
       "the top contract: static shapes, constants evaluated, no shape arithmetic, target-independent fusions done"},
      {Phase::kCpu, "cpu", "each op bound to one CPU kernel, layouts chosen"},
  };
  return kEntries;
}

Result<Phase> find_phase(const std::string& name) {
  std::string known;
  for (const PhaseEntry& entry : phases()) {
    if (name == entry.name) return entry.phase;
    known += known.empty() ? entry.name : std::string(", ") + entry.name;
  }
  return usage_error(fmt::format("there is no phase '{}'", name), "use one of: " + known);
}

int64_t count_operations(mlir::ModuleOp module) {
  int64_t count = 0;
  module.walk([&](mlir::Operation* op) {
    const llvm::StringRef name = op->getName().getStringRef();
    if (name.starts_with("top.") || name.starts_with("cpu."))
      if (name != "top.Weight" && name != "top.None" && name != "top.Input") ++count;
  });
  return count;
}

void remove_unused_weights(mlir::ModuleOp module, WeightStore& weights) {
  std::set<std::string> used;
  module.walk([&](mlir::Operation* op) {
    if (op->getName().getStringRef() != "top.Weight") return;
    if (const auto name = mlir::dyn_cast<mlir::NameLoc>(op->getLoc())) used.insert(name.getName().str());
  });
  for (const std::string& name : weights.names())
    if (used.count(name) == 0) weights.remove(name);
}

Result<std::vector<PassTime>> run_passes(mlir::ModuleOp module, WeightStore& weights, std::span<const Pass> passes,
                                         const PipelineOptions& options) {
  for (const std::string& name : options.disabled) {
    bool known = false;
    for (const Pass& pass : passes) {
      if (name != pass.name) continue;
      known = true;
      if (pass.required) return usage_error(fmt::format("pass '{}' cannot be switched off", name));
    }
    if (!known) return usage_error(fmt::format("there is no pass '{}'", name), "samc compile --list-passes shows them");
  }
  DiagnosticCollector diagnostics(module.getContext());
  std::vector<PassTime> times;
  for (const Pass& pass : passes) {
    if (pass.phase > options.until || options.disabled.count(pass.name) != 0) continue;
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
