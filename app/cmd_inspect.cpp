#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "app/bundled_model.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/inspect_ir.h"
#include "app/inspect_onnx.h"
#include "app/inspect_sophgo.h"
#include "app/model_source.h"
#include "base/quote.h"
#include "checkpoint/checkpoint.h"
#include "model/recognise.h"
#include "model/tensor_names.h"
#include "package/arena.h"
#include "package/model_names.h"
#include "package/plan.h"
#include "package/reader.h"
#include "package/sizes.h"
#include "runtime/module.h"

namespace samc {
namespace {

struct Arguments : SourceOptions {
  bool summary = false;
  bool operations = false;
};

std::string extents_to_string(const PlanFunction& function, const Extents& shape) {
  std::vector<std::string> texts;
  for (const Extent& extent : shape) texts.push_back(extent_to_string(function, extent));
  return fmt::format("({})", fmt::join(texts, ", "));
}

Status inspect_checkpoint(const Arguments& arguments) {
  SAMC_ASSIGN(const NamedCheckpoint named, open_with_official_names(arguments.model, arguments.state_dict));
  const Checkpoint& checkpoint = named.checkpoint;
  std::map<std::string, std::pair<int64_t, int64_t>> by_dtype;  // tensors, parameters
  size_t longest = 0;
  for (const CheckpointTensor& tensor : checkpoint.tensors()) longest = std::max(longest, tensor.name.size());
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    auto& [tensors, parameters] = by_dtype[dtype_name(tensor.dtype)];
    ++tensors;
    parameters += tensor.count();
    if (!arguments.summary)
      say("{:<{}}  {:<4}  {}{}\n", tensor.name, longest, dtype_name(tensor.dtype), shape_to_string(tensor.shape),
          tensor.is_dense() ? "" : "  (strided)");
  }
  if (!arguments.summary) say("\n");
  say("{}: {}{}\n", arguments.model, checkpoint.format(), checkpoint.big_endian() ? ", big-endian" : "");
  const std::string key = checkpoint.where().empty() ? "no key" : fmt::format("\"{}\"", quote(checkpoint.where()));
  say("  tensors     {} under {}\n", checkpoint.tensors().size(), key);
  if (!named.renamed_as.empty()) say("  names       {}\n", named.renamed_as);
  for (const auto& [name, counts] : by_dtype)
    say("  {:<10}  {} tensors, {} parameters\n", name, counts.first, counts.second);
  say("  parameters  {} in total ({:.1f} M)\n", checkpoint.parameter_count(),
      static_cast<double>(checkpoint.parameter_count()) / 1e6);
  if (!checkpoint.other_keys().empty()) say("  other keys  {}\n", joined(checkpoint.other_keys()));
  const Result<Recognition> model =
      find_model(arguments.model, tensor_specs(checkpoint), arguments.config, arguments.image_size);
  if (model.is_ok())
    say("  model       {}: {}{}{}\n", model.value().config.name, model.value().why,
        model.value().assumed.empty() ? "" : "; ", model.value().assumed);
  else
    say("  model       not recognised: {}\n", model.status().to_string());
  SAMC_TRY(checkpoint.verify_all());
  constexpr size_t kMostNamed = 5;
  SAMC_ASSIGN(const std::vector<NonFiniteTensor> non_finite, checkpoint.find_non_finite(kMostNamed));
  for (const NonFiniteTensor& tensor : non_finite) warn(tensor.to_string());
  if (const std::string others = other_weights(checkpoint); !others.empty()) warn(others);
  return Status::ok();
}

void print_function(const PlanFunction& function, bool operations) {
  constexpr int64_t kExample = 2;
  Sizes sizes{};
  std::string ranges;
  for (size_t i = 0; i < function.sizes.size(); ++i) {
    const FreeSize& size = function.sizes[i];
    sizes[i] = std::clamp(kExample, size.least, size.greatest);
    ranges +=
        fmt::format("{}{} {} (of {} to {})", i == 0 ? " at " : ", ", sizes[i], size.name, size.least, size.greatest);
  }
  std::string narrow;
  for (const Precision precision : {Precision::kBf16, Precision::kInt8})
    if (const auto count = std::ranges::count(function.operations, precision, &Operation::precision); count > 0)
      narrow += fmt::format(", {} in {}", count, precision_name(precision));
  say("  {}: {} operations{}, arena {}{}\n", function.name, function.operations.size(), narrow,
      human_bytes(static_cast<double>(plan_arena(function, sizes).bytes)), ranges);
  const auto print_values = [&](const char* kind, const std::vector<int32_t>& indices) {
    for (const int32_t index : indices) {
      const Value& value = function.values[static_cast<size_t>(index)];
      say("    {:<6} {:<18} {} {}\n", kind, value.name, dtype_name(value.dtype),
          extents_to_string(function, value.shape));
    }
  };
  print_values("input", function.inputs);
  print_values("output", function.outputs);
  if (!operations) return;
  for (const Operation& operation : function.operations) {
    std::vector<std::string> results;
    for (const int32_t index : operation.results) {
      const Value& value = function.values[static_cast<size_t>(index)];
      results.push_back(fmt::format("{} {}", dtype_name(value.dtype), extents_to_string(function, value.shape)));
    }
    say("    {:<16} {:<4} {} -> {}\n", operation.kernel, precision_name(operation.precision), operation.name,
        joined(results));
  }
}

Status inspect_module(const Arguments& arguments) {
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(arguments.model));
  const ModelInfo& info = module->info();
  const PlanModule& plan = module->plan();
  int64_t weight_bytes = 0;
  for (const WeightData& weight : plan.weights) weight_bytes += static_cast<int64_t>(weight.bytes.size());
  std::error_code error;
  say("{}: a compiled module, {}\n", arguments.model,
      human_bytes(static_cast<double>(std::filesystem::file_size(arguments.model, error))));
  say("  model       {}, images of {} x {}\n", info.name, info.image_size, info.image_size);
  say("  made by     samc build {}\n", info.build_id.empty() ? "unknown" : info.build_id.substr(0, 12));
  if (!info.encoder_id.empty()) say("  encoder     {}\n", info.encoder_id);
  for (const auto& [name, text] : info.notes) say("  {:<10}  {}\n", name, text);
  say("  weights     {} tensors, {}\n", plan.weights.size(), human_bytes(static_cast<double>(weight_bytes)));
  if (!arguments.summary)
    for (const WeightData& weight : plan.weights)
      say("    {:<60} {} {}\n", weight.name, dtype_name(weight.dtype), weight.bytes.size());
  for (const PlanFunction& function : plan.functions) print_function(function, arguments.operations);
  return Status::ok();
}

Status inspect_export(const Arguments& arguments) {
  const std::filesystem::path folder(arguments.model);
  SAMC_TRY(inspect_onnx((folder / kEncoderOnnx).string(), arguments.summary));
  SAMC_TRY(inspect_onnx((folder / kDecoderOnnx).string(), arguments.summary));
  SAMC_ASSIGN(const ModelSource source, ModelSource::open(arguments, Format::kModule));
  say("{}: a model that compiles, {}\n", arguments.model, source.why());
  for (const std::string& warning : source.warnings()) warn(warning);
  return Status::ok();
}

bool is_export(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::path(path) / kEncoderOnnx, error);
}

// What is nothing else is taken for a checkpoint, whose reader says what it is.
Result<bool> is_checkpoint_file(const std::string& path) {
  for (const char* other : {".bmodel", ".mlir", ".onnx"})
    if (path.ends_with(other)) return false;
  if (is_export(path)) return false;
  SAMC_ASSIGN(const bool is_module, is_module_file(path));
  return !is_module;
}

}  // namespace

Command add_inspect(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("inspect", "Say what is in a model's file");
  command
      ->add_option(
          "file", arguments->model,
          "A .pt, .safetensors, .onnx, .mlir, .samc or .bmodel, or a folder with encoder.onnx and decoder.onnx")
      ->required()
      ->type_name("FILE")
      ->transform(bundled_model());
  add_checkpoint_options(*command, *arguments);
  command->add_flag("--summary", arguments->summary, "Leave out the list of tensors");
  command->add_flag("--operations", arguments->operations,
                    "Of a .samc: list the operations of each function, what they compute in and what they store");
  command->footer(
      "Checks every checksum of the file on the way.\nExample:\n  samc inspect sam2_hiera_tiny.pt --summary");
  return [arguments]() -> Status {
    const std::string& file = arguments->model;
    const Result<bool> is_checkpoint = is_checkpoint_file(file);
    if (!is_checkpoint.is_ok()) return is_checkpoint.status();
    if (!is_checkpoint.value()) SAMC_TRY(check_no_architecture(*arguments));
    if (file.ends_with(".bmodel")) return inspect_bmodel(file);
    if (file.ends_with(".mlir")) return inspect_mlir(file, arguments->summary);
    if (file.ends_with(".onnx")) return inspect_onnx(file, arguments->summary);
    if (is_export(file)) return inspect_export(*arguments);
    return is_checkpoint.value() ? inspect_checkpoint(*arguments) : inspect_module(*arguments);
  };
}

}  // namespace samc
