#pragma once
// --model: a checkpoint or an export, compiled on the spot or taken from the cache, or a compiled module.

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "app/console.h"
#include "base/status.h"
#include "runtime/module.h"

namespace samc {

struct ModelArguments {
  std::string model;
  std::optional<std::string> config;
  std::optional<int64_t> image_size;
  std::string precision = "f32";
  bool no_cache = false;
  int threads = 0;
};

// Adds --model, --config, --image-size, --precision, --no-cache and --threads.
void add_model_options(CLI::App& command, ModelArguments& arguments);
void add_threads_option(CLI::App& command, int& threads);
// --image-size, wherever a checkpoint is taken.
void add_image_size_option(CLI::App& command, std::optional<int64_t>& image_size);

// Whether the file begins as a .samc module does. A folder is taken for an export, anything else for a checkpoint,
// whose reader says what it is.
Result<bool> is_module_file(const std::string& path);

// What decides what a compiled module holds: the model's files, config, precision, compiler. In hexadecimal.
Result<std::string> module_key(const ModelArguments& arguments);

// Loads it, after compiling where needed. Says on stderr what is wrong with the weights (NaN), if anything.
Result<std::shared_ptr<const Module>> open_model(const ModelArguments& arguments, Progress& progress);

}  // namespace samc
