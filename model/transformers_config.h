#pragma once
// Inside model/: the config.json that Hugging Face's transformers keeps beside the weights of a Sam2Model or a
// Sam2VideoModel.

#include <string>

#include "model/config.h"

namespace samc {

// What it leaves out is as in transformers: the default of its classes, which is sam2.1_hiera_tiny. A value of the
// wrong type and one that samc cannot build are errors that name the key; other keys are not read, as there.
Result<ModelConfig> parse_transformers_config(const std::string& text, const std::string& name);

}  // namespace samc
