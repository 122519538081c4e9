#pragma once
// --model DIR with bmodels in it, or --encoder and --decoder: a model that runs on Sophgo's chips or in their
// simulators.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/console.h"
#include "base/status.h"
#include "runtime/image_model.h"

namespace samc {

struct BmodelArguments {
  std::string encoder, decoder;
  std::string device = "auto";
  std::string tpu_mlir;
};

// Adds --encoder, --decoder, --device and --tpu-mlir. --model, which is there already, is no longer required.
void add_bmodel_options(CLI::App& command, BmodelArguments& arguments);

// Whether these name bmodels. An error where they contradict each other or name no model at all.
Result<bool> are_bmodels(const std::string& model, const BmodelArguments& arguments);

// progress must outlive the model. device: gets where it runs, for people.
Result<std::unique_ptr<ImageModel>> open_bmodels(const std::string& model, const BmodelArguments& arguments,
                                                 int threads, Progress& progress, std::string& device);

}  // namespace samc
