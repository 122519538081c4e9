#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "app/bundled_model.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/model_files.h"
#include "app/model_source.h"
#include "app/output_guard.h"
#include "base/stopwatch.h"
#include "targets/onnx/export_model.h"

namespace samc {
namespace {

struct Arguments {
  onnx_target::ExportOptions options;
  std::string folder;
};

Status export_to(const Arguments& arguments) {
  Stopwatch watch;
  OutputGuard guard;
  guard.add_inputs([&] { return model_files(arguments.options.model, arguments.options.config); });
  guard.add_output_folder("-o", arguments.folder);
  for (const std::string& part : onnx_target::exported_files(arguments.options.for_video))
    guard.add_output("-o", (std::filesystem::path(arguments.folder) / part).string());
  SAMC_TRY(guard.check());
  Progress progress;
  progress.show("exporting " + arguments.options.model + " ...");
  onnx_target::ExportOptions options = arguments.options;
  options.warn = [&](const std::string& warning) {
    progress.clear();
    warn(fmt::format("{}: {}", options.model, warning));
  };
  SAMC_ASSIGN(const auto files, onnx_target::export_model(options, arguments.folder));
  progress.clear();
  for (const onnx_target::ExportedFile& file : files)
    say("{}: opset {}, {} nodes, {}\n", file.path, arguments.options.opset, file.nodes,
        human_bytes(static_cast<double>(file.bytes)));
  say("{:.2f} s in all\n", watch.lap() / 1e3);
  return Status::ok();
}

}  // namespace

Command add_export(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("export", "Write a model as encoder.onnx and decoder.onnx");
  command
      ->add_option("model", arguments->options.model,
                   "A PyTorch checkpoint (.pt), or a folder with encoder.onnx and decoder.onnx, which it rewrites "
                   "without shape arithmetic and control flow")
      ->required()
      ->type_name("MODEL")
      ->transform(bundled_model());
  command->add_option("-o,--output", arguments->folder, "Where the files go")->required()->type_name("DIR");
  command->add_option("--opset", arguments->options.opset, "Of ONNX, 13 to 20")->capture_default_str();
  command->add_flag("--video", arguments->options.for_video,
                    "What tracks objects through a video too, from a checkpoint: memory_attention.onnx, "
                    "memory_encoder.onnx, object_pointer.onnx and mask_downsample.onnx, and more outputs of the two "
                    "(docs/onnx_video.md)");
  add_checkpoint_options(*command, arguments->options);
  command->footer(
      "Inputs and outputs are called as in samexporter's files, whose own tools run these too; one prompt, any number "
      "of\n"
      "points, no shape arithmetic and no control flow.\nExample:\n  samc export sam2_hiera_tiny.pt -o exported/\n"
      "  samc export sam2_hiera_tiny.pt -o exported/ --video");
  return [arguments] { return export_to(*arguments); };
}

}  // namespace samc
