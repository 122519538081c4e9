#pragma once
// A program with commands: `samc` and `samc-run` (main.cpp, main_run.cpp). What both do around their commands: options
// that each command has, hints, errors in one line, signals, closed descriptors, missing memory, exit codes (0 done, 1
// the input is at fault, 2 wrong usage, 130 interrupted).

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace samc {

using Command = std::function<Status()>;

struct NamedCommand {
  std::string name;
  Command run;
};

struct Program {
  const char* name;
  const char* description;
  const char* footer;  // of --help, whole lines
  std::function<std::vector<NamedCommand>(CLI::App&)> add_commands;
  // Changes the words of the command line before they are parsed; may be empty.
  std::function<void(std::vector<std::string>&)> complete_words;
};

// --memory-limit of each command of the app.
void add_memory_limit(CLI::App& app, std::string& limit);

int run_program(const Program& program, int count, char** arguments);

}  // namespace samc
