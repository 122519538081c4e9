#pragma once
// The commands of `samc`, one file each: cmd_NAME.cpp. Each adds its options to the parser and gives what is to be run
// when the user has chosen it.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace samc {

using Command = std::function<Status()>;

Command add_inspect(CLI::App& parent);
Command add_compile(CLI::App& parent);
Command add_segment(CLI::App& parent);
Command add_encode(CLI::App& parent);
Command add_bench(CLI::App& parent);
Command add_export(CLI::App& parent);
Command add_transform(CLI::App& parent);
Command add_deploy(CLI::App& parent);
Command add_deploy_all(CLI::App& parent);

// All of them, by name. memory_limit: the value of --memory-limit, which each has.
std::vector<std::pair<const char*, Command>> add_commands(CLI::App& app, std::string& memory_limit);

}  // namespace samc
