#include "model/export_contract.h"

#include "model/export_finder.h"
#include "package/model_names.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::SimplifyOptions;

Status check_types(const SimpleGraph& graph) {
  for (const onnx::SimpleInput& input : graph.inputs) {
    const bool whole = input.name == kPointLabels && (input.dtype == DType::kI64 || input.dtype == DType::kI32);
    if (input.dtype != DType::kF32 && !whole)
      return not_found(fmt::format("its input {} is of {}, not of f32", input.name, dtype_name(input.dtype)));
  }
  return Status::ok();
}

// Whether a value depends on an input, for these values of the constants.
bool depends_on(const SimpleGraph& graph, const std::string& from, const std::string& input) {
  const Finder finder(graph);
  std::set<std::string> seen;
  std::vector<std::string> waiting = {from};
  while (!waiting.empty()) {
    const std::string name = waiting.back();
    waiting.pop_back();
    if (name == input) return true;
    if (name.empty() || !seen.insert(name).second) continue;
    const Node* node = finder.producer(name);
    if (node == nullptr) continue;
    if (node->op == "Mul" && (finder.holds_only(node->inputs[0], 0) || finder.holds_only(node->inputs[1], 0))) continue;
    if (node->op == "Where" && finder.holds_only(node->inputs[0], 1)) {
      waiting.push_back(node->inputs[1]);
    } else if (node->op == "Where" && finder.holds_only(node->inputs[0], 0)) {
      waiting.push_back(node->inputs[2]);
    } else {
      waiting.insert(waiting.end(), node->inputs.begin(), node->inputs.end());
    }
  }
  return false;
}

Status find_mask(const onnx::Model& model, SimplifyOptions options, const SimpleGraph& graph, DecoderCuts& cuts) {
  const Finder finder(graph);
  // torch.export repeats the embedding for each prompt by other shapes on the way.
  const std::string repeated = finder.behind(kImageEmbed, {"Unsqueeze", "Expand", "Reshape", "Squeeze"});
  const Node* source = finder.reader(repeated, "Add", cuts.dense_embed);
  if (source == nullptr || graph.value(cuts.dense_embed).shape != graph.value(kImageEmbed).shape)
    return not_found(
        fmt::format("the embedding of a mask is expected to be added to image_embed, and there it is read by {}",
                    finder.places_of_readers(repeated)));
  for (const Node* node : finder.readers(kMaskInput))
    if (!finder.is_shrinking_convolution(*node, kMaskInput))
      return not_found(fmt::format("{} reads mask_input, where a convolution of logits is expected", node->place()));
  options.outputs = {cuts.dense_embed};
  options.input_shapes.erase(kHasMaskInput);
  for (const bool has_mask : {false, true}) {
    Tensor has(Shape{1});
    has.f32()[0] = has_mask ? 1.0f : 0.0f;
    options.fixed_inputs[kHasMaskInput] = onnx::Constant::of(std::move(has));
    SAMC_ASSIGN(const SimpleGraph chosen, onnx::simplify(model, options));
    if (depends_on(chosen, chosen.outputs[0].value, kMaskInput) != has_mask)
      return not_found(fmt::format("with has_mask_input = {} its embedding {} on mask_input", has_mask ? 1 : 0,
                                   has_mask ? "does not depend" : "depends"));
  }
  return Status::ok();
}

}  // namespace

Result<DecoderCuts> find_cuts(const onnx::Model& model, const SimplifyOptions& options, const SimpleGraph& decoder,
                              int64_t image_size) {
  DecoderCuts cuts;
  SAMC_TRY(check_types(decoder));
  SAMC_TRY(find_labels(model, options, decoder, cuts));
  SAMC_TRY(find_points(model, options, decoder, image_size, cuts));
  SAMC_TRY(find_mask(model, options, decoder, cuts));
  SAMC_TRY(find_outputs(decoder, image_size, cuts));
  return cuts;
}

}  // namespace samc
