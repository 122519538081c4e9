#include "targets/onnx/export_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/build.h"
#include "model/exported_model.h"
#include "model/recognise.h"
#include "passes/pipeline.h"
#include "targets/onnx/export_decoder.h"
#include "targets/onnx/write_onnx.h"

namespace samc::onnx_target {
namespace {

// The decoder is built at these numbers of points; what differs is the free dimension.
constexpr int64_t kVersions[] = {2, 3};

// One function after the target-independent passes, with weights of its own, so that two versions have equal names.
struct BuiltFunction {
  explicit BuiltFunction(mlir::MLIRContext& context)
      : module(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context))) {}
  mlir::OwningOpRef<mlir::ModuleOp> module;
  WeightStore weights;

  FunctionVersion version() { return {*module->getOps<mlir::func::FuncOp>().begin(), &weights}; }
};

// What both parts are built from.
struct Source {
  std::optional<Checkpoint> checkpoint;
  ModelConfig config;  // of the checkpoint
  std::optional<ExportedModel> exported;

  static Result<Source> open(const ExportOptions& options) {
    Source source;
    std::error_code error;
    if (std::filesystem::is_directory(options.model, error)) {
      SAMC_TRY(check_no_architecture(options.model, options.config, options.image_size));
      SAMC_ASSIGN(source.exported, ExportedModel::load(options.model));
      if (const std::string lost = lost_in_other_formats(*source.exported); !lost.empty() && options.warn)
        options.warn(lost);
      return source;
    }
    SAMC_ASSIGN(source.checkpoint, Checkpoint::open(options.model));
    SAMC_ASSIGN(Recognition recognition,
                find_model(options.model, tensor_specs(*source.checkpoint), options.config, options.image_size));
    for (const std::string& warning : {recognition.assumed, lost_in_other_formats(recognition.config)})
      if (!warning.empty() && options.warn) options.warn(warning);
    source.config = std::move(recognition.config);
    return source;
  }

  Status build_encoder(BuiltFunction& built) const {
    GraphBuilder graph(*built.module, built.weights);
    if (exported) {
      SAMC_TRY(samc::build_image_encoder(*exported, graph));
    } else {
      SAMC_TRY(add_image_weights(config, *checkpoint, built.weights));
      SAMC_TRY(samc::build_image_encoder(config, graph));
    }
    return run_top_passes(built);
  }
  Status build_decoder(int64_t points, BuiltFunction& built) const {
    GraphBuilder graph(*built.module, built.weights);
    if (exported) {
      SAMC_TRY(samc::build_export_decoder(*exported, points, graph));
    } else {
      SAMC_TRY(add_image_weights(config, *checkpoint, built.weights));
      SAMC_TRY(build_export_decoder(config, points, graph, "mask_decoder"));
    }
    return run_top_passes(built);
  }
  static Status run_top_passes(BuiltFunction& built) {
    return run_passes(*built.module, built.weights, top_pipeline(), {}).status();
  }
};

// Written over, the files that the model's weights are mapped from would be gone.
Status check_folder(const ExportOptions& options, const std::string& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(options.model, error) && std::filesystem::equivalent(options.model, folder, error))
    return usage_error(fmt::format("{} holds the model that is read", folder), "give another folder with -o");
  return Status::ok();
}

}  // namespace

static Result<std::vector<ExportedFile>> export_model_unguarded(const ExportOptions& options,
                                                                const std::string& folder) {
  if (options.opset < kLeastOpset || options.opset > kGreatestOpset)
    return usage_error(fmt::format("--opset {}: samc writes {} to {}", options.opset, kLeastOpset, kGreatestOpset));
  SAMC_TRY(check_folder(options, folder));
  SAMC_ASSIGN(const Source source, Source::open(options));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error(fmt::format("cannot make the folder {}: {}", folder, error.message()));

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  load_dialects(context);
  const auto path_of = [&](const char* name) { return (std::filesystem::path(folder) / name).string(); };
  WriteOptions write;
  write.opset = options.opset;
  std::vector<ExportedFile> files;
  {
    BuiltFunction encoder(context);
    SAMC_TRY(source.build_encoder(encoder));
    SAMC_ASSIGN(const WrittenModel written, write_onnx({encoder.version()}, write, path_of("encoder.onnx")));
    files.push_back({path_of("encoder.onnx"), written.nodes, written.bytes});
  }
  BuiltFunction first(context), second(context);
  SAMC_TRY(source.build_decoder(kVersions[0], first));
  SAMC_TRY(source.build_decoder(kVersions[1], second));
  SAMC_ASSIGN(const WrittenModel written,
              write_onnx({first.version(), second.version()}, write, path_of("decoder.onnx")));
  files.push_back({path_of("decoder.onnx"), written.nodes, written.bytes});
  return files;
}

Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder) {
  return guarded_in_mlir([&] { return export_model_unguarded(options, folder); });
}

}  // namespace samc::onnx_target
