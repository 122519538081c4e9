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
              throw CLI::ValidationError("--precision",
                                         fmt::format("{} is not known, use f32, bf16 or int8", quote(name)));
          },
          "What products compute in: f32 (the default), bf16 with sums in f32, which takes half the memory and is "
          "faster on processors with avx512_bf16, or int8, which takes a quarter and runs everywhere, fastest with "
          "VNNI (docs/precision.md)")
      ->type_name("f32|bf16|int8");
}

}  // namespace samc
