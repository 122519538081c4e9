// Any bytes as the text of a .mlir, a zero byte, and a calibration table and a quantize table for it.

#include <algorithm>
#include <cstdint>

#include "targets/sophgo/tools/quantize_tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace sophgo = samc::sophgo;
  const auto* const begin = reinterpret_cast<const char*>(data);
  const char* const end = begin + size;
  const char* const zero = std::find(begin, end, '\0');
  const auto ops = sophgo::read_named_ops({begin, zero});
  const std::string_view table(zero == end ? zero : zero + 1, end);
  if (const auto read = sophgo::parse_calibration_table(table, "fuzz"); read.is_ok()) {
    static_cast<void>(sophgo::check_calibration_table(read.value(), ops, "fuzz"));
    const auto again = sophgo::parse_calibration_table(sophgo::print_calibration_table(read.value(), {}), "fuzz");
    SAMC_CHECK(again.is_ok(), "{}", again.status().to_string());
  }
  if (const auto read = sophgo::parse_quantize_table(table, "fuzz"); read.is_ok())
    static_cast<void>(sophgo::check_quantize_table(read.value(), ops, "fuzz"));
  return 0;
}
