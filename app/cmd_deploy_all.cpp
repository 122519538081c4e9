#include <filesystem>
#include <memory>

#include "app/build_id.h"
#include "app/calibration.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/memory_arguments.h"
#include "app/model_files.h"
#include "app/model_parts.h"
#include "app/model_source.h"
#include "app/output_guard.h"
#include "app/score_calibration.h"
#include "base/stopwatch.h"
#include "base/temporary.h"
#include "targets/cpu/compile_model.h"
#include "targets/sophgo/device/manifest.h"
#include "targets/sophgo/tools/deploy.h"
#include "targets/sophgo/transform.h"

namespace samc {
namespace {

namespace fs = std::filesystem;
using namespace sophgo;

struct Arguments : SourceOptions {
  std::string folder, chip, quantize, tpu_mlir;
  int cores = 1;
  int64_t max_points = kDefaultMaxPoints;
  bool for_video = false;
  MemoryArguments memory;
  CalibrationArguments calibration;
};

// What INT8 was made by stays beside the bmodels.
constexpr const char* kCalibrationTableName = "calibration_table";
constexpr const char* kQuantizeTableName = "quantize_table";
// Of the parts that are not calibrated on images.
constexpr const char* kBesideInt8 = "F16";
constexpr const char* kHeadsName = "heads.samc";

std::string file_of(const Arguments& arguments, const char* name) {
  return (fs::path(arguments.folder) / name).string();
}

std::string bmodel_name(ModelPart part) { return std::string(part_name(part)) + ".bmodel"; }

std::span<const ModelPart> parts_of(const Arguments& arguments) {
  if (arguments.for_video) return kVideoParts;
  return kImageParts;
}

Result<DeployReport> deploy_part(const Arguments& arguments, const PartFile& part, const std::string& quantize,
                                 bool calibrated, Progress& progress) {
  DeployOptions options;
  options.mlir = part.mlir;
  if (calibrated) {
    options.calibration_table = file_of(arguments, kCalibrationTableName);
    options.quantize_table = file_of(arguments, kQuantizeTableName);
  }
  options.chip = arguments.chip;
  options.quantize = quantize;
  options.cores = arguments.cores;
  options.output = file_of(arguments, (part.name + ".bmodel").c_str());
  if (!arguments.tpu_mlir.empty()) options.tpu_mlir = arguments.tpu_mlir;
  options.waiting = [&](double seconds) {
    progress.show(fmt::format("{}: tpuc-opt is compiling for {} ... {:.0f} s", part.name, arguments.chip, seconds));
  };
  return deploy(options);
}

// What is left for this processor when the parts are on the chip.
Status write_heads(const Arguments& arguments, const std::string& path) {
  CompileOptions options;
  static_cast<SourceOptions&>(options) = arguments;
  options.warn = {};  // said already
  options.build_id = build_id();
  options.only_video_heads = true;
  return compile_model(options, path).status();
}

// Scores of other images may be larger than those that were measured.
constexpr double kMargin = 2;

// The fastest form that this model's scores allow.
Result<MemoryForm> choose_form(const Arguments& arguments, const QuantizeEntry& mode,
                               const std::vector<std::string>& images, Progress& progress) {
  if (std::string_view(mode.name) == "F32") return MemoryForm::kMaximum;
  if (images.empty()) {
    say("memory attention in the form maximum, for scores of any size; --images measures whether the faster form "
        "serves\n");
    return MemoryForm::kMaximum;
  }
  SAMC_ASSIGN(const double largest, largest_score(arguments, images, arguments.calibration.threads, progress));
  progress.clear();
  const MemoryForm form = largest * kMargin <= kMostScore ? MemoryForm::kDealt : MemoryForm::kMaximum;
  say("scores of the memory attention are up to {:.1f} in magnitude: the form {} serves up to {:.1f}, so it is {}\n",
      largest, memory_form_name(MemoryForm::kDealt), kMostScore / kMargin, memory_form_name(form));
  return form;
}

Status check_arguments(const Arguments& arguments, const QuantizeEntry& mode) {
  if (!arguments.for_video && arguments.memory.is_given())
    return usage_error("--memory_form, --max_memories, --max_pointers and --exponentials are for --video",
                       "leave them out, or give --video");
  if (arguments.for_video && std::string_view(mode.name) == "F32" && arguments.memory.form == "dealt")
    return usage_error("--memory_form dealt is for 16 bits, and --quantize is F32", "give --memory_form maximum");
  return Status::ok();
}

Status deploy_all(const Arguments& arguments) {
  SAMC_ASSIGN(const ChipEntry* chip, find_chip(arguments.chip));
  SAMC_ASSIGN(const QuantizeEntry* mode, find_quantization(arguments.quantize));
  SAMC_TRY(check_arguments(arguments, *mode));
  if (mode->calibrated && arguments.calibration.images.empty())
    return usage_error("--quantize INT8 needs --images", "give a folder of images like those that the model will see");
  const bool measures = arguments.for_video && arguments.memory.form.empty();
  if (!mode->calibrated && !measures && !arguments.calibration.images.empty())
    return usage_error(fmt::format("--images is for INT8, and --quantize is {}", mode->name), "leave it out");
  if (const std::string warning = quantization_warning(*mode); !warning.empty()) warn(warning);
  OutputGuard guard;
  std::vector<std::string> images;
  if (!arguments.calibration.images.empty()) {
    SAMC_ASSIGN(images, calibration_images(arguments.calibration));
    for (const std::string& image : images) guard.add_input(image);
  }
  if (mode->calibrated) {
    for (const char* name : {kCalibrationTableName, kQuantizeTableName})
      guard.add_output("-o", file_of(arguments, name));
  }
  guard.add_inputs([&] { return model_files(arguments.model, arguments.config); });
  guard.add_output_folder("-o", arguments.folder);
  guard.add_output("-o", (fs::path(arguments.folder) / kManifestName).string());
  for (const ModelPart part : parts_of(arguments)) {
    const std::string bmodel = file_of(arguments, bmodel_name(part).c_str());
    guard.add_output("-o", bmodel);
    guard.add_output("-o", log_beside(bmodel));
  }
  if (arguments.for_video) guard.add_output("-o", file_of(arguments, kHeadsName));
  SAMC_TRY(guard.check());
  SAMC_ASSIGN(ModelSource opened, ModelSource::open(arguments, Format::kBmodels));
  const auto source = std::make_shared<const ModelSource>(std::move(opened));
  for (const std::string& warning : source->warnings()) warn(fmt::format("{}: {}", arguments.model, warning));
  Progress progress;
  Stopwatch watch;
  BmodelManifest manifest;
  manifest.info = source->info();
  manifest.chip = chip->name;
  manifest.quantize = mode->name;
  manifest.cores = arguments.cores;
  manifest.max_points = arguments.max_points;
  manifest.encoder = bmodel_name(ModelPart::kEncoder);
  manifest.decoder = bmodel_name(ModelPart::kDecoder);
  PartsOptions options{.max_points = arguments.max_points, .for_video = arguments.for_video};
  if (arguments.for_video) {
    SAMC_TRY(source->check_video());
    SAMC_ASSIGN(options.memory, arguments.memory.options());
    options.memory.cores = arguments.cores;
    if (arguments.memory.form.empty()) {
      SAMC_ASSIGN(options.memory.form, choose_form(arguments, *mode, images, progress));
    }
    manifest.memory_attention = bmodel_name(ModelPart::kMemoryAttention);
    manifest.memory_encoder = bmodel_name(ModelPart::kMemoryEncoder);
    manifest.heads = kHeadsName;
    manifest.memory_form = memory_form_name(options.memory.form);
  }
  std::error_code error;
  fs::create_directories(arguments.folder, error);
  if (error) return io_error(fmt::format("cannot make the folder {}: {}", arguments.folder, error.message()));
  SAMC_ASSIGN(const TemporaryFolder work, TemporaryFolder::beside((fs::path(arguments.folder) / "parts").string()));
  SAMC_ASSIGN(const std::vector<PartFile> parts, write_parts(source, options, work, progress));
  size_t calibrated_parts = 0;
  if (mode->calibrated) {
    // While tracking, the decoder takes what the memory attention gives, which single images do not show.
    calibrated_parts = arguments.for_video ? 1 : parts.size();
    const std::vector<PartFile> chosen(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(calibrated_parts));
    SAMC_ASSIGN(const CalibratedModel calibrated,
                calibrate_parts(chosen, images, arguments.calibration, true, progress));
    SAMC_TRY(write_calibration(calibrated, file_of(arguments, kCalibrationTableName),
                               file_of(arguments, kQuantizeTableName)));
    for (size_t i = 0; i < chosen.size(); ++i) print_mix(chosen[i].name, calibrated.mixes[i]);
    if (arguments.for_video) say("the other parts of tracking are compiled in {}\n", kBesideInt8);
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const PartFile& part = parts[i];
    const bool calibrated = i < calibrated_parts;
    SAMC_ASSIGN(const DeployReport report,
                deploy_part(arguments, part, mode->calibrated && !calibrated ? kBesideInt8 : arguments.quantize,
                            calibrated, progress));
    progress.clear();
    double milliseconds = 0;  // the cores work side by side
    for (const EngineEstimate& core : report.cores) milliseconds = std::max(milliseconds, core.milliseconds);
    say("{:<16} {:>10}, tpuc-opt took {:.1f} s and estimates {:.1f} ms\n", part.name,
        human_bytes(static_cast<double>(report.bytes)), report.seconds, milliseconds);
    SAMC_TRY(flush_output());
  }
  if (arguments.for_video) SAMC_TRY(write_heads(arguments, file_of(arguments, kHeadsName)));
  SAMC_TRY(write_manifest(manifest, arguments.folder));
  say("{}: {} for {} in {}, {} {}, prompts of up to {} points; {:.1f} s in all\n", arguments.folder, manifest.info.name,
      manifest.chip, manifest.quantize, manifest.cores, manifest.cores == 1 ? "core" : "cores", manifest.max_points,
      watch.lap() / 1e3);
  return Status::ok();
}

}  // namespace

Command add_deploy_all(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  CLI::App* command =
      parent.add_subcommand("deploy-all", "Compile a whole model to bmodels: transform and deploy of every part");
  command->add_option("model", a.model, "A PyTorch checkpoint (.pt), or a folder with encoder.onnx and decoder.onnx")
      ->required()
      ->type_name("MODEL");
  command->add_option("-o,--output", a.folder, "Gets encoder.bmodel, decoder.bmodel and samc_bmodels.json")
      ->required()
      ->type_name("DIR");
  command->add_option("--chip,--processor", a.chip, "bm1684x or bm1688")->required()->type_name("CHIP");
  command->add_option("--quantize", a.quantize, "F32, F16, BF16, INT8, W8F16, W8BF16, W4F16 or W4BF16")
      ->required()
      ->type_name("MODE");
  command
      ->add_option("--images", a.calibration.images,
                   "With INT8 and --video: images like those that the model will see, and folders; it is calibrated on "
                   "them. With --video best frames of a video")
      ->allow_extra_args(false)
      ->type_name("DIR|IMAGE");
  for (CLI::Option* option : add_calibration_options(*command, a.calibration)) option->group("Of INT8");
  command->add_option("--num_core", a.cores, "Cores to use: 1, on bm1688 1 or 2")->capture_default_str();
  command->add_option("--max_points", a.max_points, "Most points of a prompt, box corners and the pad point included")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--video", a.for_video,
                    "Of a checkpoint: what tracks objects through a video too, memory_attention.bmodel, "
                    "memory_encoder.bmodel and heads.samc");
  a.memory.add_to(*command);
  add_checkpoint_options(*command, a);
  add_tpu_mlir_option(*command, a.tpu_mlir);
  command->footer(
      "Example:\n  samc deploy-all sam2_hiera_tiny.pt --chip bm1688 --quantize F16 -o tiny_bm1688\n"
      "  samc segment truck.jpg --model tiny_bm1688 --point 500,375 -o overlay.png\n"
      "  samc deploy-all sam2_hiera_tiny.pt --chip bm1688 --quantize F16 --video -o tiny_bm1688\n"
      "  samc track clip.mp4 --model tiny_bm1688 --point 210,350 -o tracked.mp4");
  return [arguments] { return deploy_all(*arguments); };
}

}  // namespace samc
