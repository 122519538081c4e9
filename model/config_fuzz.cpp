// Any text as a YAML config: an error or a config that passed check_config, whose tensors can then be listed.

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/config.h"
#include "model/recognise.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = samc::parse_config(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
  if (config.is_ok()) samc::expected_tensors(config.value());
  return 0;
}
