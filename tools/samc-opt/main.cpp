// samc-opt FILE.mlir: reads a module, runs passes of any target over it and prints what they leave. For the tests of
// passes (ir/run_ir_test.sh) and for looking at one pass at a time.
//
// A .mlir file holds no weights, so samc-opt makes them up: every element of the weight named "w" follows from that
// name and the element's index, and a weight named as a number ("0.5") holds that number.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "llvm/Support/SourceMgr.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "targets/cpu/compile_model.h"
#include "targets/cpu/cpu_dialect.h"
#include "targets/sophgo/passes/passes.h"

namespace samc {
namespace {

constexpr const char* kUsage =
    "usage: samc-opt FILE.mlir [options]\n"
    "  --passes=a,b,c       run these passes, of whatever target, in this order\n"
    "  --target NAME        whose phases and passes --until and --disable mean: cpu (default) or sophgo\n"
    "  --until PHASE        run all passes up to the end of this phase\n"
    "  --disable NAME       leave this pass out (with --until)\n"
    "  --list-passes        print the phases and passes of all targets, and stop\n"
    "  --generic            print MLIR's generic form with the names of values, as samc compile --until does\n"
    "  --round-trip         also print, parse and print again, and fail when the two texts differ\n"
    "  --timing             print each pass' time to stderr\n";

struct Options {
  std::string file;
  std::string target = "cpu";
  std::optional<std::vector<std::string>> passes;
  std::optional<std::string> until;
  std::set<std::string> disabled;
  bool list = false, generic = false, round_trip = false, timing = false;
};

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const bool needs_value = argument == "--until" || argument == "--disable" || argument == "--target";
    if (needs_value && i + 1 == arguments.size()) return usage_error(argument + " needs a value");
    if (argument.starts_with("--passes=")) {
      options.passes.emplace();
      for (size_t start = 9; start < argument.size();) {
        const size_t end = std::min(argument.find(',', start), argument.size());
        options.passes->push_back(argument.substr(start, end - start));
        start = end + 1;
      }
    } else if (argument == "--until") {
      options.until = arguments[++i];
    } else if (argument == "--target") {
      options.target = arguments[++i];
    } else if (argument == "--disable") {
      options.disabled.insert(arguments[++i]);
    } else if (argument == "--list-passes") {
      options.list = true;
    } else if (argument == "--generic") {
      options.generic = true;
    } else if (argument == "--round-trip") {
      options.round_trip = true;
    } else if (argument == "--timing") {
      options.timing = true;
    } else if (argument.starts_with("--") || !options.file.empty()) {
      return usage_error(fmt::format("unexpected argument '{}'", argument));
    } else {
      options.file = argument;
    }
  }
  if (options.file.empty() && !options.list) return usage_error("no file");
  return options;
}

std::optional<float> as_number(std::string_view name) {
  float number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

// In [-0.5, 0.5): FNV-1a of the name, then a multiplicative hash of the index.
float formula_value(uint32_t name_hash, size_t index) {
  uint32_t bits = (name_hash ^ static_cast<uint32_t>(index)) * 2654435761u;
  bits = (bits ^ (bits >> 15)) * 2246822519u;
  return static_cast<float>(bits >> 8) / 16777216.0f - 0.5f;
}

Status make_weights(mlir::ModuleOp module, WeightStore& weights) {
  Status status = Status::ok();
  module.walk([&](top::WeightOp op) {
    const std::string name = name_of(op.getOutput());
    if (weights.contains(name) || !status.is_ok()) return;
    Tensor tensor(shape_of(op.getOutput()));
    uint32_t hash = 2166136261u;
    for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619u;
    const std::optional<float> number = as_number(name);
    for (size_t i = 0; i < tensor.f32().size(); ++i) tensor.f32()[i] = number.value_or(formula_value(hash, i));
    status = weights.add(name, std::move(tensor));
  });
  return status;
}

std::vector<const Pipeline*> pipelines() { return {&cpu_pipeline(), &sophgo::sophgo_pipeline()}; }

// The pass of this name, which only one target may have, or one that all start from.
Result<Pass> find_pass(const std::string& name) {
  const Pass* found = nullptr;
  for (const Pipeline* pipeline : pipelines()) {
    const auto pass = std::ranges::find(pipeline->passes, name, &Pass::name);
    if (pass == pipeline->passes.end()) continue;
    SAMC_CHECK(found == nullptr || found->sentence == pass->sentence, "two targets have a pass '{}'", name);
    found = &*pass;
  }
  if (found == nullptr) return usage_error(fmt::format("there is no pass '{}'", name), "--list-passes shows them");
  return *found;
}

// What the options ask for: a target's pipeline, or the passes named alone.
Result<Pipeline> choose_pipeline(const Options& options) {
  if (options.passes) {
    Pipeline chosen{"samc-opt", {{"", ""}}, {}};
    for (const std::string& name : *options.passes) {
      SAMC_ASSIGN(Pass pass, find_pass(name));
      pass.phase = "";
      chosen.passes.push_back(std::move(pass));
    }
    return chosen;
  }
  for (const Pipeline* pipeline : pipelines())
    if (pipeline->target == options.target) return *pipeline;
  return usage_error(fmt::format("there is no target '{}'", options.target), "use cpu or sophgo");
}

void list_passes() {
  for (const Pipeline* pipeline : pipelines()) {
    fmt::print("target {}\n", pipeline->target);
    for (const PhaseEntry& phase : pipeline->phases) {
      fmt::print("  phase {}: {}\n", phase.name, phase.sentence);
      for (const Pass& pass : pipeline->passes)
        if (pass.phase == std::string_view(phase.name)) fmt::print("    {}: {}\n", pass.name, pass.sentence);
    }
  }
}

std::string to_text(mlir::ModuleOp module, bool generic, bool names) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags;
  if (generic) flags.printGenericOpForm();
  if (names) flags.enableDebugInfo(true, false);
  module.print(stream, flags);
  return text;
}

Status check_round_trip(mlir::ModuleOp module) {
  for (const bool generic : {true, false}) {
    const std::string text = to_text(module, generic, true);
    const mlir::OwningOpRef<mlir::ModuleOp> again = mlir::parseSourceString<mlir::ModuleOp>(text, module.getContext());
    if (!again) return invalid_input("what was printed cannot be parsed:\n" + text);
    if (const std::string second = to_text(*again, generic, true); second != text)
      return invalid_input(
          fmt::format("printed, parsed and printed again it is another text:\n{}\nand\n{}", text, second));
  }
  return Status::ok();
}

Status run(const Options& options) {
  if (options.list) {
    list_passes();
    return Status::ok();
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  load_dialects(context);
  context.loadDialect<cpu::CpuDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    DiagnosticCollector diagnostics(&context);
    module = mlir::parseSourceFile<mlir::ModuleOp>(options.file, &context);
    if (!module) return invalid_input(fmt::format("{}: {}", options.file, diagnostics.text()));
  }
  WeightStore weights;
  SAMC_TRY(make_weights(*module, weights));
  SAMC_ASSIGN(const Pipeline pipeline, choose_pipeline(options));
  const std::string until = options.until.value_or(options.passes ? "" : kInputPhase);
  SAMC_ASSIGN(const std::vector<PassTime> times, run_passes(*module, weights, pipeline, {options.disabled, until}));
  for (const PassTime& time : options.timing ? times : std::vector<PassTime>{})
    fmt::print(stderr, "{:>10.3f} ms {} ({} -> {} operations)\n", time.milliseconds, time.name, time.operations_before,
               time.operations_after);
  if (options.round_trip) SAMC_TRY(check_round_trip(*module));
  SAMC_TRY(verify_weights(*module, weights));
  fmt::print("{}", to_text(*module, options.generic, options.generic));
  return Status::ok();
}

}  // namespace
}  // namespace samc

int main(int argc, char** argv) {
  const samc::Result<samc::Options> options = samc::parse_options({argv + 1, argv + argc});
  if (!options.is_ok()) {
    fmt::print(stderr, "samc-opt: {}\n{}", options.status().to_string(), samc::kUsage);
    return 2;
  }
  const samc::Status status = samc::run(options.value());
  if (status.is_ok()) return 0;
  fmt::print(stderr, "samc-opt: {}\n", status.to_string());
  return 1;
}
