#pragma once
// A compiled module as an image model: its functions on the CPU.

#include <memory>

#include "base/status.h"
#include "runtime/image_model.h"
#include "runtime/module.h"

namespace samc {

// Errors: the module lacks the functions of an image model, or has others of these names.
Result<std::unique_ptr<ImageModel>> make_module_model(std::shared_ptr<const Module> module, int threads);

}  // namespace samc
