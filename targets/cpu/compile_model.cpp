#include "targets/cpu/compile_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <span>

#include "base/check.h"
#include "base/limits.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "checkpoint/checkpoint.h"
#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/build.h"
#include "model/exported_model.h"
#include "model/identity.h"
#include "model/recognise.h"
#include "package/arena.h"
#include "package/decoder_parts.h"
#include "package/writer.h"
#include "targets/cpu/cpu_dialect.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/split_function.h"
#include "targets/cpu/write_plan.h"

namespace samc {
namespace {

// The decoder is compiled at these numbers of points: two fix the affine sizes, the third proves them. For a few points
// some attention is faster in another way (absorb_for_few_tokens.cpp), so it is compiled twice. The last witness is the
// greatest number that its function takes: by it passes decide what pays for many points.
constexpr int64_t kMostPoints = kMostPromptPoints + 1;  // and the padding point
constexpr int64_t kWitnesses[] = {12, 13, kMostPoints};
constexpr int64_t kMostFewPoints = 4;
constexpr int64_t kFewPointsWitnesses[] = {2, 3, kMostFewPoints};

std::string witness_name(int64_t points) { return fmt::format("mask_decoder_{}_points", points); }

// Everything that must live as long as the IR: weights borrow from the mapped model files.
struct Compilation {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::optional<Checkpoint> checkpoint;
  std::optional<ExportedModel> exported;
  WeightStore weights;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelInfo info;  // what is known of the model before its plan
  CompileReport report;
};

// The functions of model/README.md out of either kind of model.
template <class Model>
Status build_functions(const Model& model, mlir::ModuleOp module, GraphBuilder& graph) {
  SAMC_TRY(build_image_encoder(model, graph));
  SAMC_TRY(build_mask_encoder(model, graph));
  SAMC_TRY(build_no_mask(model, graph));
  for (const auto& [group, witnesses] : {std::pair{kDecoderFewPoints, std::span<const int64_t>(kFewPointsWitnesses)},
                                         {kMaskDecoder, std::span<const int64_t>(kWitnesses)}})
    for (const int64_t points : witnesses) {
      SAMC_TRY(build_mask_decoder(model, points, graph, witness_name(points)));
      auto function = module.lookupSymbol<mlir::func::FuncOp>(witness_name(points));
      function->setAttr(cpu::kWitnessOf, mlir::StringAttr::get(module.getContext(), llvm::StringRef(group)));
    }
  return Status::ok();
}

Status build_from_checkpoint(const CompileOptions& options, Compilation& work, GraphBuilder& graph) {
  Stopwatch watch;
  SAMC_ASSIGN(work.checkpoint, Checkpoint::open(options.model));
  const Checkpoint& checkpoint = *work.checkpoint;
  SAMC_ASSIGN(Recognition recognition,
              find_model(options.model, tensor_specs(checkpoint), options.config, options.image_size));
  SAMC_ASSIGN(const std::vector<NonFiniteTensor> non_finite, checkpoint.find_non_finite(3));
  for (const NonFiniteTensor& tensor : non_finite)
    work.report.warnings.push_back(
        fmt::format("{} holds {} NaN and {} infinite values", tensor.name, tensor.nan_count, tensor.infinity_count));
  if (!recognition.assumed.empty()) work.report.warnings.push_back(recognition.assumed);
  const MaskDecoderConfig& decoder = recognition.config.mask_decoder;
  work.info.image_size = recognition.config.image_size;
  work.info.dynamic_multimask_via_stability = decoder.dynamic_multimask_via_stability;
  work.info.stability_delta = static_cast<float>(decoder.dynamic_multimask_stability_delta);
  work.info.stability_threshold = static_cast<float>(decoder.dynamic_multimask_stability_thresh);
  SAMC_ASSIGN(work.info.encoder_id, encoder_identity(recognition.config, checkpoint));
  work.report.model_name = recognition.config.name;
  work.report.why = recognition.why;
  work.report.read_milliseconds = watch.lap();
  SAMC_TRY(add_image_weights(recognition.config, checkpoint, work.weights));
  SAMC_TRY(build_functions(recognition.config, *work.module, graph));
  work.report.build_milliseconds = watch.lap();
  return Status::ok();
}

Status build_from_export(const CompileOptions& options, Compilation& work, GraphBuilder& graph) {
  Stopwatch watch;
  SAMC_TRY(check_no_architecture(options.model, options.config, options.image_size));
  SAMC_ASSIGN(work.exported, ExportedModel::load(options.model));
  work.report.warnings = work.exported->non_finite_weights();
  work.info.image_size = work.exported->image_size;
  work.info.mask_threshold = static_cast<float>(work.exported->cuts.mask_threshold);
  SAMC_ASSIGN(work.info.encoder_id, work.exported->encoder_identity());
  work.report.model_name = work.exported->name;
  work.report.why = work.exported->description();
  work.report.read_milliseconds = watch.lap();
  SAMC_TRY(build_functions(*work.exported, *work.module, graph));
  work.report.build_milliseconds = watch.lap();
  return Status::ok();
}

Status build(const CompileOptions& options, Compilation& work) {
  if (options.precision != "f32")
    return unsupported(fmt::format("precision {} is not supported on the CPU", options.precision), "use f32");
  if (options.model.ends_with(".onnx"))
    return invalid_input(options.model + " is one part of a model",
                         "give the folder that holds encoder.onnx and decoder.onnx");
  load_dialects(work.context);
  work.context.loadDialect<cpu::CpuDialect>();
  work.module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&work.context));
  GraphBuilder graph(*work.module, work.weights);
  if (std::filesystem::is_directory(options.model))
    SAMC_TRY(build_from_export(options, work, graph));
  else
    SAMC_TRY(build_from_checkpoint(options, work, graph));

  Stopwatch watch;
  PipelineOptions pipeline;
  pipeline.disabled = options.disabled_passes;
  pipeline.until = options.until;
  SAMC_ASSIGN(work.report.passes, run_passes(*work.module, work.weights, cpu_pipeline(), pipeline));
  work.report.pass_milliseconds = watch.lap();
  return Status::ok();
}

using Witnesses = std::vector<std::pair<int64_t, PlanFunction>>;

// The function at each of these numbers of points, taken out of functions.
Witnesses take_witnesses(std::span<const int64_t> numbers, std::vector<PlanFunction>& functions) {
  Witnesses witnesses;
  for (const int64_t points : numbers) {
    const auto found = std::ranges::find(functions, witness_name(points), &PlanFunction::name);
    SAMC_CHECK(found != functions.end(), "no {}", witness_name(points));
    witnesses.emplace_back(points, std::move(*found));
    functions.erase(found);
  }
  return witnesses;
}

bool same_kernels(const PlanFunction& a, const PlanFunction& b) {
  return std::ranges::equal(a.operations, b.operations, {}, &Operation::kernel, &Operation::kernel);
}

// The mask decoder whole and in parts (package/decoder_parts.h).
Result<std::vector<PlanFunction>> write_decoder(const Witnesses& witnesses, const Witnesses& few_points_witnesses) {
  const auto parts_for = [](std::string_view prompt) {
    return std::vector<cpu::FunctionPart>{
        {std::string(kDecoderPicture), {"image_embed", "high_res_feats_0", "high_res_feats_1"}},
        {std::string(kDecoderDense), {"dense_embed"}},
        {std::string(prompt), {}}};
  };
  SAMC_ASSIGN(const PlanFunction few_whole,
              cpu::merge_witnesses(few_points_witnesses, std::string(kDecoderFewPoints), 0, kMostFewPoints));
  PlanFunction few_points = cpu::split_function(few_whole, parts_for(kDecoderFewPoints)).back();
  // Most prompts have a few points: the first two parts compute what these read.
  std::set<std::string> read;
  for (const int32_t input : few_points.inputs) read.insert(few_points.values[static_cast<size_t>(input)].name);

  std::vector<PlanFunction> functions;
  SAMC_ASSIGN(PlanFunction whole, cpu::merge_witnesses(witnesses, std::string(kMaskDecoder), 0, kMostPoints));
  std::vector<PlanFunction> parts = cpu::split_function(whole, parts_for(kDecoderPrompt), read);
  functions.push_back(std::move(whole));
  std::set<std::string> given{"point_coords", "point_labels"};
  for (const PlanFunction& part : parts)
    for (const int32_t output : part.outputs) given.insert(part.values[static_cast<size_t>(output)].name);
  SAMC_CHECK(std::ranges::includes(given, read), "{} reads what no part before it gives", kDecoderFewPoints);
  const bool is_another_way = !same_kernels(few_points, parts.back());
  std::ranges::move(parts, std::back_inserter(functions));
  if (is_another_way) functions.push_back(std::move(few_points));
  return functions;
}

Result<PlanModule> write_plan(const CompileOptions& options, Compilation& work) {
  PlanModule plan;
  cpu::WeightTable weights(work.weights);
  for (auto function : work.module->getOps<mlir::func::FuncOp>()) {
    SAMC_ASSIGN(PlanFunction written, cpu::write_function(function, weights));
    plan.functions.push_back(std::move(written));
  }
  const Witnesses few_points = take_witnesses(kFewPointsWitnesses, plan.functions);
  SAMC_ASSIGN(std::vector<PlanFunction> decoder, write_decoder(take_witnesses(kWitnesses, plan.functions), few_points));
  std::ranges::move(decoder, std::back_inserter(plan.functions));
  plan.weights = weights.take();
  plan.info = work.info;
  plan.info.name = work.report.model_name;
  plan.info.build_id = options.build_id;
  plan.info.notes = {{"precision", options.precision},
                     {"recognised", printable(work.report.why)}};  // paths may hold anything
  // Kept, so that a module from the cache warns as its checkpoint did.
  if (!options.key.empty()) plan.info.notes.emplace_back(kKeyNote, options.key);
  for (const std::string& warning : work.report.warnings) plan.info.notes.emplace_back("warning", printable(warning));
  for (const WeightData& weight : plan.weights) work.report.weight_bytes += static_cast<int64_t>(weight.bytes.size());
  for (const PlanFunction& function : plan.functions)
    work.report.arena_bytes.emplace_back(function.name,
                                         plan_arena(function, function.greatest_points > 0 ? 2 : 0).bytes);
  return plan;
}

}  // namespace

static Result<CompileReport> compile_model_unguarded(const CompileOptions& options, const std::string& output) {
  Compilation work;
  SAMC_TRY(build(options, work));
  Stopwatch watch;
  SAMC_ASSIGN(const PlanModule plan, write_plan(options, work));
  work.report.plan_milliseconds = watch.lap();
  SAMC_TRY(write_module(plan, output));
  work.report.write_milliseconds = watch.lap();
  return std::move(work.report);
}

Result<CompileReport> compile_model(const CompileOptions& options, const std::string& output) {
  return guarded_in_mlir([&] { return compile_model_unguarded(options, output); });
}

static Result<std::string> compile_to_text_unguarded(const CompileOptions& options) {
  Compilation work;
  SAMC_TRY(build(options, work));
  std::string text;
  llvm::raw_string_ostream stream(text);
  work.module->print(stream, mlir::OpPrintingFlags().printGenericOpForm().enableDebugInfo(true, false));
  return text;
}

Result<std::string> compile_to_text(const CompileOptions& options) {
  return guarded_in_mlir([&] { return compile_to_text_unguarded(options); });
}

}  // namespace samc
