#include "model/exported_model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "onnx/compose.h"
#include "onnx/import.h"
#include "onnx/simplify.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::SimplifyOptions;

constexpr const char* kKnownExport = "samc reads what samexporter writes: see docs/onnx_route.md";
constexpr int64_t kMasks = 4;  // the single mask and three more
const std::vector<std::string> kFeatures = {"high_res_feats_0", "high_res_feats_1", "image_embed"};

std::string names_of(const std::vector<onnx::ValueType>& values) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const onnx::ValueType& value : values) names.push_back(value.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const onnx::ValueType* find(const std::vector<onnx::ValueType>& values, const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.name == name; });
  return found == values.end() ? nullptr : &*found;
}

Status need(const std::vector<onnx::ValueType>& values, const std::vector<std::string>& wanted, const char* kind) {
  for (const std::string& name : wanted)
    if (find(values, name) == nullptr)
      return invalid_input(fmt::format("it has no {} {}; its {}s are {}", kind, name, kind, names_of(values)),
                           kKnownExport);
  return Status::ok();
}

// One question after another to the nodes of a graph.
class Finder {
 public:
  explicit Finder(const SimpleGraph& graph) : graph_(graph) {}

  const Node* producer(const std::string& name) const {
    for (const Node& node : graph_.nodes)
      if (std::find(node.outputs.begin(), node.outputs.end(), name) != node.outputs.end()) return &node;
    return nullptr;
  }
  // The node of this operator that reads the value, and the operand beside it; null when there is none.
  const Node* reader(const std::string& name, const std::string& op, std::string& beside) const {
    for (const Node& node : graph_.nodes) {
      if (node.op != op || node.inputs.size() != 2) continue;
      for (size_t i = 0; i < 2; ++i)
        if (node.inputs[i] == name) {
          beside = node.inputs[1 - i];
          return &node;
        }
    }
    return nullptr;
  }
  bool is_constant(const std::string& name, double value) const {
    const onnx::Value& found = graph_.value(name);
    if (!found.constant) return false;
    for (int64_t i = 0; i < found.constant->count(); ++i)
      if (found.constant->real(i) != value) return false;
    return true;
  }
  // The value that masks are chosen from: before slices of axis 1 and clamping.
  std::string before_choice(std::string name) const {
    while (const Node* node = producer(name)) {
      if (node->op != "Slice" && node->op != "Clip") break;
      const Shape& from = graph_.value(node->inputs[0]).shape;
      Shape expected = from;
      if (expected.size() < 2) break;
      expected[1] = graph_.value(name).shape[1];
      if (expected != graph_.value(name).shape) break;
      name = node->inputs[0];
    }
    return name;
  }

 private:
  const SimpleGraph& graph_;
};

Status not_found(const std::string& what) { return unsupported(what, kKnownExport); }

Result<DecoderCuts> find_cuts(const SimpleGraph& graph) {
  const Finder finder(graph);
  DecoderCuts cuts;
  std::string beside;
  const Node* labels = finder.reader("point_labels", "Concat", beside);
  if (labels == nullptr || !finder.is_constant(beside, -1.0))
    return not_found("it appends no pad point's label (-1) to point_labels");
  cuts.labels = labels->outputs[0];

  std::string centred = "point_coords";
  if (const Node* offset = finder.reader(centred, "Add", beside); offset != nullptr) {
    const onnx::Value& constant = graph.value(beside);
    if (!constant.constant || constant.constant->count() != 1) return not_found("it adds data to point_coords");
    cuts.points_offset = constant.constant->real(0);
    centred = offset->outputs[0];
  }
  const Node* points = finder.reader(centred, "Concat", beside);
  if (points == nullptr || !graph.value(beside).constant) return not_found("it appends no pad point to point_coords");
  cuts.points = points->outputs[0];

  const Node* source = finder.reader("image_embed", "Add", cuts.dense_embed);
  if (source == nullptr || graph.value(cuts.dense_embed).shape != graph.value("image_embed").shape)
    return not_found("it adds no embedding of a mask to image_embed");

  const auto cut_before_choice = [&](const char* output, std::string& cut) -> Status {
    const auto found = std::find_if(graph.outputs.begin(), graph.outputs.end(),
                                    [&](const auto& candidate) { return candidate.name == output; });
    cut = finder.before_choice(found->value);
    const Shape& shape = graph.value(cut).shape;
    if (shape.size() >= 2 && shape[1] == kMasks) return Status::ok();
    return not_found(fmt::format("its {} come from {} masks, and samc needs the single mask and three more", output,
                                 shape.size() < 2 ? 0 : shape[1]));
  };
  SAMC_TRY(cut_before_choice("masks", cuts.logits));
  SAMC_TRY(cut_before_choice("iou_predictions", cuts.scores));
  return cuts;
}

SimplifyOptions decoder_options(const ExportedModel& model, int64_t points) {
  const int64_t side = model.image_size / 4;
  SimplifyOptions options;
  for (const NamedShape& feature : model.features) options.input_shapes[feature.name] = feature.shape;
  options.input_shapes["point_coords"] = {1, points, 2};
  options.input_shapes["point_labels"] = {1, points};
  options.input_shapes["mask_input"] = {1, 1, side, side};
  options.input_shapes["has_mask_input"] = {1};
  return options;
}

onnx::Constant scalar(float value) {
  Tensor tensor(Shape{1});
  tensor.f32()[0] = value;
  return onnx::Constant::of(std::move(tensor));
}

void rename(SimpleGraph& graph, const std::string& from, const std::string& to) {
  for (Node& node : graph.nodes) {
    std::replace(node.inputs.begin(), node.inputs.end(), from, to);
    std::replace(node.outputs.begin(), node.outputs.end(), from, to);
  }
  for (onnx::SimpleInput& input : graph.inputs)
    if (input.name == from) input.name = to;
  for (onnx::SimpleOutput& output : graph.outputs)
    if (output.value == from) output.value = to;
  if (auto value = graph.values.extract(from)) {
    graph.values.erase(to);  // of an input that nothing reads any more
    value.key() = to;
    graph.values.insert(std::move(value));
  }
}

Status need_unread(const SimpleGraph& graph, const std::vector<std::string>& inputs) {
  for (const Node& node : graph.nodes)
    for (const std::string& name : inputs)
      if (std::find(node.inputs.begin(), node.inputs.end(), name) != node.inputs.end())
        return not_found(fmt::format("{} reads the input {}, which is not expected there", node.place(), name));
  return Status::ok();
}

// These inputs in this order; the model's other ones must have lost their readers by the cuts.
Status keep_inputs(SimpleGraph& graph, const std::vector<std::string>& wanted) {
  std::vector<onnx::SimpleInput> kept;
  std::vector<std::string> others;
  for (const onnx::SimpleInput& input : graph.inputs)
    if (std::find(wanted.begin(), wanted.end(), input.name) == wanted.end()) others.push_back(input.name);
  SAMC_TRY(need_unread(graph, others));
  for (const std::string& name : wanted)
    for (const onnx::SimpleInput& input : graph.inputs)
      if (input.name == name) kept.push_back(input);
  graph.inputs = std::move(kept);
  return Status::ok();
}

Status import(SimpleGraph& graph, const onnx::Model& model, const std::string& function, const std::string& prefix,
              GraphBuilder& builder) {
  onnx::compose(graph);
  return onnx::import_graph(graph, {.function = function, .weight_prefix = prefix}, builder).at(model.path);
}

// The decoder from behind the pad point, and from the other cuts, to the four masks that it chooses from.
Result<SimpleGraph> cut_decoder(const ExportedModel& model, int64_t points, const std::vector<std::string>& more_cuts) {
  SAMC_CHECK(points >= 2, "{} points with the pad point", points);
  const DecoderCuts& cuts = model.cuts;
  SimplifyOptions options = decoder_options(model, points - 1);
  options.outputs = {cuts.logits, cuts.scores};
  options.cuts = {cuts.points, cuts.labels};
  options.cuts.insert(options.cuts.end(), more_cuts.begin(), more_cuts.end());
  SAMC_ASSIGN(SimpleGraph decoder, onnx::simplify(model.decoder, options));
  decoder.outputs[0].name = "low_res_logits";
  decoder.outputs[1].name = "iou_predictions";
  SAMC_TRY(need_unread(decoder, {"point_coords", "point_labels"}).at(model.decoder.path));
  std::erase_if(decoder.inputs, [](const onnx::SimpleInput& input) {
    return input.name == "point_coords" || input.name == "point_labels";
  });
  rename(decoder, cuts.labels, "point_labels");
  // The offset stands in front of the cut, so it is added again.
  decoder.values["point_coords"] = decoder.value(cuts.points);
  for (onnx::SimpleInput& input : decoder.inputs)
    if (input.name == cuts.points) input.name = "point_coords";
  if (cuts.points_offset != 0) {
    const std::string offset = cuts.points + "/offset";
    const onnx::Constant constant = scalar(static_cast<float>(cuts.points_offset));
    decoder.values[offset] = {.dtype = DType::kF32, .shape = {1}, .constant = constant};
    decoder.nodes.insert(decoder.nodes.begin(),
                         Node{.op = "Add", .inputs = {"point_coords", offset}, .outputs = {cuts.points}});
  } else {
    rename(decoder, cuts.points, "point_coords");
  }
  return decoder;
}

Result<int64_t> find_image_size(const onnx::Model& encoder) {
  SAMC_TRY(need(encoder.graph.inputs, {"image"}, "input"));
  SAMC_TRY(need(encoder.graph.outputs, kFeatures, "output"));
  const std::vector<onnx::Dimension>& shape = find(encoder.graph.inputs, "image")->shape;
  const bool square = shape.size() == 4 && shape[1].extent == 3 && shape[2].extent > 0 &&
                      shape[2].extent == shape[3].extent && shape[2].extent % 16 == 0;
  if (!square) return not_found("its input image is not (1, 3, size, size) of a fixed size");
  return shape[2].extent;
}

Result<SimpleGraph> simplify_encoder(const ExportedModel& model) {
  SimplifyOptions options;
  options.outputs = kFeatures;
  options.input_shapes["image"] = {1, 3, model.image_size, model.image_size};
  return onnx::simplify(model.encoder, options);
}

Status read_decoder(ExportedModel& model) {
  const onnx::Graph& graph = model.decoder.graph;
  std::vector<std::string> inputs = kFeatures;
  inputs.insert(inputs.end(), {"point_coords", "point_labels", "mask_input", "has_mask_input"});
  SAMC_TRY(need(graph.inputs, inputs, "input"));
  SAMC_TRY(need(graph.outputs, {"masks", "iou_predictions"}, "output"));
  const std::vector<onnx::Dimension>& points = find(graph.inputs, "point_coords")->shape;
  if (points.size() != 3 || points[1].extent >= 0)
    return unsupported("it takes a fixed number of points", "export it with a dynamic number, as samexporter does");
  Result<SimpleGraph> simple = onnx::simplify(model.decoder, decoder_options(model, 1));
  if (!simple.is_ok()) return simple.status();
  SAMC_ASSIGN(model.cuts, find_cuts(simple.value()));
  return Status::ok();
}

Result<onnx::Model> load_part(const std::string& folder, const char* file) {
  Result<onnx::Model> loaded = onnx::Model::load((std::filesystem::path(folder) / file).string());
  if (!loaded.is_ok() && loaded.status().code() == StatusCode::kIo)
    return Status(StatusCode::kIo, loaded.status().message(),
                  "a model's folder holds encoder.onnx and decoder.onnx, and their weights");
  return loaded;
}

std::string folder_name(const std::string& folder) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::weakly_canonical(folder, error);
  if (!path.has_filename()) path = path.parent_path();
  return path.filename().empty() ? "export" : path.filename().string();
}

}  // namespace

Result<ExportedModel> ExportedModel::load(const std::string& folder) {
  ExportedModel model;
  model.name = folder_name(folder);
  SAMC_ASSIGN(model.encoder, load_part(folder, "encoder.onnx"));
  SAMC_ASSIGN(model.decoder, load_part(folder, "decoder.onnx"));
  const Result<int64_t> size = find_image_size(model.encoder);
  if (!size.is_ok()) return size.status().at(model.encoder.path);
  model.image_size = size.value();
  SAMC_ASSIGN(model.encoder_graph, simplify_encoder(model));
  for (const onnx::SimpleOutput& output : model.encoder_graph.outputs)
    model.features.push_back({output.name, model.encoder_graph.value(output.value).shape});
  if (const Status status = read_decoder(model); !status.is_ok()) {
    const bool has_place = status.message().starts_with(model.decoder.path);
    return has_place ? status : status.at(model.decoder.path);
  }
  return model;
}

Result<std::vector<std::string>> ExportedModel::files(const std::string& folder) {
  std::vector<std::string> list;
  for (const char* part : {"encoder.onnx", "decoder.onnx"}) {
    SAMC_ASSIGN(const onnx::Model model, load_part(folder, part));
    list.push_back(model.path);
    list.insert(list.end(), model.external_files.begin(), model.external_files.end());
  }
  return list;
}

std::vector<std::string> ExportedModel::non_finite_weights() const {
  constexpr size_t kMost = 5;
  std::vector<std::string> lines;
  for (const onnx::Model* model : {&encoder, &decoder})
    for (const auto& [weight, constant] : model->graph.initialisers) {
      if (constant.view.dtype != DType::kF32 || lines.size() == kMost) continue;
      const std::span<const float> values = constant.view.f32();
      const auto nans = std::count_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
      const auto infinite = std::count_if(values.begin(), values.end(), [](float value) { return std::isinf(value); });
      if (nans + infinite > 0)
        lines.push_back(fmt::format("{} holds {} NaN and {} infinite values", weight, nans, infinite));
    }
  return lines;
}

std::string ExportedModel::description() const {
  return fmt::format("ONNX export, opset {}: encoder of {} nodes for {} x {} pixels, decoder of {} nodes",
                     encoder.opset, encoder.graph.nodes.size(), image_size, image_size, decoder.graph.nodes.size());
}

Status build_image_encoder(const ExportedModel& model, GraphBuilder& graph, const std::string& name) {
  SimpleGraph encoder = model.encoder_graph;
  return import(encoder, model.encoder, name, "encoder.", graph);
}

Status build_mask_encoder(const ExportedModel& model, GraphBuilder& graph, const std::string& name) {
  SimplifyOptions options = decoder_options(model, 1);
  options.fixed_inputs["has_mask_input"] = scalar(1);
  options.input_shapes.erase("has_mask_input");
  options.outputs = {model.cuts.dense_embed};
  SAMC_ASSIGN(SimpleGraph encoder, onnx::simplify(model.decoder, options));
  SAMC_TRY(keep_inputs(encoder, {"mask_input"}).at(model.decoder.path));
  encoder.outputs[0].name = "dense_embed";
  return import(encoder, model.decoder, name, "decoder.", graph);
}

Status build_no_mask(const ExportedModel& model, GraphBuilder& graph, const std::string& name) {
  SimplifyOptions options = decoder_options(model, 1);
  options.fixed_inputs["has_mask_input"] = scalar(0);
  // What it holds does not count, but the graph reads it.
  options.fixed_inputs["mask_input"] = onnx::Constant::of(Tensor::zeros(options.input_shapes.at("mask_input")));
  options.input_shapes.erase("has_mask_input");
  options.input_shapes.erase("mask_input");
  options.outputs = {model.cuts.dense_embed};
  SAMC_ASSIGN(SimpleGraph no_mask, onnx::simplify(model.decoder, options));
  SAMC_TRY(keep_inputs(no_mask, {}).at(model.decoder.path));
  no_mask.outputs[0].name = "dense_embed";
  return import(no_mask, model.decoder, name, "decoder.", graph);
}

Status build_mask_decoder(const ExportedModel& model, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_ASSIGN(SimpleGraph decoder, cut_decoder(model, points, {model.cuts.dense_embed}));
  rename(decoder, model.cuts.dense_embed, "dense_embed");
  SAMC_TRY(keep_inputs(decoder, {"image_embed", "high_res_feats_0", "high_res_feats_1", "dense_embed", "point_coords",
                                 "point_labels"})
               .at(model.decoder.path));
  return import(decoder, model.decoder, name, "decoder.", graph);
}

Status build_export_decoder(const ExportedModel& model, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_CHECK(points >= 1, "{} points", points);
  SimplifyOptions options = decoder_options(model, points);
  options.outputs = {"masks", "iou_predictions"};
  SAMC_ASSIGN(SimpleGraph decoder, onnx::simplify(model.decoder, options));
  return import(decoder, model.decoder, name, "decoder.", graph);
}

Status build_mask_decoder_with_mask(const ExportedModel& model, int64_t points, GraphBuilder& graph,
                                    const std::string& name,
                                    const std::function<Status(GraphBuilder& graph, mlir::Value labels)>& extend) {
  SAMC_ASSIGN(SimpleGraph decoder, cut_decoder(model, points, {}));
  SAMC_TRY(keep_inputs(decoder, {"image_embed", "high_res_feats_0", "high_res_feats_1", "point_coords", "point_labels",
                                 "mask_input", "has_mask_input"})
               .at(model.decoder.path));
  onnx::compose(decoder);
  onnx::ImportOptions options{.function = name, .weight_prefix = "decoder."};
  options.extend = [&](GraphBuilder& builder, const std::map<std::string, mlir::Value>& values) {
    return extend(builder, values.at("point_labels"));
  };
  return onnx::import_graph(decoder, options, graph).at(model.decoder.path);
}

}  // namespace samc
