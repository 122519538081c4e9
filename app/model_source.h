#pragma once
// --model: a checkpoint or an export, compiled on the spot or taken from the cache, or a compiled module.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/console.h"
#include "base/status.h"
#include "runtime/module.h"
#include "targets/cpu/compile_model.h"

namespace samc {

struct ModelArguments : CompileOptions {
  bool no_cache = false;
  int threads = 0;
};

// Adds --model, --config, --image-size, --precision, --no-cache and --threads.
void add_model_options(CLI::App& command, ModelArguments& arguments);
void add_threads_option(CLI::App& command, int& threads);
// --config and --image-size, wherever a checkpoint is taken.
void add_checkpoint_options(CLI::App& command, SourceOptions& options);

// What decides what a compiled module holds: the model's files, config, precision, compiler. In hexadecimal.
Result<std::string> module_key(const ModelArguments& arguments);

// Loads it, after compiling where needed. Says on stderr what is wrong with the weights (NaN), if anything.
Result<std::shared_ptr<const Module>> open_model(const ModelArguments& arguments, Progress& progress);

}  // namespace samc
