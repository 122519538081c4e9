#pragma once
// A model's config as the official YAML, with every key that a ModelConfig has a field for: what read_config() reads.

#include <string>

#include "model/config.h"

namespace samc::test {

std::string official_yaml(const ModelConfig& config);

}  // namespace samc::test
