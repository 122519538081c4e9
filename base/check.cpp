#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace samc {

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "samc: internal error at %s:%d: %s (%s)\n", file, line, message.c_str(), condition);
  std::abort();
}

}  // namespace samc
