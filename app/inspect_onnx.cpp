#include "app/inspect_onnx.h"

#include <fmt/ranges.h>

#include <filesystem>
#include <map>
#include <set>

#include "app/console.h"
#include "onnx/compose.h"
#include "onnx/simplify.h"

namespace samc {
namespace {

using namespace onnx;

std::string type_to_string(const ValueType& type) {
  if (!type.has_shape) return fmt::format("{} of unknown shape", dtype_name(type.dtype));
  std::vector<std::string> extents;
  for (const Dimension& dimension : type.shape)
    extents.push_back(dimension.extent >= 0    ? fmt::format("{}", dimension.extent)
                      : dimension.name.empty() ? "?"
                                               : dimension.name);
  return fmt::format("{} ({})", dtype_name(type.dtype), fmt::join(extents, ", "));
}

// The names of open dimensions, each given as 1: enough to know the other extents of the outputs.
SimplifyOptions close_dimensions(const Model& model, std::set<std::string>& open) {
  SimplifyOptions options;
  for (const ValueType& input : model.graph.inputs) {
    Shape shape;
    for (const Dimension& dimension : input.shape) {
      if (dimension.extent < 0) open.insert(dimension.name.empty() ? "?" : dimension.name);
      shape.push_back(dimension.extent < 0 ? 1 : dimension.extent);
    }
    if (input.has_shape) options.input_shapes[input.name] = shape;
  }
  return options;
}

void print_operators(const std::map<std::string, int64_t>& counts) {
  for (const auto& [name, count] : counts) say("    {:<24} {}\n", name, count);
}

int64_t total(const std::map<std::string, int64_t>& counts) {
  int64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

}  // namespace

Status inspect_onnx(const std::string& path, bool summary) {
  SAMC_ASSIGN(const Model model, Model::load(path));
  const std::map<std::string, int64_t> counts = count_operators(model.graph);
  say("{}: an ONNX model{}\n", path, model.producer.empty() ? "" : ", made by " + model.producer);
  say("  opset       {}\n", model.opset);
  for (const auto& [domain, version] : model.other_opsets) say("  opset       {} of {}\n", version, domain);
  say("  nodes       {} of {} operators\n", total(counts), counts.size());
  if (!summary) print_operators(counts);
  int64_t weights = 0;
  for (const auto& [name, constant] : model.graph.initialisers) weights += constant.view.dtype == DType::kF32 ? 1 : 0;
  say("  parameters  {} in {} tensors ({:.1f} M)\n", model.parameter_count(), weights,
      static_cast<double>(model.parameter_count()) / 1e6);
  for (const std::string& file : model.external_files) {
    std::error_code error;
    say("  weights in  {}, {}\n", file, human_bytes(static_cast<double>(std::filesystem::file_size(file, error))));
  }
  for (const ValueType& input : model.graph.inputs) say("  input       {:<24} {}\n", input.name, type_to_string(input));

  const std::vector<UnknownOperator> unknown = unknown_operators(model);
  std::set<std::string> open;
  const SimplifyOptions options = close_dimensions(model, open);
  Result<SimpleGraph> simple = simplify(model, options);
  std::map<std::string, const Value*> known;
  if (simple.is_ok())
    for (const SimpleOutput& output : simple.value().outputs) known[output.name] = &simple.value().value(output.value);
  for (const ValueType& output : model.graph.outputs) {
    std::string type = type_to_string(output);
    if (const auto found = known.find(output.name); found != known.end())
      type = fmt::format("{} {}", dtype_name(found->second->dtype), shape_to_string(found->second->shape));
    say("  output      {:<24} {}\n", output.name, type);
  }
  if (simple.is_ok()) {
    if (!open.empty()) say("              with 1 for {}\n", joined(open));
    compose(simple.value());
    const std::map<std::string, int64_t> left = count_operators(simple.value());
    say("  runs        {} operations when all that is known is evaluated\n", total(left));
    if (!summary) print_operators(left);
  }
  for (const UnknownOperator& op : unknown)
    say("  unsupported {}: {}x, first {}; {}\n", op.name, op.count, op.first_place, op.way_out);
  if (unknown.empty() && simple.is_ok()) say("  unsupported nothing\n");
  if (unknown.empty() && !simple.is_ok()) say("  unsupported {}\n", simple.status().message());
  return Status::ok();
}

}  // namespace samc
