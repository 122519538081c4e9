#pragma once
// --model of `samc`: beside what runs as it is, a checkpoint or an export, compiled on the spot or taken from the
// cache.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "app/model_opener.h"
#include "base/status.h"
#include "model/source.h"

namespace samc {

class ModelCompiler : public ModelOpener {
 public:
  std::vector<std::string> files(const ModelArguments& arguments) const override;
  Result<std::vector<CompilePhase>> time_compilation(const ModelArguments& arguments,
                                                     Progress& progress) const override;

 protected:
  const char* model_help() const override;
  // --config, --image-size, --state-dict, --precision and --no-cache; --model may be the bundled one.
  void add_more_options(CLI::App& command, ModelArguments& arguments) const override;
  // A folder is taken for an export, anything but a module for a checkpoint, whose reader says what it is.
  Result<std::shared_ptr<const Module>> open_module(const ModelArguments& arguments, Progress& progress) const override;
};

// --config, --image-size and --state-dict, wherever a checkpoint is taken. Arguments: SourceOptions or ModelArguments.
void add_checkpoint_options(CLI::App& command, std::optional<std::string>& config, std::optional<int64_t>& image_size,
                            std::optional<std::string>& state_dict);
template <class Arguments>
void add_checkpoint_options(CLI::App& command, Arguments& arguments) {
  add_checkpoint_options(command, arguments.config, arguments.image_size, arguments.state_dict);
}

// What decides what a compiled module holds: the model's files, config, precision, compiler. In hexadecimal.
Result<std::string> module_key(const ModelArguments& arguments);

}  // namespace samc
