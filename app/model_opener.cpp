#include "app/model_opener.h"

#include <filesystem>

#include "base/files.h"
#include "package/reader.h"
#include "runtime/module_model.h"
#include "runtime/module_video_model.h"
#include "targets/sophgo/device/bmodel_video_model.h"
#include "targets/sophgo/device/manifest.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

bool has_manifest(const std::string& folder) {
  std::error_code error;
  return fs::exists(fs::path(folder) / sophgo::kManifestName, error);
}

void add_bmodel_options(CLI::App& command, BmodelArguments& arguments) {
  const char* group = "Bmodels";
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
  command
      .add_option("--device-timeout", arguments.timeout,
                  "Give the chip up when it does not answer for so long (60), or a run in the simulator when it takes "
                  "longer (any time)")
      ->check(CLI::Range(0.001, 1e6))
      ->type_name("SECONDS")
      ->group(group);
  add_tpu_mlir_option(command, arguments.tpu_mlir)->group(group);
}

// Where and how bmodels run. where: what options.waiting calls the place, known when they are open.
void set_device(const ModelArguments& arguments, Progress& progress, const std::shared_ptr<std::string>& where,
                sophgo::BmodelModelOptions& options) {
  options.device = arguments.bmodels.device;
  if (!arguments.bmodels.tpu_mlir.empty()) options.tpu_mlir = arguments.bmodels.tpu_mlir;
  options.threads = arguments.threads;
  options.seconds = arguments.bmodels.timeout;
  options.waiting = [&progress, where](const std::string& what, double seconds) {
    progress.show(fmt::format("{} in {} ... {:.0f} s", what, *where, seconds));
  };
}

Result<std::unique_ptr<ImageModel>> open_bmodels(const ModelArguments& arguments, Progress& progress,
                                                 std::string& device) {
  const std::string& model = arguments.model;
  sophgo::BmodelModelOptions options;
  options.encoder = arguments.bmodels.encoder;
  options.decoder = arguments.bmodels.decoder;
  if (!model.empty()) {
    SAMC_ASSIGN(const sophgo::BmodelManifest manifest, sophgo::read_manifest(model));
    options.encoder = manifest.encoder;
    options.decoder = manifest.decoder;
    options.info = manifest.info;
  }
  const auto where = std::make_shared<std::string>();
  set_device(arguments, progress, where, options);
  sophgo::BmodelDevice found;
  SAMC_ASSIGN(std::unique_ptr<ImageModel> result, sophgo::make_bmodel_model(options, &found));
  *where = device = found.description;
  return result;
}

Result<std::unique_ptr<VideoModel>> open_video_bmodels(const ModelArguments& arguments, Progress& progress) {
  if (arguments.model.empty())
    return usage_error("--encoder and --decoder are the image parts of a model, and cannot track objects",
                       "give --model DIR, a folder of samc deploy-all --video");
  SAMC_ASSIGN(const sophgo::BmodelManifest manifest, sophgo::read_manifest(arguments.model));
  if (!manifest.tracks())
    return unsupported(arguments.model + " holds the image parts of a model, and cannot track objects",
                       "make it with samc deploy-all --video, of a checkpoint");
  sophgo::BmodelVideoOptions options;
  options.encoder = manifest.encoder;
  options.decoder = manifest.decoder;
  options.memory_attention = manifest.memory_attention;
  options.memory_encoder = manifest.memory_encoder;
  options.heads = manifest.heads;
  options.info = manifest.info;
  const auto where = std::make_shared<std::string>();
  set_device(arguments, progress, where, options);
  sophgo::BmodelDevice found;
  SAMC_ASSIGN(std::unique_ptr<VideoModel> result, sophgo::make_bmodel_video_model(options, &found));
  *where = found.description;
  return result;
}

}  // namespace

CLI::Option* add_tpu_mlir_option(CLI::App& command, std::string& folder) {
  return command
      .add_option("--tpu-mlir", folder, "The unpacked tpu_mlir wheel; else TPUC_ROOT, else scripts/get-tpu-mlir's")
      ->type_name("FOLDER");
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads to compute with; 0: one for each core")
      ->check(CLI::Range(0, 1024))
      ->type_name("N");
}

void repeat_warnings(const std::string& model, const Module& module) {
  for (const auto& [name, text] : module.info().notes)
    if (name == "warning") warn(fmt::format("{}: {}", model, text));
}

Result<std::shared_ptr<const Module>> load_module(const std::string& path, int threads, Progress& progress) {
  progress.show(fmt::format("loading {} ...", path));
  LoadOptions options;
  options.threads = threads;
  SAMC_ASSIGN(std::shared_ptr<Module> module, Module::load(path, options));
  repeat_warnings(path, *module);
  return std::shared_ptr<const Module>(std::move(module));
}

Result<bool> are_bmodels(const ModelArguments& arguments) {
  const BmodelArguments& bmodels = arguments.bmodels;
  const std::string& model = arguments.model;
  const bool parts = !bmodels.encoder.empty() || !bmodels.decoder.empty();
  if (parts && (bmodels.encoder.empty() || bmodels.decoder.empty()))
    return usage_error("--encoder and --decoder belong together", "give both, or --model");
  if (parts && !model.empty()) return usage_error("--model beside --encoder and --decoder", "give one or the other");
  if (!parts && model.empty()) return usage_error("no model", "give --model, or --encoder and --decoder");
  const bool found = parts || has_manifest(model);
  if (!found && (bmodels.device != "auto" || !bmodels.tpu_mlir.empty() || bmodels.timeout.has_value()))
    return usage_error("--device, --device-timeout and --tpu-mlir are for bmodels, and " + model + " is none",
                       "samc deploy-all makes a folder of them");
  if (found && arguments.precision)
    return usage_error("--precision is for what computes on this processor, and not for bmodels",
                       "samc deploy-all chooses theirs");
  return found;
}

const char* ModelOpener::model_help() const {
  return "A compiled module (.samc), as samc compile writes it, or a folder of samc deploy-all";
}

void ModelOpener::add_module_options(CLI::App& command, ModelArguments& arguments) const {
  command.add_option("--model,-m", arguments.model, model_help())->type_name("FILE|DIR");
  add_more_options(command, arguments);
  add_threads_option(command, arguments.threads);
}

void ModelOpener::add_options(CLI::App& command, ModelArguments& arguments) const {
  add_module_options(command, arguments);
  add_bmodel_options(command, arguments.bmodels);
}

std::vector<std::string> ModelOpener::files(const ModelArguments& arguments) const {
  if (is_folder(arguments.model)) return sophgo::manifest_files(arguments.model);
  return {arguments.bmodels.encoder, arguments.bmodels.decoder, arguments.model};
}

Result<std::unique_ptr<ImageModel>> ModelOpener::open(const ModelArguments& arguments, Progress& progress,
                                                      std::string& device) const {
  SAMC_ASSIGN(const bool bmodels, are_bmodels(arguments));
  if (bmodels) return open_bmodels(arguments, progress, device);
  SAMC_ASSIGN(std::shared_ptr<const Module> module, open_module(arguments, progress));
  return make_module_model(std::move(module), arguments.threads);
}

Result<std::unique_ptr<VideoModel>> ModelOpener::open_video(const ModelArguments& arguments, Progress& progress) const {
  SAMC_ASSIGN(const bool bmodels, are_bmodels(arguments));
  if (bmodels) return open_video_bmodels(arguments, progress);
  SAMC_ASSIGN(std::shared_ptr<const Module> module, open_video_module(arguments, progress));
  return make_video_model(std::move(module), arguments.threads);
}

Result<std::shared_ptr<const Module>> ModelOpener::open_video_module(const ModelArguments& arguments,
                                                                     Progress& progress) const {
  SAMC_ASSIGN(const bool bmodels, are_bmodels(arguments));
  if (bmodels)
    return unsupported("this command tracks with a module alone, and not with bmodels",
                       "give the checkpoint, or a module compiled from it; samc track takes bmodels");
  SAMC_ASSIGN(std::shared_ptr<const Module> module, open_module(arguments, progress));
  if (!module->info().video)
    return unsupported(
        arguments.model + " has no functions for video",
        "give the checkpoint (.pt), or a module compiled from one; ONNX exports and older modules have none");
  return module;
}

Result<std::shared_ptr<const Module>> ModelOpener::open_module(const ModelArguments& arguments,
                                                               Progress& progress) const {
  SAMC_ASSIGN(const bool is_module, is_module_file(arguments.model));
  if (!is_module)
    return invalid_input(arguments.model + " is no compiled module", "samc compile makes one, on any machine");
  return load_module(arguments.model, arguments.threads, progress);
}

}  // namespace samc
