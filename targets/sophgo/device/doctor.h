#pragma once
// What there is on this machine for bmodels, and what is missing.

#include <optional>
#include <string>
#include <vector>

namespace samc::sophgo {

struct Finding {
  std::string what;  // "libsophon"
  bool is_there = false;
  std::string detail;  // "0.4.9 in /opt/sophon/libsophon-0.4.9"; of what is missing: why it is thought so
  std::string advice;  // what to do where it is missing
};

// libsophon, its driver, the chip and its memory, TPU-MLIR's simulator, samc-run-bmodel. Asks the chip itself where
// there is a runtime, and gives it a few seconds for its answer.
std::vector<Finding> examine_devices(const std::optional<std::string>& tpu_mlir);

}  // namespace samc::sophgo
