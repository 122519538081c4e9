// What an export's decoder makes of the logits and scores before it gives them.

#include <functional>
#include <optional>

#include "model/export_finder.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::NodeContext;
using onnx::SimpleGraph;
using onnx::Value;

// Which of a value's channels (axis 1) an output shows, in its order.
struct Choice {
  std::string source;
  std::vector<int64_t> channels;
};

std::optional<std::vector<int64_t>> channels_of(const Finder& finder, const Node& node) {
  const NodeContext context = finder.context(node);
  std::vector<int64_t> channels;
  if (node.op == "Slice") {
    const Result<onnx::SliceParameters> slice = onnx::slice_parameters(context);
    const Shape& shape = context.input(0).shape;
    for (size_t axis = 0; slice.is_ok() && axis < shape.size(); ++axis)
      if (axis != 1 && (slice.value().extents[axis] != shape[axis] || slice.value().steps[axis] != 1))
        return std::nullopt;
    if (!slice.is_ok() || shape.size() < 2) return std::nullopt;
    for (int64_t i = 0; i < slice.value().extents[1]; ++i)
      channels.push_back(slice.value().starts[1] + i * slice.value().steps[1]);
    return channels;
  }
  const Value& indices = context.input(1);
  const auto axis = onnx::normal_axis(context.integer("axis", 0), context.input(0).rank());
  if (!indices.constant || indices.rank() != 1 || !axis.is_ok() || axis.value() != 1) return std::nullopt;
  for (int64_t i = 0; i < indices.constant->count(); ++i) {
    const int64_t index = indices.constant->integer(i);
    channels.push_back(index < 0 ? index + context.input(0).shape[1] : index);
  }
  return channels;
}

// Back from an output over what chooses, limits and shows masks or scores. Of masks also over what makes probabilities,
// yes and no, or another size of them: all of that comes after the logits.
Choice trace(const Finder& finder, const std::string& name, bool is_masks, int depth = 0) {
  static const std::set<std::string> unchanged = {"Clip", "Min", "Max"};
  static const std::set<std::string> shown = {"Sigmoid", "Resize", "Greater", "GreaterOrEqual", "Cast"};
  constexpr int kDeepest = 32;
  const Shape& shape = finder.value(name).shape;
  Choice own{name, {}};
  for (int64_t i = 0; i < (shape.size() < 2 ? 0 : shape[1]); ++i) own.channels.push_back(i);
  const Node* node = finder.producer(name);
  if (node == nullptr || shape.size() < 2 || depth > kDeepest) return own;
  if (unchanged.count(node->op) != 0 || (is_masks && shown.count(node->op) != 0)) {
    const Shape& from = finder.value(node->inputs[0]).shape;
    for (size_t i = 1; i < node->inputs.size(); ++i)
      if (!node->inputs[i].empty() && !finder.value(node->inputs[i]).constant) return own;
    if (from.size() != shape.size() || from[1] != shape[1]) return own;
    return trace(finder, node->inputs[0], is_masks, depth + 1);
  }
  if (node->op == "Slice" || node->op == "Gather") {
    const auto channels = channels_of(finder, *node);
    if (!channels) return own;
    const Choice inner = trace(finder, node->inputs[0], is_masks, depth + 1);
    Choice choice{inner.source, {}};
    for (const int64_t channel : *channels) {
      if (channel < 0 || channel >= static_cast<int64_t>(inner.channels.size())) return own;
      choice.channels.push_back(inner.channels[static_cast<size_t>(channel)]);
    }
    return choice;
  }
  if (node->op == "Concat" && finder.context(*node).integer("axis", 0) == 1) {
    Choice choice;
    for (const std::string& part : node->inputs) {
      const Choice inner = trace(finder, part, is_masks, depth + 1);
      if (!choice.source.empty() && choice.source != inner.source) return own;
      choice.source = inner.source;
      choice.channels.insert(choice.channels.end(), inner.channels.begin(), inner.channels.end());
    }
    return choice;
  }
  return own;
}

std::string output_value(const SimpleGraph& graph, const std::string& name) {
  const auto found =
      std::find_if(graph.outputs.begin(), graph.outputs.end(), [&](const auto& output) { return output.name == name; });
  SAMC_CHECK(found != graph.outputs.end(), "no output {}", name);
  return found->value;
}

Result<Choice> find_choice(const SimpleGraph& graph, const std::string& output, const Shape& wanted) {
  const Finder finder(graph);
  Choice choice = trace(finder, output_value(graph, output), output == "masks");
  const Shape& shape = graph.value(choice.source).shape;
  if (shape == wanted) return choice;
  if (shape.size() == wanted.size() && shape[1] != kMasks)
    return not_found(
        fmt::format("its {} come from {} masks, and samc needs the single mask and three more", output, shape[1]));
  const Node* last = finder.producer(choice.source);
  return not_found(fmt::format("its {} come from {}, which is {}, not {}", output,
                               last == nullptr ? choice.source : last->place(), shape_to_string(shape),
                               shape_to_string(wanted)));
}

// What last makes a value, behind changes of shape alone.
const Node* maker(const Finder& finder, std::string name) {
  while (const Node* node = finder.producer(name)) {
    if (node->op != "Reshape" && node->op != "Unsqueeze" && node->op != "Squeeze" && node->op != "Flatten") return node;
    name = node->inputs[0];
  }
  return nullptr;
}

// Which token the row of a mask's own small network comes from: the index of the first look-up behind it.
std::optional<int64_t> token_of(const Finder& finder, const std::string& row) {
  static const std::set<std::string> layers = {"Gemm", "MatMul", "Add", "Relu"};
  const Node* node = maker(finder, row);
  for (int depth = 0; node != nullptr && layers.count(node->op) != 0 && depth < 64; ++depth) {
    const bool first = !finder.value(node->inputs[0]).constant;
    node = maker(finder, node->inputs[first ? 0 : 1]);
  }
  if (node == nullptr || (node->op != "Gather" && node->op != "Slice")) return std::nullopt;
  const NodeContext context = finder.context(*node);
  if (node->op == "Slice") {
    const Result<onnx::SliceParameters> slice = onnx::slice_parameters(context);
    if (!slice.is_ok() || slice.value().starts.size() < 2 || slice.value().extents[1] != 1) return std::nullopt;
    return slice.value().starts[1];
  }
  const Value& index = context.input(1);
  if (!index.constant || index.constant->count() != 1) return std::nullopt;
  return index.constant->integer(0);
}

// The logits are rows of small networks, one for each mask token, times the upscaled image. Which row is whose.
Result<std::vector<int64_t>> order_of_masks(const Finder& finder, const std::string& logits) {
  const Node* product = maker(finder, logits);
  if (product == nullptr || product->op != "MatMul")
    return not_found(fmt::format("its masks are made by {}, not by the product of mask tokens and image",
                                 product == nullptr ? logits : product->place()));
  const Node* rows = maker(finder, product->inputs[0]);
  if (rows == nullptr || rows->op != "Concat" || static_cast<int64_t>(rows->inputs.size()) != kMasks)
    return std::vector<int64_t>{};  // made at once: in the tokens' order
  std::vector<std::pair<int64_t, int64_t>> tokens;
  for (size_t i = 0; i < rows->inputs.size(); ++i) {
    const std::optional<int64_t> token = token_of(finder, rows->inputs[i]);
    if (!token) return std::vector<int64_t>{};
    tokens.emplace_back(*token, static_cast<int64_t>(i));
  }
  std::sort(tokens.begin(), tokens.end());
  std::vector<int64_t> order;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].first != tokens[0].first + static_cast<int64_t>(i))
      return not_found(fmt::format("its masks come from the tokens {} and so on, not from four in a row",
                                   fmt::join({tokens[0].first, tokens[1].first}, ", ")));
    order.push_back(tokens[i].second);
  }
  if (std::is_sorted(order.begin(), order.end())) order.clear();
  return order;
}

}  // namespace

Status find_outputs(const SimpleGraph& graph, int64_t image_size, DecoderCuts& cuts) {
  const Finder finder(graph);
  const int64_t side = image_size / 4;
  SAMC_ASSIGN(const Choice masks, find_choice(graph, "masks", {1, kMasks, side, side}));
  SAMC_ASSIGN(const Choice scores, find_choice(graph, "iou_predictions", {1, kMasks}));
  cuts.logits = masks.source;
  cuts.scores = scores.source;
  SAMC_ASSIGN(cuts.order, order_of_masks(finder, masks.source));
  std::vector<int64_t> shown = masks.channels;  // as tokens
  if (!cuts.order.empty())
    for (int64_t& channel : shown)
      channel = std::find(cuts.order.begin(), cuts.order.end(), channel) - cuts.order.begin();
  if (shown != scores.channels)
    return not_found(fmt::format("its masks are those of the tokens {}, its iou_predictions those of {}",
                                 fmt::join(shown, ", "), fmt::join(scores.channels, ", ")));
  static const std::set<std::string> known = {"Sigmoid", "Gemm", "Add", "MatMul"};
  const Node* last = maker(finder, scores.source);
  if (last == nullptr || known.count(last->op) == 0)
    return not_found(fmt::format("its iou_predictions are made by {}, not by the head of the scores",
                                 last == nullptr ? scores.source : last->place()));
  return Status::ok();
}

}  // namespace samc
