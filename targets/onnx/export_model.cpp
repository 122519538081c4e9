#include "targets/onnx/export_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
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

Status build_encoder(const ModelSource& source, BuiltFunction& built) {
  GraphBuilder graph(*built.module, built.weights);
  SAMC_TRY(source.build_image_encoder(graph));
  return run_passes(*built.module, built.weights, top_pipeline(), {}).status();
}

Status build_decoder(const ModelSource& source, int64_t points, BuiltFunction& built) {
  GraphBuilder graph(*built.module, built.weights);
  SAMC_TRY(
      source.build(graph, [&](const auto& model) { return build_export_decoder(model, points, graph, kMaskDecoder); }));
  return run_passes(*built.module, built.weights, top_pipeline(), {}).status();
}

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
  SAMC_ASSIGN(const ModelSource source, ModelSource::open(options, Format::kOnnxExport));
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
    SAMC_TRY(build_encoder(source, encoder));
    SAMC_ASSIGN(const WrittenModel written, write_onnx({encoder.version()}, write, path_of(kEncoderOnnx)));
    files.push_back({path_of(kEncoderOnnx), written.nodes, written.bytes});
  }
  BuiltFunction first(context), second(context);
  SAMC_TRY(build_decoder(source, kVersions[0], first));
  SAMC_TRY(build_decoder(source, kVersions[1], second));
  SAMC_ASSIGN(const WrittenModel written,
              write_onnx({first.version(), second.version()}, write, path_of(kDecoderOnnx)));
  files.push_back({path_of(kDecoderOnnx), written.nodes, written.bytes});
  return files;
}

Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder) {
  return guarded_in_mlir([&] { return export_model_unguarded(options, folder); });
}

}  // namespace samc::onnx_target
