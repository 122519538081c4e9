#include "targets/onnx/export_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/build.h"
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

template <class Build>
Status build(const ModelConfig& config, const Checkpoint& checkpoint, BuiltFunction& built, const Build& build_into) {
  SAMC_TRY(add_image_weights(config, checkpoint, built.weights));
  GraphBuilder graph(*built.module, built.weights);
  SAMC_TRY(build_into(graph));
  Result<std::vector<PassTime>> times = run_passes(*built.module, built.weights, top_passes(), {});
  return times.is_ok() ? Status::ok() : times.status();
}

}  // namespace

Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder) {
  if (options.opset < kLeastOpset || options.opset > kGreatestOpset)
    return usage_error(fmt::format("--opset {}: samc writes {} to {}", options.opset, kLeastOpset, kGreatestOpset));
  SAMC_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(options.model));
  SAMC_ASSIGN(const Recognition recognition, find_model(options.model, tensor_specs(checkpoint), options.config));
  const ModelConfig& config = recognition.config;
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
    SAMC_TRY(
        build(config, checkpoint, encoder, [&](GraphBuilder& graph) { return build_image_encoder(config, graph); }));
    SAMC_ASSIGN(const WrittenModel written, write_onnx({encoder.version()}, write, path_of("encoder.onnx")));
    files.push_back({path_of("encoder.onnx"), written.nodes, written.bytes});
  }
  BuiltFunction first(context), second(context);
  BuiltFunction* const decoders[] = {&first, &second};
  for (size_t i = 0; i < 2; ++i)
    SAMC_TRY(build(config, checkpoint, *decoders[i], [&](GraphBuilder& graph) {
      return build_export_decoder(config, kVersions[i], graph, "mask_decoder");
    }));
  SAMC_ASSIGN(const WrittenModel written,
              write_onnx({first.version(), second.version()}, write, path_of("decoder.onnx")));
  files.push_back({path_of("decoder.onnx"), written.nodes, written.bytes});
  return files;
}

}  // namespace samc::onnx_target
