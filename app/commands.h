#pragma once
// The commands, one file each: cmd_NAME.cpp. Each adds its options to the parser and gives what is to be run when the
// user has chosen it.

#include <CLI/CLI.hpp>
#include <vector>

#include "app/model_opener.h"
#include "app/program.h"

namespace samc {

// Those that run a model, which opener opens. It must outlive them.
Command add_segment(CLI::App& parent, const ModelOpener& opener);
Command add_everything(CLI::App& parent, const ModelOpener& opener);
Command add_encode(CLI::App& parent, const ModelOpener& opener);
Command add_track(CLI::App& parent, const ModelOpener& opener);
Command add_bench(CLI::App& parent, const ModelOpener& opener);
Command add_eval(CLI::App& parent, const ModelOpener& opener);
Command add_doctor(CLI::App& parent);
std::vector<NamedCommand> add_run_commands(CLI::App& app, const ModelOpener& opener);

// Those that need the compiler.
Command add_inspect(CLI::App& parent);
Command add_compile(CLI::App& parent);
Command add_export(CLI::App& parent);
Command add_transform(CLI::App& parent);
Command add_calibrate(CLI::App& parent);
Command add_deploy(CLI::App& parent);
Command add_deploy_all(CLI::App& parent);
// All.
std::vector<NamedCommand> add_commands(CLI::App& app);

}  // namespace samc
