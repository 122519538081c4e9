#pragma once
// A compiled model as Python holds it.

#include <memory>
#include <utility>

#include "runtime/module.h"

namespace samc::python {

struct LoadedModule {
  explicit LoadedModule(std::shared_ptr<const Module> loaded) : module(std::move(loaded)) {}
  std::shared_ptr<const Module> module;
};

}  // namespace samc::python
