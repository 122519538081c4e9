#include <memory>
#include <optional>

#include "app/build_id.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/model_opener.h"
#include "base/cpu_features.h"
#include "base/memory_budget.h"
#include "targets/sophgo/device/doctor.h"

namespace samc {
namespace {

// Lines "WHAT  there: DETAIL" or "WHAT  missing: WHY; ADVICE".
Status doctor(const std::string& tpu_mlir) {
  SAMC_ASSIGN(const Isa isa, choose_isa());
  say("{:<16} {}\n", "samc", version());
  say("{:<16} {}\n", "processor", machine_description());
  say("{:<16} {}\n", "kernels for", isa.name);
  say("{:<16} {} for images and values (--memory-limit)\n", "memory", human_bytes(static_cast<double>(memory_limit())));
  for (const sophgo::Finding& finding :
       sophgo::examine_devices(tpu_mlir.empty() ? std::nullopt : std::optional(tpu_mlir)))
    say("{:<16} {}{}{}{}\n", finding.what, finding.is_there ? "" : "missing: ", finding.detail,
        finding.advice.empty() ? "" : "; ", finding.advice);
  return Status::ok();
}

}  // namespace

Command add_doctor(CLI::App& parent) {
  auto tpu_mlir = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand("doctor", "Say what is installed and what is missing");
  add_tpu_mlir_option(*command, *tpu_mlir);
  command->footer(
      "Looks at the processor, and at what bmodels need: libsophon and its driver, the chip and its memory, "
      "TPU-MLIR's\n"
      "simulator. What is missing is no error: a compiled module needs none of it. Example:\n"
      "  samc doctor");
  return [tpu_mlir] { return doctor(*tpu_mlir); };
}

}  // namespace samc
