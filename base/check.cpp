#include "base/check.h"

#include <cstdio>
#include <cstdlib>

#include "base/program_name.h"

namespace samc {

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "%s: internal error at %s:%d: %s (%s)\n", program_name(), file, line, message.c_str(),
               condition);
  std::abort();
}

}  // namespace samc
