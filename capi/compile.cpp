// samc_compile() of a library that holds the compiler.

#include "targets/cpu/compile_model.h"

#include "app/build_id.h"
#include "app/model_files.h"
#include "app/output_guard.h"
#include "base/cpu_precision.h"
#include "base/quote.h"
#include "capi/border.h"

using namespace samc;
using namespace samc::capi;

int samc_has_compiler(void) { return 1; }

samc_status samc_compile(const char* model, const samc_compile_options* options, const char* output) {
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(output);
    SAMC_ASSIGN(const samc_compile_options given, read_options(options));
    CompileOptions wanted;
    wanted.model = model;
    if (given.config != nullptr) wanted.config = given.config;
    if (given.image_size < 0)
      return usage_error(fmt::format("an image_size of {}", given.image_size), "0: the config's");
    if (given.image_size != 0) wanted.image_size = given.image_size;
    if (given.precision != nullptr) {
      const std::optional<Precision> precision = find_precision(given.precision);
      if (!precision)
        return usage_error(fmt::format("no precision {}", quote(given.precision)), "use f32, bf16 or int8");
      wanted.precision = *precision;
    }
    wanted.build_id = build_id();
    OutputGuard guard;
    guard.add_inputs([&] { return model_files(wanted.model, wanted.config); });
    guard.add_output("output", output);
    SAMC_TRY(guard.check());
    return compile_model(wanted, output).status();
  });
}
