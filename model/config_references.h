#pragma once
// Inside model/: ${KEY.KEY} in a YAML file stands for what is at that place of the same file, as OmegaConf has it.

#include <yaml-cpp/yaml.h>

#include <string>

#include "base/status.h"

namespace samc {

// A copy of the part of `root` at `path` ("trainer.model"), which exists, without references. An error names the key of
// one that leads nowhere, in a circle, or that computes something (${times:2,3}). May throw YAML::Exception.
Result<YAML::Node> resolve_references(const YAML::Node& root, const YAML::Node& part, const std::string& path);

}  // namespace samc
