#pragma once
// --model of the commands that run a model. This opens what can run as it is: a compiled module, or bmodels on a chip
// or in its simulator. `samc` also compiles what is neither (model_source.h); `samc-run` has this alone.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/console.h"
#include "base/precision.h"
#include "base/status.h"
#include "runtime/image_model.h"
#include "runtime/module.h"
#include "runtime/video_model.h"

namespace samc {

struct BmodelArguments {
  std::string encoder, decoder;
  std::string device = "auto";
  std::string tpu_mlir;
  std::optional<double> timeout;  // seconds
};

struct ModelArguments {
  std::string model;
  BmodelArguments bmodels;
  int threads = 0;
  // Of what is compiled on the spot:
  std::optional<std::string> config;
  std::optional<int64_t> image_size;
  std::optional<Precision> precision;  // nothing: f32; of a module: what it must compute in
  std::optional<std::string> state_dict;
  bool no_cache = false;
};

struct CompilePhase {
  const char* name;
  double milliseconds;
};

class ModelOpener {
 public:
  virtual ~ModelOpener() = default;

  // Adds --model, --encoder, --decoder, --device, --tpu-mlir, --threads, and what a derived opener has beside them.
  void add_options(CLI::App& command, ModelArguments& arguments) const;
  // The same without those of bmodels, for commands that run on this processor only.
  void add_module_options(CLI::App& command, ModelArguments& arguments) const;

  // The model, on stderr what there is to be said of its weights (NaN). device: gets where bmodels run, for people;
  // empty for this processor. progress must outlive the model.
  Result<std::unique_ptr<ImageModel>> open(const ModelArguments& arguments, Progress& progress,
                                           std::string& device) const;

  // The same for a model that tracks objects.
  Result<std::unique_ptr<VideoModel>> open_video(const ModelArguments& arguments, Progress& progress) const;
  // Its module, for several predictors: not of bmodels.
  Result<std::shared_ptr<const Module>> open_video_module(const ModelArguments& arguments, Progress& progress) const;

  // The files that the model is read from, for OutputGuard. What cannot be read is left out: open() says why.
  virtual std::vector<std::string> files(const ModelArguments& arguments) const;

  // For `bench`: how long compiling takes, where something is to be compiled.
  virtual Result<std::vector<CompilePhase>> time_compilation(const ModelArguments&, Progress&) const {
    return std::vector<CompilePhase>{};
  }

 protected:
  virtual const char* model_help() const;
  virtual void add_more_options(CLI::App&, ModelArguments&) const {}
  // Of what is no bmodel.
  virtual Result<std::shared_ptr<const Module>> open_module(const ModelArguments& arguments, Progress& progress) const;
};

void add_threads_option(CLI::App& command, int& threads);
// --tpu-mlir
CLI::Option* add_tpu_mlir_option(CLI::App& command, std::string& folder);

// Opens a module's file; repeats the warnings that it keeps from when it was compiled.
Result<std::shared_ptr<const Module>> load_module(const std::string& path, int threads, Progress& progress);
void repeat_warnings(const std::string& model, const Module& module);
// Whether the arguments name bmodels. An error where they contradict each other or name no model at all.
Result<bool> are_bmodels(const ModelArguments& arguments);

}  // namespace samc
