// What an export's decoder makes of the logits and scores before it gives them.

#include <limits>
#include <optional>

#include "model/export_finder.h"
#include "package/model_names.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::NodeContext;
using onnx::SimpleGraph;
using onnx::Value;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What an output shows of the logits (or scores): all of it comes after them, and what it says of them must not be
// lost.
struct Shown {
  enum class Measure : uint8_t { kAsTheyAre, kProbability, kYesOrNo };
  Measure measure = Measure::kAsTheyAre;
  double least = -kInfinity;  // limits, of logits
  double greatest = kInfinity;
  std::string limited_by = {};
  double threshold = 0;  // logits above it are mask

  bool operator==(const Shown&) const = default;
  double logit(double value) const {
    if (measure == Measure::kAsTheyAre) return value;
    return value <= 0 ? -kInfinity : value >= 1 ? kInfinity : std::log(value / (1 - value));
  }
  // What is above the threshold without the limits is so with them, and nothing else is.
  Status check_limits() const {
    if (least <= threshold && threshold < greatest) return Status::ok();
    return not_found(
        fmt::format("{} keeps its masks' logits within {:.4g} and {:.4g}, which changes what is above {:.4g}",
                    limited_by, least, greatest, threshold));
  }
};

// Which of a value's channels (axis 1) an output shows, in its order, and how.
struct Choice {
  std::string source;
  std::vector<int64_t> channels;
  Shown shown = {};
};

// The operand that depends on the data, when it is one; an empty name otherwise.
std::string only_operand(const Finder& finder, const Node& node) {
  std::string found;
  for (const std::string& input : node.inputs) {
    if (input.empty() || finder.value(input).constant) continue;
    if (!found.empty()) return {};
    found = input;
  }
  return found;
}

// The number that a constant operand holds, once or everywhere.
std::optional<double> number(const Finder& finder, const std::string& name) {
  const Value& value = finder.value(name);
  if (!value.constant || value.constant->count() == 0 || !finder.holds_only(name, value.constant->real(0)))
    return std::nullopt;
  return value.constant->real(0);
}

// Clip, Min and Max. False where the limits are not the same everywhere.
bool apply_limits(const Finder& finder, const Node& node, const std::string& operand, Shown& shown) {
  double least = -kInfinity, greatest = kInfinity;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i].empty() || node.inputs[i] == operand) continue;
    const std::optional<double> limit = number(finder, node.inputs[i]);
    if (!limit) return false;
    if (node.op == "Max" || (node.op == "Clip" && i == 1)) least = std::max(least, *limit);
    if (node.op == "Min" || (node.op == "Clip" && i == 2)) greatest = std::min(greatest, *limit);
  }
  if (shown.measure == Shown::Measure::kYesOrNo) return least <= 0 && greatest >= 1;
  if (const double logit = shown.logit(least); logit > shown.least) {
    shown.least = logit;
    shown.limited_by = node.place();
  }
  if (const double logit = shown.logit(greatest); logit < shown.greatest) {
    shown.greatest = logit;
    shown.limited_by = node.place();
  }
  return true;
}

// Greater, Less and so on: yes above a threshold. False where that is not the same everywhere.
Result<bool> apply_threshold(const Finder& finder, const Node& node, const std::string& operand, Shown& shown) {
  const bool first = node.inputs[0] == operand;
  const std::optional<double> threshold = number(finder, node.inputs[first ? 1 : 0]);
  if (!threshold) return false;
  if ((node.op == "Greater" || node.op == "GreaterOrEqual") != first)
    return not_found(fmt::format("{} says yes where its masks are below {:.4g}", node.place(), *threshold));
  if (shown.measure == Shown::Measure::kYesOrNo) {
    const bool strict = node.op == "Greater" || node.op == "Less";
    return strict ? *threshold >= 0 && *threshold < 1 : *threshold > 0 && *threshold <= 1;
  }
  shown.threshold = shown.logit(*threshold);
  if (!std::isfinite(shown.threshold))
    return not_found(
        fmt::format("{} compares its masks with {:.4g}, so that all or none is mask", node.place(), *threshold));
  SAMC_TRY(shown.check_limits());
  shown.measure = Shown::Measure::kYesOrNo;
  return true;
}

const std::set<std::string> kLimits = {"Clip", "Min", "Max"};
const std::set<std::string> kComparisons = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual"};
const std::set<std::string> kOthersOfMasks = {"Cast", "Sigmoid", "Resize"};

// What such a node behind the logits makes of what is shown of them. False where it does something else.
Result<bool> apply(const Finder& finder, const Node& node, const std::string& operand, Shown& shown) {
  if (kLimits.count(node.op) != 0) return apply_limits(finder, node, operand, shown);
  if (kComparisons.count(node.op) != 0) return apply_threshold(finder, node, operand, shown);
  if (node.op == "Cast")
    return shown.measure == Shown::Measure::kYesOrNo || finder.value(node.outputs[0]).dtype == DType::kF32;
  if (node.op == "Sigmoid" && shown.measure == Shown::Measure::kAsTheyAre) {
    shown.measure = Shown::Measure::kProbability;
    return true;
  }
  return node.op == "Resize";
}

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
Result<Choice> trace(const Finder& finder, const std::string& name, bool is_masks, int depth = 0) {
  constexpr int kDeepest = 32;
  const Shape& shape = finder.value(name).shape;
  Choice own{name, {}};
  for (int64_t i = 0; i < (shape.size() < 2 ? 0 : shape[1]); ++i) own.channels.push_back(i);
  const Node* node = finder.producer(name);
  if (node == nullptr || shape.size() < 2 || depth > kDeepest) return own;
  if (node->op == "Slice" || node->op == "Gather") {
    const auto channels = channels_of(finder, *node);
    if (!channels) return own;
    SAMC_ASSIGN(const Choice inner, trace(finder, node->inputs[0], is_masks, depth + 1));
    Choice choice{inner.source, {}, inner.shown};
    for (const int64_t channel : *channels) {
      if (channel < 0 || channel >= static_cast<int64_t>(inner.channels.size())) return own;
      choice.channels.push_back(inner.channels[static_cast<size_t>(channel)]);
    }
    return choice;
  }
  if (node->op == "Concat" && finder.context(*node).integer("axis", 0) == 1) {
    Choice choice;
    for (const std::string& part : node->inputs) {
      SAMC_ASSIGN(const Choice inner, trace(finder, part, is_masks, depth + 1));
      if (choice.source.empty()) choice.shown = inner.shown;
      if ((!choice.source.empty() && choice.source != inner.source) || choice.shown != inner.shown) return own;
      choice.source = inner.source;
      choice.channels.insert(choice.channels.end(), inner.channels.begin(), inner.channels.end());
    }
    return choice;
  }
  const bool of_masks = kComparisons.count(node->op) != 0 || kOthersOfMasks.count(node->op) != 0;
  if (kLimits.count(node->op) == 0 && !(is_masks && of_masks)) return own;
  const std::string operand = only_operand(finder, *node);
  if (operand.empty()) return own;
  const Shape& from = finder.value(operand).shape;
  if (from.size() != shape.size() || from[1] != shape[1]) return own;
  SAMC_ASSIGN(Choice choice, trace(finder, operand, is_masks, depth + 1));
  SAMC_ASSIGN(const bool known, apply(finder, *node, operand, choice.shown));
  return known ? choice : own;
}

std::string output_value(const SimpleGraph& graph, const std::string& name) {
  const auto found =
      std::find_if(graph.outputs.begin(), graph.outputs.end(), [&](const auto& output) { return output.name == name; });
  SAMC_CHECK(found != graph.outputs.end(), "no output {}", name);
  return found->value;
}

// What last makes a value, behind changes of shape alone.
const Node* maker(const Finder& finder, std::string name) {
  while (const Node* node = finder.producer(name)) {
    if (node->op != "Reshape" && node->op != "Unsqueeze" && node->op != "Squeeze" && node->op != "Flatten") return node;
    name = node->inputs[0];
  }
  return nullptr;
}

// Whether masks or scores are made by the part of the model that makes them, and not by something behind it.
bool is_head(const Finder& finder, const Node* last, bool is_masks) {
  if (last == nullptr) return false;
  if (is_masks) return last->op == "MatMul";
  if (last->op == "Sigmoid") last = maker(finder, last->inputs[0]);
  if (last != nullptr && last->op == "Add") last = maker(finder, only_operand(finder, *last));
  return last != nullptr && (last->op == "Gemm" || last->op == "MatMul");
}

Result<Choice> find_choice(const SimpleGraph& graph, const std::string& output, const Shape& wanted) {
  const Finder finder(graph);
  const bool is_masks = output == kExportedMasks;
  SAMC_ASSIGN(const Choice choice, trace(finder, output_value(graph, output), is_masks));
  const Shape& shape = graph.value(choice.source).shape;
  if (shape == wanted) return choice;
  const Node* last = maker(finder, choice.source);
  if (!is_head(finder, last, is_masks)) {
    const Node* in_the_way = finder.producer(choice.source);
    return not_found(fmt::format("its {} are made by {} behind the model, which samc does not undo", output,
                                 in_the_way == nullptr ? choice.source : in_the_way->place()));
  }
  if (shape.size() == wanted.size() && shape[1] != kMasks)
    return not_found(
        fmt::format("its {} come from {} masks, and samc needs the single mask and three more", output, shape[1]));
  return not_found(fmt::format("its {} come from {}, which is {}, not {}", output, last->place(),
                               shape_to_string(shape), shape_to_string(wanted)));
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
  SAMC_ASSIGN(const Choice masks, find_choice(graph, kExportedMasks, {1, kMasks, side, side}));
  SAMC_ASSIGN(const Choice scores, find_choice(graph, kIouPredictions, {1, kMasks}));
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
  const Node* last = maker(finder, scores.source);
  if (!is_head(finder, last, false))
    return not_found(fmt::format("its iou_predictions are made by {}, not by the head of the scores",
                                 last == nullptr ? scores.source : last->place()));
  SAMC_TRY(masks.shown.check_limits());
  cuts.mask_threshold = masks.shown.threshold;
  // Behind a Sigmoid, limits of 0 and 1 or wider ones limit nothing.
  const double least = last->op == "Sigmoid" ? 0 : -kInfinity;
  const double greatest = last->op == "Sigmoid" ? 1 : kInfinity;
  if (scores.shown.least <= least && scores.shown.greatest >= greatest) return Status::ok();
  return not_found(fmt::format("{} keeps its iou_predictions within {:.4g} and {:.4g}", scores.shown.limited_by,
                               scores.shown.least, scores.shown.greatest));
}

}  // namespace samc
