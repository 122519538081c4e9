#include "capi/border.h"

#include <array>
#include <cstdio>

#include "base/quote.h"
#include "base/text.h"

namespace samc::capi {
namespace {

// A message, "; ", a hint.
thread_local std::array<char, 2 * kLongestMessage + 3> last_text{};

samc_status code_of(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return SAMC_OK;
    case StatusCode::kInvalidInput:
      return SAMC_ERROR_INPUT;
    case StatusCode::kUsage:
      return SAMC_ERROR_USAGE;
    case StatusCode::kUnsupported:
      return SAMC_ERROR_UNSUPPORTED;
    case StatusCode::kIo:
      return SAMC_ERROR_IO;
    case StatusCode::kOutOfMemory:
      return SAMC_ERROR_MEMORY;
    case StatusCode::kInterrupted:
      return SAMC_ERROR_INTERRUPTED;
  }
  return SAMC_ERROR_INTERNAL;
}

}  // namespace

samc_status fail(const Status& status) noexcept {
  try {
    const std::string line = printable(shortened(status.to_string(), last_text.size() - 1));
    std::snprintf(last_text.data(), last_text.size(), "%s", line.c_str());
  } catch (...) {  // no memory for the text
    std::snprintf(last_text.data(), last_text.size(), "out of memory");
  }
  return code_of(status.code());
}

samc_status fail_unknown() noexcept {
  std::snprintf(last_text.data(), last_text.size(), "an exception of an unknown kind");
  return SAMC_ERROR_INTERNAL;
}

const char* last_error() noexcept { return last_text.data(); }

Status is_null(const char* name) { return usage_error(fmt::format("{} is NULL", name)); }

Status wrong_struct_size(size_t given, size_t known) {
  if (given > known)
    return usage_error(fmt::format("a struct of {} bytes, of which this libsamc knows {}, and what it does not know is "
                                   "not 0",
                                   given, known),
                       "set struct_size to sizeof the struct, and all that is not used to 0; or use a newer libsamc");
  return usage_error(fmt::format("a struct_size of {}", given), "set it to sizeof the struct");
}

Status used_by_another_thread() {
  return usage_error("the object is in use by another thread", "give each thread its own; they can share a model");
}

}  // namespace samc::capi
