// What an export's decoder makes of the coordinates and labels of points before it encodes them.

#include <array>
#include <optional>

#include "model/export_finder.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::SimplifyOptions;
using onnx::Value;

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

}  // namespace

Status find_labels(const Finder& finder, DecoderCuts& cuts) {
  std::string beside;
  const Node* appended = finder.reader(finder.behind("point_labels", {"Cast"}), "Concat", beside);
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

Status find_points(const onnx::Model& model, SimplifyOptions options, const SimpleGraph& graph, int64_t image_size,
                   DecoderCuts& cuts) {
  const Finder finder(graph);
  std::string beside;
  const std::string settled = finder.behind("point_coords", {"Add", "Sub", "Mul", "Div", "Cast"});
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
  options.input_shapes["point_coords"] = {1, 3, 2};
  options.input_shapes["point_labels"] = {1, 3};
  options.fixed_inputs["point_coords"] = onnx::Constant::of(std::move(probe));
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

}  // namespace samc
