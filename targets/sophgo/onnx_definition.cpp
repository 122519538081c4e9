#include "targets/sophgo/onnx_definition.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "onnx/compose.h"
#include "onnx/import.h"
#include "onnx/simplify.h"

namespace samc::sophgo {
namespace {

using Counts = std::map<std::string, int64_t>;

int64_t total(const Counts& counts) {
  int64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

std::string dimension_to_string(const onnx::Dimension& dimension) {
  if (dimension.extent >= 0) return fmt::format("{}", dimension.extent);
  return dimension.name.empty() ? "?" : dimension.name;
}

// "image [1,3,1024,1024], label [n]"
std::string list_inputs(const onnx::Graph& graph) {
  std::vector<std::string> texts;
  for (const onnx::ValueType& input : graph.inputs) {
    std::vector<std::string> extents;
    for (const onnx::Dimension& dimension : input.shape) extents.push_back(dimension_to_string(dimension));
    texts.push_back(fmt::format("{} [{}]", input.name, fmt::join(extents, ",")));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

Result<onnx::SimplifyOptions> simplify_options(const OnnxDefinition& definition, const onnx::Model& model) {
  onnx::SimplifyOptions options;
  options.outputs = definition.output_names;
  options.has_flags = true;
  if (definition.input_shapes.empty()) return options;
  const std::vector<onnx::ValueType>& inputs = model.graph.inputs;
  if (definition.input_shapes.size() != inputs.size())
    return invalid_input(fmt::format("--input_shapes has {} shapes and the model {} inputs",
                                     definition.input_shapes.size(), inputs.size()),
                         "its inputs are " + list_inputs(model.graph));
  for (size_t i = 0; i < inputs.size(); ++i) options.input_shapes[inputs[i].name] = definition.input_shapes[i];
  return options;
}

}  // namespace

std::string list_counts(const Counts& counts) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> texts;
  for (const auto& [name, count] : sorted) texts.push_back(fmt::format("{} {}", name, count));
  return fmt::format("{}", fmt::join(texts, ", "));
}

Status build_from_onnx(const OnnxDefinition& definition, GraphBuilder& graph, onnx::Model& model,
                       const StepObserver& step) {
  const auto report = [&](const std::string& name, int64_t operations, const std::string& remark) {
    if (step) step(name, operations, remark);
  };
  SAMC_ASSIGN(model, onnx::Model::load(definition.path));
  const Counts in_file = onnx::count_operators(model.graph);
  report("read", total(in_file), fmt::format("opset {}: {}", model.opset, list_counts(in_file)));

  SAMC_ASSIGN(const onnx::SimplifyOptions options, simplify_options(definition, model));
  SAMC_ASSIGN(onnx::SimpleGraph simple, onnx::simplify(model, options));
  const Counts left = onnx::count_operators(simple);
  Counts gone;
  for (const auto& [name, count] : in_file)
    if (left.count(name) == 0) gone[name] = count;
  report("evaluate what is known", total(left), gone.empty() ? "" : "gone: " + list_counts(gone));

  const int64_t patterns = onnx::compose(simple);
  report("compose", total(onnx::count_operators(simple)),
         fmt::format("{} of GELU, LayerNorm and PixelNorm out of their pieces", patterns));
  return onnx::import_graph(simple, {.function = definition.function}, graph).at(definition.path);
}

}  // namespace samc::sophgo
