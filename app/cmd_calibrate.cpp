#include <filesystem>
#include <memory>

#include "app/bundled_model.h"
#include "app/calibration.h"
#include "app/commands.h"
#include "app/model_files.h"
#include "app/model_parts.h"
#include "app/model_source.h"
#include "app/output_guard.h"
#include "base/files.h"
#include "base/stopwatch.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

struct Arguments : SourceOptions {
  CalibrationArguments calibration;
  std::string table, quantize_table;
  int64_t max_points = sophgo::kDefaultMaxPoints;
  bool has_max_loss = false;
};

// The parts of a .mlir, or of a folder that holds some.
std::vector<PartFile> written_parts(const std::string& model) {
  if (model.ends_with(".mlir")) return {{"", model}};
  std::vector<PartFile> parts;
  std::error_code error;
  for (const sophgo::ModelPart part : kImageParts) {
    const std::string name = sophgo::part_name(part);
    if (const fs::path file = fs::path(model) / (name + ".mlir"); fs::exists(file, error))
      parts.push_back({name, file.string()});
  }
  return parts;
}

Status run_calibrate(const Arguments& arguments) {
  if (arguments.has_max_loss && arguments.quantize_table.empty())
    return usage_error("--max-loss decides what a quantize table holds", "give --quantize_table FILE too");
  OutputGuard guard;
  SAMC_ASSIGN(const std::vector<std::string> images, calibration_images(arguments.calibration));
  for (const std::string& image : images) guard.add_input(image);
  std::vector<PartFile> parts = written_parts(arguments.model);
  for (const PartFile& part : parts) guard.add_inputs([&part] { return model_files(part.mlir); });
  guard.add_inputs([&] { return model_files(arguments.model, arguments.config); });
  guard.add_output("-o", arguments.table);
  guard.add_output("--quantize_table", arguments.quantize_table);
  SAMC_TRY(guard.check());
  Progress progress;
  Stopwatch watch;
  std::optional<TemporaryFolder> work;
  if (parts.empty()) {
    SAMC_ASSIGN(ModelSource opened, ModelSource::open(arguments, Format::kBmodels));
    const auto source = std::make_shared<const ModelSource>(std::move(opened));
    for (const std::string& warning : source->warnings()) warn(fmt::format("{}: {}", arguments.model, warning));
    SAMC_ASSIGN(TemporaryFolder folder, TemporaryFolder::beside(arguments.table));
    work.emplace(std::move(folder));
    SAMC_ASSIGN(parts, write_parts(source, {.max_points = arguments.max_points}, *work, progress));
  }
  SAMC_ASSIGN(const CalibratedModel model,
              calibrate_parts(parts, images, arguments.calibration, !arguments.quantize_table.empty(), progress));
  SAMC_TRY(write_calibration(model, arguments.table, arguments.quantize_table));
  for (size_t i = 0; i < model.mixes.size(); ++i) print_mix(parts[i].name, model.mixes[i]);
  size_t lines = 0;
  for (const auto& part : model.calibration) lines += part.lines.size();
  say("{}: {} values of {} {}, {} images, {:.1f} s\n", arguments.table, lines, parts.size(),
      parts.size() == 1 ? "part" : "parts", images.size(), watch.lap() / 1e3);
  return Status::ok();
}

}  // namespace

Command add_calibrate(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  CLI::App* command = parent.add_subcommand(
      "calibrate", "Find what INT8 on Sophgo's chips needs to know of a model: how large its values get on images");
  command
      ->add_option("model", a.model,
                   "A PyTorch checkpoint (.pt), a folder with encoder.onnx and decoder.onnx, one with encoder.mlir and "
                   "decoder.mlir, or an encoder's .mlir")
      ->required()
      ->type_name("MODEL")
      ->transform(bundled_model());
  command->add_option("--images", a.calibration.images, "Images like those that the model will see, and folders")
      ->required()
      ->allow_extra_args(false)
      ->type_name("DIR|IMAGE");
  command->add_option("-o,--output", a.table, "Gets the calibration table: NAME THRESHOLD MIN MAX")
      ->required()
      ->type_name("TABLE");
  command
      ->add_option("--quantize_table", a.quantize_table,
                   "Gets the ops that are to stay in 16 bits: NAME MODE. They are found by measuring, which takes time")
      ->type_name("TABLE");
  CLI::Option* max_loss = nullptr;
  for (CLI::Option* option : add_calibration_options(*command, a.calibration))
    if (option->check_lname("max-loss")) max_loss = option;
  command->add_option("--max_points", a.max_points, "Of the decoder, as for deploy-all")
      ->type_name("N")
      ->capture_default_str();
  add_checkpoint_options(*command, a);
  command->footer(
      "Example:\n  samc transform --model_def sam2_hiera_tiny.pt --part encoder --model_name tiny --mlir tiny.mlir "
      "\\\n"
      "    --mean 123.675,116.28,103.53 --scale 0.01712475,0.017507,0.01742919 --pixel_format rgb\n"
      "  samc calibrate tiny.mlir --images photos/ -o tiny.cali --quantize_table tiny.modes\n"
      "  samc deploy --mlir tiny.mlir --chip bm1688 --quantize INT8 --calibration_table tiny.cali --quantize_table "
      "tiny.modes \\\n    --model tiny.bmodel");
  return [arguments, max_loss] {
    arguments->has_max_loss = max_loss->count() > 0;
    return run_calibrate(*arguments);
  };
}

}  // namespace samc
