#pragma once
// SAMC_CHECK: a condition that only a bug of our own can break. Aborts with file, line and message, in every build
// type.

#include <fmt/format.h>

#include <string>

namespace samc {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace samc

#define SAMC_CHECK(condition, ...)                                                      \
  do {                                                                                  \
    if (!(condition)) [[unlikely]]                                                      \
      ::samc::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
  } while (false)
