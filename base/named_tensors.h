#pragma once
// Tensors by name: inputs and outputs of functions, of bmodels, of files.

#include <map>
#include <string>

#include "base/tensor.h"

namespace samc {

using NamedViews = std::map<std::string, TensorView>;
using NamedTensors = std::map<std::string, Tensor>;

}  // namespace samc
