#include <filesystem>
#include <memory>
#include <optional>

#include "app/build_id.h"
#include "app/bundled_model.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/model_files.h"
#include "app/model_source.h"
#include "app/output_guard.h"
#include "app/precision_option.h"
#include "base/files.h"
#include "targets/cpu/compile_model.h"

namespace samc {
namespace {

struct Arguments {
  CompileOptions options;
  std::optional<Precision> precision;
  std::string output;
  std::vector<std::string> disabled;
  bool timing = false;
  bool list_passes = false;
};

void print_passes() {
  say("Phases (--until):\n");
  for (const PhaseEntry& phase : cpu_pipeline().phases) say("  {:<8} {}\n", phase.name, phase.sentence);
  say("Passes, in order (--disable):\n");
  for (const Pass& pass : cpu_pipeline().passes)
    say("  {:<28} {}{}\n", pass.name, pass.sentence, pass.required ? " (required)" : "");
}

void print_report(const CompileReport& report, const std::string& output, bool timing) {
  say("{}: {}\n", report.model_name, report.why);
  if (timing) {
    say("  {:<32} {:>10} {:>8} {:>8}\n", "pass", "ms", "ops in", "ops out");
    for (const PassTime& pass : report.passes)
      say("  {:<32} {:>10.2f} {:>8} {:>8}\n", pass.name, pass.milliseconds, pass.operations_before,
          pass.operations_after);
  }
  const double total = report.read_milliseconds + report.build_milliseconds + report.pass_milliseconds +
                       report.plan_milliseconds + report.write_milliseconds;
  say("  read {:.0f} ms, build {:.0f}, passes {:.0f}, plan {:.0f}, write {:.0f}: {:.2f} s in all\n",
      report.read_milliseconds, report.build_milliseconds, report.pass_milliseconds, report.plan_milliseconds,
      report.write_milliseconds, total / 1000);
  say("  weights {}", human_bytes(static_cast<double>(report.weight_bytes)));
  for (const auto& [function, bytes] : report.arena_bytes)
    say(", arena of {} {}", function, human_bytes(static_cast<double>(bytes)));
  say("\n{}\n", output);
}

Status compile(const Arguments& arguments) {
  if (arguments.list_passes) {
    print_passes();
    return Status::ok();
  }
  CompileOptions options = arguments.options;
  if (options.model.empty()) return usage_error("no model", "see samc compile --help");
  OutputGuard guard;
  guard.add_inputs([&] { return model_files(options.model, options.config); });
  guard.add_output("-o", arguments.output);
  SAMC_TRY(guard.check());
  options.disabled_passes = {arguments.disabled.begin(), arguments.disabled.end()};
  options.build_id = build_id();
  options.precision = arguments.precision.value_or(Precision::kF32);
  Progress progress;
  if (!options.until.empty()) {
    SAMC_TRY(check_phase(cpu_pipeline(), options.until));
    progress.show(fmt::format("compiling {} ...", options.model));
    SAMC_ASSIGN(const std::string text, compile_to_text(options));
    progress.clear();
    if (!arguments.output.empty()) return write_file(arguments.output, text);
    print_text(text);
    return Status::ok();
  }
  if (arguments.output.empty())
    return usage_error("nowhere to write", "give -o FILE.samc, or --until PHASE to see the IR");
  progress.show(fmt::format("compiling {} ...", options.model));
  SAMC_ASSIGN(const CompileReport report, compile_model(options, arguments.output));
  progress.clear();
  for (const std::string& warning : report.warnings) warn(fmt::format("{}: {}", options.model, warning));
  print_report(report, arguments.output, arguments.timing);
  return Status::ok();
}

}  // namespace

Command add_compile(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("compile", "Compile a model to a .samc module");
  command
      ->add_option(
          "model", arguments->options.model,
          "A checkpoint (.pt or .safetensors, or transformers' folder), or a folder with encoder.onnx and decoder.onnx")
      ->type_name("MODEL")
      ->transform(bundled_model());
  command->add_option("-o,--output", arguments->output, "Where the module, or with --until the IR, goes")
      ->type_name("FILE");
  add_checkpoint_options(*command, arguments->options);
  add_precision_option(*command, arguments->precision);
  command
      ->add_option("--until", arguments->options.until, "Stop at the end of this phase and print the IR as MLIR text")
      ->type_name("PHASE");
  command->add_option("--disable", arguments->disabled, "Leave a pass out; may be given several times")
      ->allow_extra_args(false)
      ->type_name("PASS");
  command->add_flag("--timing", arguments->timing, "Print the time of each pass");
  command->add_flag("--list-passes", arguments->list_passes, "Print the phases and passes, and do nothing else");
  command->footer("Example:\n  samc compile sam2_hiera_tiny.pt -o tiny.samc");
  return [arguments] { return compile(*arguments); };
}

}  // namespace samc
