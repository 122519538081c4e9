// What an export's decoder makes of the coordinates and labels of points before it encodes them.

#include <array>
#include <optional>

#include "model/export_finder.h"
#include "package/model_names.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::SimplifyOptions;
using onnx::Value;

// The operand of the position encoding: coordinates from -1 to 1, times a constant (2, n). One of (2, 2) makes
// coordinates again.
std::string find_encoded(const SimpleGraph& graph, int64_t coordinates) {
  for (const Node& node : graph.nodes) {
    if (node.op != "MatMul") continue;
    const Value& given = graph.value(node.inputs[0]);
    const Value& matrix = graph.value(node.inputs[1]);
    if (!given.constant && matrix.constant && matrix.rank() == 2 && matrix.shape[0] == 2 && matrix.shape[1] > 2 &&
        given.rank() >= 2 && given.shape.back() == 2 && element_count(given.shape) == coordinates)
      return node.inputs[0];
  }
  return {};
}

// The Concat that appends a constant to what became of an input, which is this value now.
Result<const Node*> find_appended(const Finder& finder, const std::string& input, const std::string& value) {
  for (const Node* node : finder.readers(value))
    if (node->op == "Concat" && node->inputs.size() == 2 && node->inputs[0] == value &&
        finder.value(node->inputs[1]).constant)
      return node;
  return not_found(fmt::format("the pad point is expected to be appended to {} by a Concat, and there it is read by {}",
                               input, finder.places_of_readers(value)));
}

// What these values become when an input is known.
Result<std::vector<std::vector<double>>> probe(const onnx::Model& model, SimplifyOptions options,
                                               const std::string& input, Tensor given,
                                               const std::vector<std::string>& values) {
  const int64_t points = given.shape()[1];
  options.input_shapes[kPointCoords] = {1, points, 2};
  options.input_shapes[kPointLabels] = {1, points};
  const int64_t wanted = given.count() / points * (points + 1);  // with the pad point
  options.fixed_inputs[input] = onnx::Constant::of(std::move(given));
  options.outputs = values;
  SAMC_ASSIGN(const SimpleGraph probed, onnx::simplify(model, options));
  std::vector<std::vector<double>> found;
  for (const onnx::SimpleOutput& output : probed.outputs) {
    const Value& value = probed.value(output.value);
    if (!value.constant && !probed.nodes.empty())
      return not_found(fmt::format("{} has a part in what becomes of {}, and samc cannot tell beforehand what it makes",
                                   probed.nodes.front().place(), input));
    if (!value.constant || value.constant->count() != wanted)
      return not_found(fmt::format("it makes {} of {} of {}", shape_to_string(value.shape), points, input));
    std::vector<double>& numbers = found.emplace_back();
    for (int64_t i = 0; i < wanted; ++i) numbers.push_back(value.constant->real(i));
  }
  return found;
}

// Points by which the coordinates' measure is found, in parts of the picture's side: the first three show it, the
// others that it is the same between and beyond them. Fractions of a pixel are among them.
constexpr std::array<std::array<double, 2>, 9> kProbes = {{{0, 0},
                                                           {1, 0},
                                                           {0, 1},
                                                           {0.5013, 0.2521},
                                                           {0.9007, 0.7703},
                                                           {0.0011, 0.0027},
                                                           {-0.0013, -0.0019},
                                                           {-0.5007, 1.5003},
                                                           {2.0003, -1.0001}}};

// The affine function that the probes went through, the same for x and y.
Result<Affine> fit(const std::vector<double>& values, double s, const char* became) {
  const Affine affine{(values[2] - values[0]) / s, values[0]};
  constexpr double kRounding = 1e-5;
  for (size_t i = 0; i < kProbes.size(); ++i) {
    std::array<double, 2> expected{};
    bool fits = affine.scale != 0;
    for (size_t axis = 0; axis < 2; ++axis) {
      expected[axis] = affine.scale * static_cast<float>(kProbes[i][axis] * s) + affine.offset;
      fits = fits && std::fabs(values[2 * i + axis] - expected[axis]) <=
                         kRounding * std::max({1.0, std::fabs(expected[axis]), std::fabs(affine.offset)});
    }
    if (fits) continue;
    const std::string third = fmt::format(" and ({:.6g}, {:.6g}) ({:.6g}, {:.6g})", kProbes[i][0] * s,
                                          kProbes[i][1] * s, values[2 * i], values[2 * i + 1]);
    return not_found(
        fmt::format("its point_coords are neither pixels nor 0..1: (0, 0) {} ({:.4g}, {:.4g}), ({:.6g}, 0) "
                    "({:.4g}, {:.4g}){}",
                    became, values[0], values[1], s, values[2], values[3], i < 2 ? "" : third));
  }
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

constexpr std::array<int, 5> kLabels = {-1, 0, 1, 2, 3};

// Labels -1, 0, 1, 2 and 3 must still be told apart where the pad point's is appended.
Status check_labels_kept(const onnx::Model& model, const SimplifyOptions& options, const std::string& labels) {
  const auto input = std::find_if(model.graph.inputs.begin(), model.graph.inputs.end(),
                                  [](const auto& candidate) { return candidate.name == kPointLabels; });
  Tensor given(input->dtype, {1, static_cast<int64_t>(kLabels.size())});
  for (size_t i = 0; i < kLabels.size(); ++i) {
    if (input->dtype == DType::kF32) given.f32()[i] = static_cast<float>(kLabels[i]);
    if (input->dtype == DType::kI64) given.as<int64_t>()[i] = kLabels[i];
    if (input->dtype == DType::kI32) given.as<int32_t>()[i] = kLabels[i];
  }
  SAMC_ASSIGN(const auto values, probe(model, options, kPointLabels, std::move(given), {labels}));
  for (size_t i = 0; i < kLabels.size(); ++i)
    if (values[0][i] != kLabels[i])
      return not_found(fmt::format("it makes {} of the label {} in point_labels", values[0][i], kLabels[i]));
  return Status::ok();
}

// It must tell apart what the labels mean: -1 no point, 0 outside, 1 inside, 2 and 3 the corners of a box.
Status check_comparisons(const Finder& finder, const std::string& labels) {
  static const std::set<std::string> passed = {"Unsqueeze", "Reshape", "Expand"};
  std::set<double> compared;
  std::set<std::string> others;  // nodes that do something else with them
  std::vector<std::string> waiting = {labels};
  for (size_t i = 0; i < waiting.size(); ++i)
    for (const Node* node : finder.readers(waiting[i])) {
      const DType made = finder.value(node->outputs[0]).dtype;
      const bool holds_labels = made != DType::kBool && made != DType::kU8;
      if (node->op == "Equal") {
        const Value& other = finder.value(node->inputs[node->inputs[0] == waiting[i] ? 1 : 0]);
        if (other.constant && other.constant->count() > 0) compared.insert(other.constant->real(0));
      } else if (passed.count(node->op) != 0 || (node->op == "Cast" && holds_labels)) {
        waiting.push_back(node->outputs[0]);
      } else {
        others.insert(node->place());
      }
    }
  const bool all_known = std::all_of(compared.begin(), compared.end(), [](double label) {
    return std::find(kLabels.begin(), kLabels.end(), label) != kLabels.end();
  });
  if (all_known && compared.count(-1) != 0 && compared.count(0) != 0 && compared.count(1) != 0) return Status::ok();
  return not_found(fmt::format("it compares point_labels with {}, not with -1, 0, 1, 2 and 3{}",
                               compared.empty() ? "nothing" : fmt::format("{}", fmt::join(compared, ", ")),
                               others.empty() ? "" : fmt::format(": {} reads them", fmt::join(others, " and "))));
}

}  // namespace

Status find_labels(const onnx::Model& model, const SimplifyOptions& options, const SimpleGraph& graph,
                   DecoderCuts& cuts) {
  const Finder finder(graph);
  SAMC_ASSIGN(const Node* appended, find_appended(finder, kPointLabels, finder.behind(kPointLabels, {"Cast"})));
  if (!finder.holds_only(appended->inputs[1], -1.0))
    return not_found(fmt::format("{} appends another label than the pad point's (-1)", appended->place()));
  cuts.labels = appended->outputs[0];
  SAMC_TRY(check_labels_kept(model, options, cuts.labels));
  return check_comparisons(finder, cuts.labels);
}

Status find_points(const onnx::Model& model, const SimplifyOptions& options, const SimpleGraph& graph,
                   int64_t image_size, DecoderCuts& cuts) {
  const Finder finder(graph);
  SAMC_ASSIGN(const Node* appended,
              find_appended(finder, kPointCoords, finder.behind(kPointCoords, {"Add", "Sub", "Mul", "Div", "Cast"})));
  cuts.points = appended->outputs[0];
  const std::string encoded = find_encoded(graph, element_count(graph.value(cuts.points).shape));
  if (encoded.empty()) return not_found("no position encoding of its points was found");

  // What becomes of some points tells where the graph takes them to be.
  const double s = static_cast<double>(image_size);
  Tensor points({1, static_cast<int64_t>(kProbes.size()), 2});
  for (size_t i = 0; i < 2 * kProbes.size(); ++i) points.f32()[i] = static_cast<float>(kProbes[i / 2][i % 2] * s);
  SAMC_ASSIGN(const auto values, probe(model, options, kPointCoords, std::move(points), {cuts.points, encoded}));
  SAMC_ASSIGN(const Affine shown, fit(values[1], s, "is encoded as"));
  SAMC_ASSIGN(const Affine given, fit(values[0], s, "becomes"));
  const std::optional<Affine> input = from_pixels(shown, image_size);
  const double scale = shown.scale / given.scale;
  const std::optional<Affine> cut = from_pixels({scale, shown.offset - scale * given.offset}, image_size);
  if (!input || !cut)
    return not_found(
        fmt::format("its point_coords are neither pixels nor 0..1: the point ({}, 0) is encoded as "
                    "({:.4g}, {:.4g}), (0, 0) as ({:.4g}, {:.4g})",
                    image_size, values[1][2], values[1][3], values[1][0], values[1][1]));
  cuts.input_from_pixels = *input;
  cuts.from_pixels = *cut;
  return Status::ok();
}

}  // namespace samc
