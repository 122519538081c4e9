// samc_compile() of a library that was built without the compiler.

#include "capi/border.h"

using namespace samc;
using namespace samc::capi;

int samc_has_compiler(void) { return 0; }

samc_status samc_compile(const char* model, const samc_compile_options* options, const char* output) {
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(output);
    SAMC_TRY(read_options(options).status());
    return unsupported("this libsamc was built without the compiler", "compile the model with samc compile");
  });
}
