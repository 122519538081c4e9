#pragma once
// --ignore-orientation, for each command that reads an image (transform and deploy by --test_input).

#include <CLI/CLI.hpp>

#include "media/image.h"

namespace samc {

void add_orientation_option(CLI::App& command, Orientation& orientation);

}  // namespace samc
