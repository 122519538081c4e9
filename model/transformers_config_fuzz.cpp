// Any bytes as a config.json of transformers: a config that samc can build, or an error.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "model/transformers_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const samc::Result<samc::ModelConfig> config = samc::parse_transformers_config(text, "fuzz");
  if (config.is_ok()) SAMC_CHECK(samc::check_config(config.value()).is_ok(), "a config that is none");
  return 0;
}
