#pragma once
// Hints say what to do, often with an option. The stages that write them serve several commands, and not each command
// has that option: what it lacks is named with a command that has it, or it would send people in a circle.

#include <CLI/CLI.hpp>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace samc {

struct CommandOptions {
  std::string name;               // "segment"
  std::set<std::string> options;  // "--model"
};

std::vector<CommandOptions> options_of_commands(const CLI::App& app);

// Each option in the hint that this command lacks becomes "samc OTHER --option", unless the hint names a command that
// has it. An option that no command has is ours to mend: hints_test.
std::string fit_hint(const std::string& hint, const std::string& command, std::span<const CommandOptions> all);

// The options that a text names, and for each the command whose the text says it is ("": the one that speaks).
struct NamedOption {
  std::string option, command;
  size_t at = 0;  // where the option begins
};
std::vector<NamedOption> options_in(const std::string& text, std::span<const CommandOptions> all);

}  // namespace samc
