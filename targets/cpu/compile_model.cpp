#include "targets/cpu/compile_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <span>

#include "base/check.h"
#include "base/limits.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/build_video.h"
#include "model/source.h"
#include "package/arena.h"
#include "package/model_names.h"
#include "package/writer.h"
#include "targets/cpu/cpu_dialect.h"
#include "targets/cpu/order_operations.h"
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

// The memory attention, likewise: the first three fix its two sizes, the fourth proves them.
constexpr int64_t kMostMemories = 256;  // 1.1 GB of keys in the official models
constexpr int64_t kMostPointers = 512;
struct MemorySizes {
  int64_t memories;
  int64_t pointers;
};
constexpr MemorySizes kMemoryWitnesses[] = {{2, 2}, {3, 2}, {2, 3}, {7, 16}};

std::string witness_name(const MemorySizes& sizes) {
  return fmt::format("{}_{}_memories_{}_pointers", kMemoryAttention, sizes.memories, sizes.pointers);
}

// Everything that must live as long as the IR: weights borrow from the mapped model files.
struct Compilation {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::optional<ModelSource> source;
  WeightStore weights;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelInfo info;  // what is known of the model before its plan
  CompileReport report;
};

void set_witness_of(mlir::ModuleOp module, const std::string& name, const char* group) {
  auto function = module.lookupSymbol<mlir::func::FuncOp>(name);
  function->setAttr(cpu::kWitnessOf, mlir::StringAttr::get(module.getContext(), llvm::StringRef(group)));
}

// What tracks objects through a video.
Status build_video_functions(const ModelConfig& config, mlir::ModuleOp module, GraphBuilder& graph) {
  SAMC_TRY(build_image_encoder(config, graph, kImageEncoder, true));
  SAMC_TRY(build_memory_encoder(config, graph));
  SAMC_TRY(build_object_pointer(config, graph));
  SAMC_TRY(build_mask_downsample(config, graph));
  for (const MemorySizes& sizes : kMemoryWitnesses) {
    SAMC_TRY(build_memory_attention(config, sizes.memories, sizes.pointers, graph, witness_name(sizes)));
    set_witness_of(module, witness_name(sizes), kMemoryAttention);
  }
  return Status::ok();
}

Status build_video_heads(const ModelSource& source, GraphBuilder& graph) {
  SAMC_TRY(source.check_video());
  return source.build_of_config(graph, [&](const ModelConfig& config) {
    SAMC_TRY(build_object_pointer(config, graph));
    return build_mask_downsample(config, graph);
  });
}

// The functions of model/README.md.
Status build_functions(const ModelSource& source, mlir::ModuleOp module, GraphBuilder& graph) {
  if (source.info().video.has_value())
    SAMC_TRY(source.build_of_config(
        graph, [&](const ModelConfig& config) { return build_video_functions(config, module, graph); }));
  else
    SAMC_TRY(source.build_image_encoder(graph));
  SAMC_TRY(source.build_mask_encoder(graph));
  SAMC_TRY(source.build_no_mask(graph));
  for (const auto& [group, witnesses] : {std::pair{kDecoderFewPoints, std::span<const int64_t>(kFewPointsWitnesses)},
                                         {kMaskDecoder, std::span<const int64_t>(kWitnesses)}})
    for (const int64_t points : witnesses) {
      SAMC_TRY(source.build_mask_decoder(points, graph, witness_name(points)));
      set_witness_of(module, witness_name(points), group);
    }
  return Status::ok();
}

Status build(const CompileOptions& options, Compilation& work) {
  Stopwatch watch;
  SAMC_ASSIGN(work.source, ModelSource::open(options, Format::kModule));
  work.info = work.source->info();
  work.report.model_name = work.info.name;
  work.report.why = work.source->why();
  work.report.warnings = work.source->warnings();
  work.report.read_milliseconds = watch.lap();
  load_dialects(work.context);
  work.context.loadDialect<cpu::CpuDialect>();
  work.module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&work.context));
  GraphBuilder graph(*work.module, work.weights);
  SAMC_TRY(options.only_video_heads ? build_video_heads(*work.source, graph)
                                    : build_functions(*work.source, *work.module, graph));
  work.report.build_milliseconds = watch.lap();
  if (options.precision != Precision::kF32)
    (*work.module)->setAttr(cpu::kPrecision, mlir::StringAttr::get(&work.context, precision_name(options.precision)));
  PipelineOptions pipeline;
  pipeline.disabled = options.disabled_passes;
  pipeline.until = options.until;
  SAMC_ASSIGN(work.report.passes, run_passes(*work.module, work.weights, cpu_pipeline(), pipeline));
  work.report.pass_milliseconds = watch.lap();
  return Status::ok();
}

using Witnesses = std::vector<cpu::Witness>;

PlanFunction take_function(const std::string& name, std::vector<PlanFunction>& functions) {
  const auto found = std::ranges::find(functions, name, &PlanFunction::name);
  SAMC_CHECK(found != functions.end(), "no {}", name);
  PlanFunction taken = std::move(*found);
  functions.erase(found);
  return taken;
}

// The function at each of these numbers of points, taken out of functions.
Witnesses take_witnesses(std::span<const int64_t> numbers, std::vector<PlanFunction>& functions) {
  Witnesses witnesses;
  for (const int64_t points : numbers) witnesses.push_back({{points}, take_function(witness_name(points), functions)});
  return witnesses;
}

// The memory attention whole and in parts, from its witnesses, which are taken out of functions.
Result<std::vector<PlanFunction>> write_memory_attention(std::vector<PlanFunction>& functions) {
  Witnesses witnesses;
  for (const MemorySizes& sizes : kMemoryWitnesses)
    witnesses.push_back({{sizes.memories, sizes.pointers}, take_function(witness_name(sizes), functions)});
  SAMC_ASSIGN(PlanFunction whole, cpu::merge_witnesses(witnesses, std::string(kMemoryAttention),
                                                       {{kMemories, 1, kMostMemories}, {kPointers, 0, kMostPointers}}));
  const std::vector<cpu::FunctionPart> parts = {{std::string(kMemoryAttentionFrame), {kVisionFeatures}},
                                                {std::string(kMemoryAttentionObject), {}}};
  std::vector<PlanFunction> written = cpu::split_function(whole, parts);
  written.insert(written.begin(), std::move(whole));
  return written;
}

bool same_kernels(const PlanFunction& a, const PlanFunction& b) {
  return std::ranges::equal(a.operations, b.operations, {}, &Operation::kernel, &Operation::kernel);
}

// The mask decoder whole and in parts (package/model_names.h).
Result<std::vector<PlanFunction>> write_decoder(const Witnesses& witnesses, const Witnesses& few_points_witnesses) {
  const auto parts_for = [](std::string_view prompt) {
    return std::vector<cpu::FunctionPart>{
        {std::string(kDecoderPicture), {"image_embed", "high_res_feats_0", "high_res_feats_1"}},
        {std::string(kDecoderDense), {"dense_embed"}},
        {std::string(prompt), {}}};
  };
  SAMC_ASSIGN(const PlanFunction few_whole, cpu::merge_witnesses(few_points_witnesses, std::string(kDecoderFewPoints),
                                                                 {{kPoints, 0, kMostFewPoints}}));
  PlanFunction few_points = cpu::split_function(few_whole, parts_for(kDecoderFewPoints)).back();
  // Most prompts have a few points: the first two parts compute what these read.
  std::set<std::string> read;
  for (const int32_t input : few_points.inputs) read.insert(few_points.values[static_cast<size_t>(input)].name);

  std::vector<PlanFunction> functions;
  SAMC_ASSIGN(PlanFunction whole,
              cpu::merge_witnesses(witnesses, std::string(kMaskDecoder), {{kPoints, 0, kMostPoints}}));
  std::vector<PlanFunction> parts = cpu::split_function(whole, parts_for(kDecoderPrompt), read);
  functions.push_back(std::move(whole));
  std::map<std::string, DType> given{{kPointCoords, DType::kF32}, {kPointLabels, DType::kF32}};
  for (const PlanFunction& part : parts)
    for (const int32_t output : part.outputs)
      given.emplace(part.values[static_cast<size_t>(output)].name, part.values[static_cast<size_t>(output)].dtype);
  // With passes switched off it may read what the early parts leave to the last one. Then that one serves all prompts.
  const bool is_fed = std::ranges::all_of(few_points.inputs, [&](int32_t input) {
    const Value& value = few_points.values[static_cast<size_t>(input)];
    const auto found = given.find(value.name);
    return found != given.end() && found->second == value.dtype;
  });
  const bool is_another_way = is_fed && !same_kernels(few_points, parts.back());
  std::ranges::move(parts, std::back_inserter(functions));
  if (is_another_way) functions.push_back(std::move(few_points));
  return functions;
}

// Two points; seven memories and sixteen pointers.
Sizes example_sizes(const PlanFunction& function) {
  if (function.sizes.empty()) return {};
  return function.sizes.size() == 1 ? Sizes{2} : Sizes{7, 16};
}

// Those that were built at several sizes become one each.
Status merge_functions(bool for_video, std::vector<PlanFunction>& functions) {
  const Witnesses few_points = take_witnesses(kFewPointsWitnesses, functions);
  SAMC_ASSIGN(std::vector<PlanFunction> decoder, write_decoder(take_witnesses(kWitnesses, functions), few_points));
  std::ranges::move(decoder, std::back_inserter(functions));
  if (!for_video) return Status::ok();
  SAMC_ASSIGN(std::vector<PlanFunction> attention, write_memory_attention(functions));
  std::ranges::move(attention, std::back_inserter(functions));
  return Status::ok();
}

Result<PlanModule> write_plan(const CompileOptions& options, Compilation& work) {
  PlanModule plan;
  cpu::WeightTable weights(work.weights);
  for (auto function : work.module->getOps<mlir::func::FuncOp>()) {
    SAMC_ASSIGN(PlanFunction written, cpu::write_function(function, weights));
    plan.functions.push_back(std::move(written));
  }
  if (!options.only_video_heads) SAMC_TRY(merge_functions(work.info.video.has_value(), plan.functions));
  for (PlanFunction& function : plan.functions) {
    cpu::order_for_memory(function);
    cpu::order_output_last(function, kLowResLogits);
  }
  plan.weights = weights.take();
  plan.info = work.info;
  plan.info.name = printable(work.report.model_name);
  plan.info.build_id = options.build_id;
  plan.info.notes = {{"precision", precision_name(options.precision)},
                     {"recognised", printable(work.report.why)}};  // paths may hold anything
  // Kept, so that a module from the cache warns as its checkpoint did.
  if (!options.key.empty()) plan.info.notes.emplace_back(kKeyNote, options.key);
  for (const std::string& warning : work.report.warnings) plan.info.notes.emplace_back("warning", printable(warning));
  for (const WeightData& weight : plan.weights) work.report.weight_bytes += static_cast<int64_t>(weight.bytes.size());
  for (const PlanFunction& function : plan.functions)
    work.report.arena_bytes.emplace_back(function.name, plan_arena(function, example_sizes(function)).bytes);
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
