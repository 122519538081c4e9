#include "model/export_contract.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "package/model_names.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::NodeContext;
using onnx::SimpleGraph;
using onnx::SimplifyOptions;
using onnx::Value;

constexpr std::array<double, 3> kMean = {0.485, 0.456, 0.406};  // of the official transforms
constexpr std::array<double, 3> kDeviation = {0.229, 0.224, 0.225};
constexpr double kTolerance = 1e-3;  // exporters write these numbers with three digits or more

Status not_found(const std::string& what) { return unsupported(what, kKnownExport); }

bool is_near(double a, double b, double scale) { return std::fabs(a - b) <= kTolerance * scale; }

// One question after another to the nodes of a graph.
class Finder {
 public:
  explicit Finder(const SimpleGraph& graph) : graph_(graph) {}

  const Value& value(const std::string& name) const { return graph_.value(name); }
  NodeContext context(const Node& node) const { return graph_.context(node); }
  const Node* producer(const std::string& name) const {
    for (const Node& node : graph_.nodes)
      if (std::find(node.outputs.begin(), node.outputs.end(), name) != node.outputs.end()) return &node;
    return nullptr;
  }
  std::vector<const Node*> readers(const std::string& name) const {
    std::vector<const Node*> found;
    for (const Node& node : graph_.nodes)
      if (std::find(node.inputs.begin(), node.inputs.end(), name) != node.inputs.end()) found.push_back(&node);
    return found;
  }
  // The node of this operator with two operands that reads the value, and the operand beside it; null when there is
  // none.
  const Node* reader(const std::string& name, const std::string& op, std::string& beside) const {
    for (const Node* node : readers(name))
      if (node->op == op && node->inputs.size() == 2) {
        beside = node->inputs[node->inputs[0] == name ? 1 : 0];
        return node;
      }
    return nullptr;
  }
  // Behind the nodes of these operators, as long as one of them reads the value.
  std::string behind(std::string name, const std::set<std::string>& ops) const {
    while (true) {
      const std::vector<const Node*> found = readers(name);
      const auto next = std::find_if(found.begin(), found.end(), [&](const Node* node) {
        return ops.count(node->op) != 0 && node->outputs.size() == 1 && others_are_constant(*node, name);
      });
      if (next == found.end()) return name;
      name = (*next)->outputs[0];
    }
  }
  bool holds_only(const std::string& name, double wanted) const {
    const Value& found = value(name);
    if (!found.constant || found.constant->count() == 0) return false;
    for (int64_t i = 0; i < found.constant->count(); ++i)
      if (found.constant->real(i) != wanted) return false;
    return true;
  }

 private:
  bool others_are_constant(const Node& node, const std::string& name) const {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
      return input == name || input.empty() || value(input).constant.has_value();
    });
  }

  const SimpleGraph& graph_;
};

// ---- The encoder's image.

// What the nodes in front of the first convolution make of the image: a c + b for each channel.
struct ImageChain {
  std::string value = kImage;
  std::array<double, 3> scale = {1, 1, 1};
  std::array<double, 3> offset = {0, 0, 0};
  bool channels_last = false;
};

// A constant of one number, or one for each channel and nothing else.
std::optional<std::array<double, 3>> per_channel(const Value& constant, const ImageChain& chain, size_t rank) {
  if (!constant.constant || constant.shape.size() > rank) return std::nullopt;
  std::array<double, 3> numbers{};
  if (constant.constant->count() == 1) {
    numbers.fill(constant.constant->real(0));
    return numbers;
  }
  const size_t channel_axis = chain.channels_last ? rank - 1 : rank - 3;
  for (size_t i = 0; i < constant.shape.size(); ++i) {
    const size_t axis = rank - constant.shape.size() + i;
    if (constant.shape[i] != (axis == channel_axis ? 3 : 1)) return std::nullopt;
  }
  if (constant.constant->count() != 3) return std::nullopt;
  for (size_t c = 0; c < 3; ++c) numbers[c] = constant.constant->real(static_cast<int64_t>(c));
  return numbers;
}

// Follows one node; false where it is none of these.
bool follow(const Finder& finder, const Node& node, ImageChain& chain) {
  const size_t rank = finder.value(chain.value).shape.size();
  if (node.op == "Cast") {
    if (finder.value(node.outputs[0]).dtype != DType::kF32) return false;
  } else if (node.op == "Transpose") {
    const auto order = onnx::transpose_order(finder.context(node));
    if (!chain.channels_last || !order.is_ok() || order.value() != std::vector<int64_t>{0, 3, 1, 2}) return false;
    chain.channels_last = false;
  } else if (node.op == "Add" || node.op == "Sub" || node.op == "Mul" || node.op == "Div") {
    const bool first = node.inputs[0] == chain.value;
    const auto numbers = per_channel(finder.value(node.inputs[first ? 1 : 0]), chain, rank);
    if (!numbers || (node.op == "Div" && !first) || node.inputs[0] == node.inputs[1]) return false;
    for (size_t c = 0; c < 3; ++c) {
      const double number = (*numbers)[c];
      if (node.op == "Add") chain.offset[c] += number;
      if (node.op == "Sub") chain.offset[c] -= number;
      if (node.op == "Sub" && !first) {
        chain.scale[c] = -chain.scale[c];
        chain.offset[c] = -chain.offset[c];
      }
      if (node.op != "Mul" && node.op != "Div") continue;
      chain.scale[c] *= node.op == "Mul" ? number : 1 / number;
      chain.offset[c] *= node.op == "Mul" ? number : 1 / number;
    }
  } else {
    return false;
  }
  chain.value = node.outputs[0];
  return true;
}

// (x / largest - mean) / deviation
bool is_official_normalisation(const ImageChain& chain, double largest) {
  for (size_t c = 0; c < 3; ++c)
    if (!is_near(chain.scale[c] * largest * kDeviation[c], 1, 1) ||
        !is_near(chain.offset[c] * kDeviation[c], -kMean[c], kMean[c]))
      return false;
  return true;
}

// ---- The decoder's outputs.

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
  Choice choice = trace(finder, output_value(graph, output), output == kExportedMasks);
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
  static const std::set<std::string> known = {"Sigmoid", "Gemm", "Add", "MatMul"};
  const Node* last = maker(finder, scores.source);
  if (last == nullptr || known.count(last->op) == 0)
    return not_found(fmt::format("its iou_predictions are made by {}, not by the head of the scores",
                                 last == nullptr ? scores.source : last->place()));
  return Status::ok();
}

// ---- The decoder's inputs.

Status check_types(const SimpleGraph& graph) {
  for (const onnx::SimpleInput& input : graph.inputs) {
    const bool whole = input.name == kPointLabels && (input.dtype == DType::kI64 || input.dtype == DType::kI32);
    if (input.dtype != DType::kF32 && !whole)
      return not_found(fmt::format("its input {} is of {}, not of f32", input.name, dtype_name(input.dtype)));
  }
  return Status::ok();
}

Status find_labels(const Finder& finder, DecoderCuts& cuts) {
  std::string beside;
  const Node* appended = finder.reader(finder.behind(kPointLabels, {"Cast"}), "Concat", beside);
  if (appended == nullptr || !finder.holds_only(beside, -1.0) || appended->inputs[1] != beside)
    return not_found("it appends no pad point's label (-1) to point_labels");
  cuts.labels = appended->outputs[0];
  // It must tell apart what the labels mean: -1 no point, 0 outside, 1 inside, 2 and 3 the corners of a box.
  std::set<double> compared;
  std::vector<std::string> waiting = {cuts.labels};
  for (size_t i = 0; i < waiting.size(); ++i)
    for (const Node* node : finder.readers(waiting[i])) {
      if (node->op == "Equal") {
        const Value& other = finder.value(node->inputs[node->inputs[0] == waiting[i] ? 1 : 0]);
        if (other.constant && other.constant->count() > 0) compared.insert(other.constant->real(0));
      } else if (node->op == "Cast" || node->op == "Unsqueeze" || node->op == "Reshape" || node->op == "Expand") {
        waiting.push_back(node->outputs[0]);
      }
    }
  static const std::set<double> meant = {-1, 0, 1, 2, 3};
  const bool all_known =
      std::all_of(compared.begin(), compared.end(), [](double label) { return meant.count(label) != 0; });
  if (all_known && compared.count(-1) != 0 && compared.count(0) != 0 && compared.count(1) != 0) return Status::ok();
  return not_found(fmt::format("it compares point_labels with {}, not with -1, 0, 1, 2 and 3",
                               compared.empty() ? "nothing" : fmt::format("{}", fmt::join(compared, ", "))));
}

// The operand of the position encoding: coordinates from -1 to 1, times a constant (2, n).
std::string find_encoded(const SimpleGraph& graph, int64_t coordinates) {
  for (const Node& node : graph.nodes) {
    if (node.op != "MatMul") continue;
    const Value& given = graph.value(node.inputs[0]);
    const Value& matrix = graph.value(node.inputs[1]);
    if (!given.constant && matrix.constant && matrix.rank() == 2 && matrix.shape[0] == 2 && given.rank() >= 2 &&
        given.shape.back() == 2 && element_count(given.shape) == coordinates)
      return node.inputs[0];
  }
  return {};
}

// The affine function that these coordinates went through, the same for x and y; nothing when it is none such. They are
// of the points (0, 0), (S, 0) and (0, S).
std::optional<Affine> fit(const std::array<double, 6>& values, double s) {
  const double x0 = values[0], y0 = values[1];
  const Affine affine{(values[2] - x0) / s, x0};
  const double size = std::max({1.0, std::fabs(affine.scale * s), std::fabs(x0)});
  constexpr double kRounding = 1e-5;
  const auto same = [&](double a, double b) { return std::fabs(a - b) <= kRounding * size; };
  if (affine.scale == 0 || !same(y0, x0) || !same(values[3], y0) || !same(values[4], x0) || !same(values[5], values[2]))
    return std::nullopt;
  return affine;
}

// The coordinates that a position encoding from -1 to 1 shows for what arrives at it. The official code makes it of
// pixels as 2 (p + 0.5) / S - 1. Some graphs take 0..1, and some leave the 0.5 to the caller.
std::optional<Affine> from_pixels(const Affine& encoded, int64_t image_size) {
  const double s = static_cast<double>(image_size);
  const bool pixels = is_near(encoded.scale * s, 2, 2);
  if (!pixels && !is_near(encoded.scale, 2, 2)) return std::nullopt;
  const bool has_half = is_near(s * (encoded.offset + 1), 1, 1);
  if (!has_half && !is_near(s * (encoded.offset + 1), 0, 1)) return std::nullopt;
  const double unit = pixels ? 1 : 1 / s;
  return Affine{unit, has_half ? 0 : 0.5 * unit};
}

Status find_points(const onnx::Model& model, SimplifyOptions options, const SimpleGraph& graph, int64_t image_size,
                   DecoderCuts& cuts) {
  const Finder finder(graph);
  std::string beside;
  const std::string settled = finder.behind(kPointCoords, {"Add", "Sub", "Mul", "Div", "Cast"});
  const Node* appended = finder.reader(settled, "Concat", beside);
  if (appended == nullptr || !finder.value(beside).constant || appended->inputs[1] != beside)
    return not_found("it appends no pad point to point_coords");
  cuts.points = appended->outputs[0];
  const std::string encoded = find_encoded(graph, element_count(graph.value(cuts.points).shape));
  if (encoded.empty()) return not_found("no position encoding of its points was found");

  // What becomes of three points tells where the graph takes them to be.
  const float s = static_cast<float>(image_size);
  Tensor probe({1, 3, 2});
  std::fill(probe.f32().begin(), probe.f32().end(), 0.0f);
  probe.f32()[2] = probe.f32()[5] = s;
  options.input_shapes[kPointCoords] = {1, 3, 2};
  options.input_shapes[kPointLabels] = {1, 3};
  options.fixed_inputs[kPointCoords] = onnx::Constant::of(std::move(probe));
  options.outputs = {cuts.points, encoded};
  SAMC_ASSIGN(const SimpleGraph probed, onnx::simplify(model, options));
  std::array<std::array<double, 6>, 2> values{};
  for (size_t k = 0; k < 2; ++k) {
    const Value& value = probed.value(probed.outputs[k].value);
    if (!value.constant || value.constant->count() != 8)
      return not_found("the coordinates of its points depend on more than point_coords");
    for (size_t i = 0; i < 6; ++i) values[k][i] = value.constant->real(static_cast<int64_t>(i));
  }
  const std::optional<Affine> given = fit(values[0], s);
  const std::optional<Affine> shown = fit(values[1], s);
  const std::optional<Affine> input = shown ? from_pixels(*shown, image_size) : std::nullopt;
  const std::optional<Affine> cut =
      shown && given
          ? from_pixels({shown->scale / given->scale, shown->offset - shown->scale / given->scale * given->offset},
                        image_size)
          : std::nullopt;
  if (!input || !cut)
    return not_found(
        fmt::format("its point_coords are neither pixels nor 0..1: the point ({}, 0) is encoded as "
                    "({:.4g}, {:.4g}), (0, 0) as ({:.4g}, {:.4g})",
                    image_size, values[1][2], values[1][3], values[1][0], values[1][1]));
  cuts.input_from_pixels = *input;
  cuts.from_pixels = *cut;
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
    return not_found("it adds no embedding of a mask to image_embed");
  for (const Node* node : finder.readers(kMaskInput))
    if (node->op != "Conv" || node->inputs[0] != kMaskInput)
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

Result<std::string> find_normalised_image(const SimpleGraph& encoder) {
  const Finder finder(encoder);
  ImageChain chain;
  const Value& image = encoder.value(kImage);
  chain.channels_last = image.shape.back() == 3;
  const Node* next = nullptr;
  while (true) {
    const std::vector<const Node*> readers = finder.readers(chain.value);
    if (readers.size() != 1) return not_found(fmt::format("{} operations read its {}", readers.size(), chain.value));
    next = readers[0];
    if (!follow(finder, *next, chain)) break;
  }
  if (next->op != "Conv" || next->inputs[0] != chain.value || chain.channels_last)
    return not_found(fmt::format("{} reads its image, where a convolution is expected", next->place()));
  const bool untouched =
      chain.scale == std::array<double, 3>{1, 1, 1} && chain.offset == std::array<double, 3>{0, 0, 0};
  if (is_official_normalisation(chain, 255) || is_official_normalisation(chain, 1)) return chain.value;
  if (untouched && image.dtype == DType::kF32) return chain.value;
  if (untouched)
    return not_found(fmt::format("its input image is of {}, and nothing normalises it", dtype_name(image.dtype)));
  return not_found(
      fmt::format("it makes ({:.5g}, {:.5g}, {:.5g}) image + ({:.5g}, {:.5g}, {:.5g}) of its image, which "
                  "is not the official normalisation",
                  chain.scale[0], chain.scale[1], chain.scale[2], chain.offset[0], chain.offset[1], chain.offset[2]));
}

Result<DecoderCuts> find_cuts(const onnx::Model& model, const SimplifyOptions& options, const SimpleGraph& decoder,
                              int64_t image_size) {
  DecoderCuts cuts;
  SAMC_TRY(check_types(decoder));
  SAMC_TRY(find_labels(Finder(decoder), cuts));
  SAMC_TRY(find_points(model, options, decoder, image_size, cuts));
  SAMC_TRY(find_mask(model, options, decoder, cuts));
  SAMC_TRY(find_outputs(decoder, image_size, cuts));
  return cuts;
}

}  // namespace samc
