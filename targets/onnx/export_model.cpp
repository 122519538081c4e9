#include "targets/onnx/export_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/build_video.h"
#include "passes/pipeline.h"
#include "targets/onnx/export_decoder.h"
#include "targets/onnx/video_metadata.h"
#include "targets/onnx/write_onnx.h"

namespace samc::onnx_target {
namespace {

// One function after the target-independent passes, with weights of its own, so that two versions have equal names.
struct BuiltFunction {
  explicit BuiltFunction(mlir::MLIRContext& context)
      : module(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context))) {}
  mlir::OwningOpRef<mlir::ModuleOp> module;
  WeightStore weights;

  FunctionVersion version() { return {*module->getOps<mlir::func::FuncOp>().begin(), &weights}; }
};

// Adds the function with these free numbers.
using Build = std::function<Status(GraphBuilder& graph, const std::vector<int64_t>& numbers)>;

struct File {
  std::string name;
  Build build;
  std::vector<FreeNumber> free = {};
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

std::vector<File> image_files(const ModelSource& source, bool for_video) {
  const Build encoder = [&source, for_video](GraphBuilder& graph, const std::vector<int64_t>&) {
    if (!for_video) return source.build_image_encoder(graph);
    return source.build_of_config(
        graph, [&](const ModelConfig& config) { return build_image_encoder(config, graph, kImageEncoder, true); });
  };
  const Build decoder = [&source, for_video](GraphBuilder& graph, const std::vector<int64_t>& numbers) {
    if (!for_video)
      return source.build(
          graph, [&](const auto& model) { return build_export_decoder(model, numbers[0], graph, kMaskDecoder); });
    return source.build_of_config(graph, [&](const ModelConfig& config) {
      return build_export_decoder(config, numbers[0], graph, kMaskDecoder, true);
    });
  };
  return {{kEncoderOnnx, encoder}, {kDecoderOnnx, decoder, {{"num_points", 2}}}};
}

std::vector<File> video_files(const ModelSource& source) {
  using Function = Status (*)(const ModelConfig&, GraphBuilder&, const std::string&);
  const auto fixed = [&source](Function function, const char* name) -> Build {
    return [&source, function, name](GraphBuilder& graph, const std::vector<int64_t>&) {
      return source.build_of_config(graph, [&](const ModelConfig& config) { return function(config, graph, name); });
    };
  };
  const Build attention = [&source](GraphBuilder& graph, const std::vector<int64_t>& numbers) {
    return source.build_of_config(graph, [&](const ModelConfig& config) {
      return build_memory_attention(config, numbers[0], numbers[1], graph);
    });
  };
  return {{kMemoryAttentionOnnx, attention, {{kMemories, 2}, {kPointers, 2}}, video_metadata(source.info())},
          {kMemoryEncoderOnnx, fixed(build_memory_encoder, kMemoryEncoder)},
          {kObjectPointerOnnx, fixed(build_object_pointer, kObjectPointer)},
          {kMaskDownsampleOnnx, fixed(build_mask_downsample, kMaskDownsample)}};
}

Result<WrittenModel> write(const File& file, int64_t opset, FileWriter& writer, mlir::MLIRContext& context) {
  std::vector<std::unique_ptr<BuiltFunction>> built;
  std::vector<FunctionVersion> versions;
  for (size_t version = 0; version <= file.free.size(); ++version) {
    std::vector<int64_t> numbers;
    for (const FreeNumber& number : file.free) numbers.push_back(number.first);
    if (version > 0) ++numbers[version - 1];
    BuiltFunction& function = *built.emplace_back(std::make_unique<BuiltFunction>(context));
    GraphBuilder graph(*function.module, function.weights);
    SAMC_TRY(file.build(graph, numbers));
    SAMC_TRY(run_passes(*function.module, function.weights, top_pipeline(), {}).status());
    versions.push_back(function.version());
  }
  return write_onnx(versions, {.opset = opset, .free = file.free, .metadata = file.metadata}, writer);
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
  if (options.for_video) SAMC_TRY(source.check_video());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error(fmt::format("cannot make the folder {}: {}", folder, error.message()));

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  load_dialects(context);
  std::vector<File> files = image_files(source, options.for_video);
  if (options.for_video) std::ranges::move(video_files(source), std::back_inserter(files));
  // All are renamed when the last is written: an export that fails leaves an older one whole, and none of two minds.
  std::vector<ExportedFile> exported;
  std::vector<FileWriter> writers;
  for (const File& file : files) {
    const std::string path = (std::filesystem::path(folder) / file.name).string();
    SAMC_ASSIGN(FileWriter writer, FileWriter::create(path));
    SAMC_ASSIGN(const WrittenModel written, write(file, options.opset, writer, context));
    exported.push_back({path, written.nodes, written.bytes});
    writers.push_back(std::move(writer));
  }
  for (FileWriter& writer : writers) SAMC_TRY(writer.commit());
  return exported;
}

std::vector<std::string> exported_files(bool for_video) {
  std::vector<std::string> names = {kEncoderOnnx, kDecoderOnnx};
  if (for_video)
    for (const char* name : {kMemoryAttentionOnnx, kMemoryEncoderOnnx, kObjectPointerOnnx, kMaskDownsampleOnnx})
      names.emplace_back(name);
  return names;
}

Result<std::vector<ExportedFile>> export_model(const ExportOptions& options, const std::string& folder) {
  return guarded_in_mlir([&] { return export_model_unguarded(options, folder); });
}

}  // namespace samc::onnx_target
