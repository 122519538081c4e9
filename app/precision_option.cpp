#include "app/precision_option.h"

#include <fmt/format.h>

#include <string>

#include "base/cpu_precision.h"
#include "base/quote.h"

namespace samc {

void add_precision_option(CLI::App& command, std::optional<Precision>& precision) {
  command
      .add_option_function<std::string>(
          "--precision",
          [&precision](const std::string& name) {
            precision = find_precision(name);
            if (!precision)
              throw CLI::ValidationError("--precision", fmt::format("{} is not known, use f32 or bf16", quote(name)));
          },
          "What products compute in: f32 (the default), or bf16 with sums in f32, which is faster and takes half the "
          "memory on processors with avx512_bf16 (docs/precision.md)")
      ->type_name("f32|bf16");
}

}  // namespace samc
