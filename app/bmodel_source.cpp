#include "app/bmodel_source.h"

#include <filesystem>

#include "app/sophgo_arguments.h"
#include "targets/sophgo/device/bmodel_model.h"
#include "targets/sophgo/device/manifest.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

bool has_manifest(const std::string& folder) {
  std::error_code error;
  return fs::exists(fs::path(folder) / sophgo::kManifestName, error);
}

}  // namespace

void add_bmodel_options(CLI::App& command, BmodelArguments& arguments) {
  const char* group = "Bmodels";
  command.get_option("--model")->required(false)->description(command.get_option("--model")->get_description() +
                                                              ", or a folder of samc deploy-all");
  command.add_option("--encoder", arguments.encoder, "An encoder's bmodel, instead of --model")
      ->type_name("FILE.bmodel")
      ->group(group);
  command.add_option("--decoder", arguments.decoder, "The decoder's, for the same chip")
      ->type_name("FILE.bmodel")
      ->group(group);
  command
      .add_option(
          "--device", arguments.device,
          "chip: Sophgo's, by the installed libsophon; sim: the simulator of TPU-MLIR's wheel; auto: the chip if "
          "there is one")
      ->type_name("DEVICE")
      ->capture_default_str()
      ->group(group);
  add_tpu_mlir_option(command, arguments.tpu_mlir)->group(group);
}

Result<bool> are_bmodels(const std::string& model, const BmodelArguments& arguments) {
  const bool parts = !arguments.encoder.empty() || !arguments.decoder.empty();
  if (parts && (arguments.encoder.empty() || arguments.decoder.empty()))
    return usage_error("--encoder and --decoder belong together", "give both, or --model");
  if (parts && !model.empty()) return usage_error("--model beside --encoder and --decoder", "give one or the other");
  if (!parts && model.empty()) return usage_error("no model", "give --model, or --encoder and --decoder");
  const bool found = parts || has_manifest(model);
  if (!found && (arguments.device != "auto" || !arguments.tpu_mlir.empty()))
    return usage_error("--device and --tpu-mlir are for bmodels, and " + model + " is none",
                       "samc deploy-all makes a folder of them");
  return found;
}

Result<std::unique_ptr<ImageModel>> open_bmodels(const std::string& model, const BmodelArguments& arguments,
                                                 int threads, Progress& progress, std::string& device) {
  sophgo::BmodelModelOptions options;
  options.encoder = arguments.encoder;
  options.decoder = arguments.decoder;
  if (!model.empty()) {
    SAMC_ASSIGN(const sophgo::BmodelManifest manifest, sophgo::read_manifest(model));
    options.encoder = manifest.encoder;
    options.decoder = manifest.decoder;
    options.info.name = manifest.model;
    options.info.encoder_id = manifest.encoder_id;
    options.info.dynamic_multimask_via_stability = manifest.dynamic_multimask_via_stability;
    options.info.stability_delta = static_cast<float>(manifest.stability_delta);
    options.info.stability_threshold = static_cast<float>(manifest.stability_threshold);
    options.info.mask_threshold = static_cast<float>(manifest.mask_threshold);
  }
  options.device = arguments.device;
  if (!arguments.tpu_mlir.empty()) options.tpu_mlir = arguments.tpu_mlir;
  options.threads = threads;
  const auto where = std::make_shared<std::string>();
  options.waiting = [&progress, where](const std::string& what, double seconds) {
    progress.show(fmt::format("{} in {} ... {:.0f} s", what, *where, seconds));
  };
  sophgo::BmodelDevice found;
  SAMC_ASSIGN(std::unique_ptr<ImageModel> result, sophgo::make_bmodel_model(options, &found));
  *where = device = found.description;
  return result;
}

}  // namespace samc
