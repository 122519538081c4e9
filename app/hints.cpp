#include "app/hints.h"

#include <algorithm>
#include <cctype>

namespace samc {
namespace {

bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; }

const CommandOptions* find_command(const std::string& name, std::span<const CommandOptions> all) {
  for (const CommandOptions& command : all)
    if (command.name == name) return &command;
  return nullptr;
}

}  // namespace

std::vector<CommandOptions> options_of_commands(const CLI::App& app) {
  std::vector<CommandOptions> list;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandOptions& entry = list.emplace_back();
    entry.name = command->get_name();
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames()) entry.options.insert("--" + name);
  }
  return list;
}

std::vector<NamedOption> options_in(const std::string& text, std::span<const CommandOptions> all) {
  std::vector<NamedOption> found;
  std::string command;  // the last that was named in this part of the text
  for (size_t at = 0; at < text.size();) {
    if (!is_of_word(text[at])) {
      if (text[at] == ';') command.clear();
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && is_of_word(text[end])) ++end;
    const std::string word = text.substr(at, end - at);
    if (find_command(word, all) != nullptr) command = word;
    if (word.size() > 3 && word.starts_with("--") && word[2] != '-') {
      const CommandOptions* owner = find_command(command, all);
      found.push_back({word, owner != nullptr && owner->options.count(word) != 0 ? command : "", at});
    }
    at = end;
  }
  return found;
}

std::string fit_hint(const std::string& hint, const std::string& command, std::span<const CommandOptions> all) {
  const CommandOptions* speaker = find_command(command, all);
  if (speaker == nullptr) return hint;
  std::string text = hint;
  std::vector<NamedOption> options = options_in(hint, all);
  std::reverse(options.begin(), options.end());  // places before the current one stay right
  for (const NamedOption& named : options) {
    if (!named.command.empty() || speaker->options.count(named.option) != 0) continue;
    const auto owner = std::find_if(
        all.begin(), all.end(), [&](const CommandOptions& other) { return other.options.count(named.option) != 0; });
    if (owner != all.end()) text.insert(named.at, "samc " + owner->name + " ");
  }
  return text;
}

}  // namespace samc
