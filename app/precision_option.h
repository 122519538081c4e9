#pragma once
// --precision, wherever a model is compiled.

#include <CLI/CLI.hpp>
#include <optional>

#include "base/precision.h"

namespace samc {

// Nothing where it is not given. A name that is unknown ends the parsing with an error that lists the known ones; of
// those that are known the compiler says which it cannot do.
void add_precision_option(CLI::App& command, std::optional<Precision>& precision);

}  // namespace samc
