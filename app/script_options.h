#pragma once
// The options of TPU-MLIR's two scripts, as command lines for them hold them: what `transform` does with those of
// model_transform.py, and `deploy` with those of model_deploy.py. One table each, for the command, its --help, its page
// in docs/ and its test.

#include <CLI/CLI.hpp>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace samc {

enum class Treatment {
  kOwn,       // the command has this option itself and acts on it
  kNoEffect,  // taken; one line on stderr says why it changes nothing
  kRefused,   // would change the result in a way that samc does not know: an error that says why
};
enum class OptionKind { kFlag, kValue, kValues };

// In the order in which tables read best; there are some dozens of them.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct ScriptOption {
  const char* names;  // as the script declares them: "--chip,--processor"
  OptionKind kind;
  const char* standard;  // what the script takes where it isn't given; as a value it is taken without a word
  Treatment treatment;
  const char* reason;  // "" of an own option
};

struct Script {
  const char* name;     // "model_deploy.py"
  const char* command;  // "deploy"
  std::span<const ScriptOption> options;
};
const Script& model_transform_script();
const Script& model_deploy_script();

// Those of a script's options that the command has not itself. Must live as long as the command.
class ForeignOptions {
 public:
  void add_to(CLI::App& command, const Script& script);
  // The first refused one is an error; each other one that was given is a warning.
  Status check() const;

 private:
  std::vector<std::pair<const ScriptOption*, CLI::Option*>> options_;
  std::deque<std::vector<std::string>> values_;  // CLI11 keeps references to them
  const Script* script_ = nullptr;
};

// argparse takes any beginning of an option's name that fits no other ("--input_shape"). So do the two commands: words
// are a command line without the program's name; names of the scripts' options become whole.
void complete_script_options(std::vector<std::string>& words);

// The rows of a table of the script's options, in Markdown.
std::string to_markdown(const Script& script);

}  // namespace samc
