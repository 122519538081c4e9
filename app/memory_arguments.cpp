#include "app/memory_arguments.h"

namespace samc {

void MemoryArguments::add_to(CLI::App& command) {
  const char* group = "Of the memory attention";
  command
      .add_option(
          "--memory_form", form,
          "plain: as the official code has it; maximum: in chunks that fit the chip's memory; dealt: fastest, for "
          "weights whose scores stay small")
      ->type_name("FORM")
      ->group(group);
  command
      .add_option(
          "--max_memories", memories,
          "Most memories; else as many as tracking from one prompted frame needs: 7 of the official models. Each "
          "further prompted frame needs one more")
      ->check(CLI::Range(1, 256))
      ->type_name("N")
      ->group(group);
  command.add_option("--max_pointers", pointers, "Most object pointers; else likewise: 16 of the official models")
      ->check(CLI::Range(1, 256))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--exponentials", exponentials,
                  "Of the form dealt: F32, or BF16, which is faster and of less precision")
      ->type_name("MODE")
      ->group(group);
}

void MemoryArguments::add_cores_to(CLI::App& command) {
  command.add_option("--num_core", cores, "Of --part memory_attention: cores that deploy will be told of: 1 or 2")
      ->check(CLI::Range(1, 2))
      ->capture_default_str()
      ->group("Of the memory attention");
}

bool MemoryArguments::is_given() const {
  return !form.empty() || !exponentials.empty() || memories != 0 || pointers != 0 || cores != 1;
}

Result<sophgo::MemoryTransform> MemoryArguments::options() const {
  sophgo::MemoryTransform options;
  if (!form.empty()) {
    SAMC_ASSIGN(options.form, sophgo::find_memory_form(form));
  }
  if (!exponentials.empty()) {
    if (exponentials != "F32" && exponentials != "BF16")
      return usage_error("--exponentials " + exponentials + " is not known", "give F32 or BF16");
    if (form != "dealt") return usage_error("--exponentials is for --memory_form dealt", "give that too");
    options.exponentials = exponentials;
  }
  if (memories != 0) options.memories = memories;
  if (pointers != 0) options.pointers = pointers;
  options.cores = cores;
  return options;
}

}  // namespace samc
