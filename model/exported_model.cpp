#include "model/exported_model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "model/export_finder.h"
#include "model/identity.h"
#include "onnx/compose.h"
#include "onnx/import.h"
#include "onnx/simplify.h"

namespace samc {
namespace {

using onnx::Node;
using onnx::SimpleGraph;
using onnx::SimplifyOptions;

const std::vector<std::string> kFeatures = {kHighResFeats0, kHighResFeats1, kImageEmbed};

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

SimplifyOptions decoder_options(const ExportedModel& model, int64_t points) {
  const int64_t side = model.image_size / 4;
  SimplifyOptions options;
  for (const NamedShape& feature : model.features) options.input_shapes[feature.name] = feature.shape;
  options.input_shapes[kPointCoords] = {1, points, 2};
  options.input_shapes[kPointLabels] = {1, points};
  options.input_shapes[kMaskInput] = {1, 1, side, side};
  options.input_shapes[kHasMaskInput] = {1};
  return options;
}

onnx::Constant scalar(double value) {
  Tensor tensor(Shape{1});
  tensor.f32()[0] = static_cast<float>(value);
  return onnx::Constant::of(std::move(tensor));
}

// A constant of the graph, under a name that no value has.
std::string add_constant(SimpleGraph& graph, std::string name, onnx::Constant constant) {
  while (graph.values.count(name) != 0) name += "_";
  graph.values[name] = {.dtype = constant.view.dtype, .shape = constant.view.shape, .constant = constant};
  return name;
}

std::string add_integers(SimpleGraph& graph, const std::string& name, const std::vector<int64_t>& values) {
  Tensor tensor(DType::kI64, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.as<int64_t>().begin());
  return add_constant(graph, name, onnx::Constant::of(std::move(tensor)));
}

// Makes the value that is called `value`, which an input called `input` was, of that input: scale input + offset, in
// front of all else.
void take_from_pixels(SimpleGraph& graph, const std::string& value, const std::string& input, const Affine& affine) {
  std::vector<Node> nodes;
  std::string made = input;
  const auto add = [&](const char* op, double number) {
    const std::string constant = add_constant(graph, fmt::format("{}/{}", value, op), scalar(number));
    const std::string result = fmt::format("{}/{} of pixels", value, op);
    graph.values[result] = graph.values.at(input);
    nodes.push_back(Node{.op = op, .inputs = {made, constant}, .outputs = {result}});
    made = result;
  };
  if (affine.scale != 1) add("Mul", affine.scale);
  if (affine.offset != 0) add("Add", affine.offset);
  if (!nodes.empty()) {
    graph.values.erase(made);
    nodes.back().outputs[0] = value;
  }
  graph.nodes.insert(graph.nodes.begin(), nodes.begin(), nodes.end());
}

// The four masks in the order of their tokens.
void put_in_order(SimpleGraph& graph, const std::vector<int64_t>& order) {
  if (order.empty()) return;
  onnx::SimpleOutput& logits = graph.outputs[0];
  const std::string name = logits.value + "/in_order";
  Node gather{.op = "Gather", .inputs = {logits.value, add_integers(graph, name + "/order", order)}, .outputs = {name}};
  gather.attributes["axis"] = {.kind = onnx::Attribute::Kind::kInt, .integer = 1};
  graph.values[name] = graph.value(logits.value);
  graph.nodes.push_back(std::move(gather));
  logits.value = name;
}

// What samexporter gives of the four: masks 1 to 3, the logits of them within +-32.
void choose_three(SimpleGraph& graph) {
  const char* names[] = {kExportedMasks, kIouPredictions};
  for (size_t i = 0; i < 2; ++i) {
    onnx::SimpleOutput& output = graph.outputs[i];
    const std::string prefix = std::string(names[i]) + "/of_three";
    onnx::Value three{.dtype = DType::kF32, .shape = graph.value(output.value).shape};
    three.shape[1] = kMasks - 1;
    graph.values[prefix] = three;
    graph.nodes.push_back(
        Node{.op = "Slice",
             .inputs = {output.value, add_integers(graph, prefix + "/start", {1}),
                        add_integers(graph, prefix + "/end", {kMasks}), add_integers(graph, prefix + "/axis", {1})},
             .outputs = {prefix}});
    output = {names[i], prefix};
    if (i == 1) continue;
    output.value = prefix + "/clipped";
    graph.values[output.value] = three;
    graph.nodes.push_back(Node{.op = "Clip",
                               .inputs = {prefix, add_constant(graph, prefix + "/least", scalar(-32)),
                                          add_constant(graph, prefix + "/greatest", scalar(32))},
                               .outputs = {output.value}});
  }
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
  decoder.outputs[0].name = kLowResLogits;
  decoder.outputs[1].name = kIouPredictions;
  SAMC_TRY(need_unread(decoder, {kPointCoords, kPointLabels}).at(model.decoder.path));
  std::erase_if(decoder.inputs, [](const onnx::SimpleInput& input) {
    return input.name == kPointCoords || input.name == kPointLabels;
  });
  rename(decoder, cuts.labels, kPointLabels);
  // What makes the coordinates of pixels stands in front of the cut, so it is added again.
  if (cuts.from_pixels.scale == 1 && cuts.from_pixels.offset == 0) {
    rename(decoder, cuts.points, kPointCoords);
  } else {
    decoder.values[kPointCoords] = decoder.value(cuts.points);
    for (onnx::SimpleInput& input : decoder.inputs)
      if (input.name == cuts.points) input.name = kPointCoords;
    take_from_pixels(decoder, cuts.points, kPointCoords, cuts.from_pixels);
  }
  put_in_order(decoder, cuts.order);
  return decoder;
}

Result<int64_t> find_image_size(const onnx::Model& encoder) {
  SAMC_TRY(need(encoder.graph.inputs, {kImage}, "input"));
  SAMC_TRY(need(encoder.graph.outputs, kFeatures, "output"));
  const std::vector<onnx::Dimension>& shape = find(encoder.graph.inputs, kImage)->shape;
  // (1, 3, S, S), or (1, S, S, 3) where the graph turns it.
  const auto is_square = [&](size_t channels, size_t height) {
    return shape[channels].extent == 3 && shape[height].extent > 0 &&
           shape[height].extent == shape[height + 1].extent && shape[height].extent % 16 == 0;
  };
  if (shape.size() == 4 && is_square(1, 2)) return shape[2].extent;
  if (shape.size() == 4 && is_square(3, 1)) return shape[1].extent;
  return not_found("its input image is not (1, 3, size, size) of a fixed size");
}

// From the normalised image on.
Result<SimpleGraph> simplify_encoder(const ExportedModel& model) {
  SimplifyOptions options;
  options.outputs = kFeatures;
  const bool channels_last = find(model.encoder.graph.inputs, kImage)->shape.back().extent == 3;
  const int64_t side = model.image_size;
  options.input_shapes[kImage] = channels_last ? Shape{1, side, side, 3} : Shape{1, 3, side, side};
  SAMC_ASSIGN(SimpleGraph encoder, onnx::simplify(model.encoder, options));
  const Result<std::string> image = find_normalised_image(encoder);
  if (!image.is_ok()) return image.status().at(model.encoder.path);
  if (image.value() == kImage) return encoder;
  options.cuts = {image.value()};
  SAMC_ASSIGN(encoder, onnx::simplify(model.encoder, options));
  std::erase_if(encoder.inputs, [](const onnx::SimpleInput& input) { return input.name == kImage; });
  rename(encoder, image.value(), kImage);
  return encoder;
}

Status read_decoder(ExportedModel& model) {
  const onnx::Graph& graph = model.decoder.graph;
  std::vector<std::string> inputs = kFeatures;
  inputs.insert(inputs.end(), {kPointCoords, kPointLabels, kMaskInput, kHasMaskInput});
  SAMC_TRY(need(graph.inputs, inputs, "input"));
  SAMC_TRY(need(graph.outputs, {kExportedMasks, kIouPredictions}, "output"));
  const std::vector<onnx::Dimension>& points = find(graph.inputs, kPointCoords)->shape;
  if (points.size() != 3 || points[1].extent >= 0)
    return unsupported("it takes a fixed number of points", "export it with a dynamic number, as samexporter does");
  const SimplifyOptions options = decoder_options(model, 1);
  SAMC_ASSIGN(const SimpleGraph simple, onnx::simplify(model.decoder, options));
  SAMC_ASSIGN(model.cuts, find_cuts(model.decoder, options, simple, model.image_size));
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
  SAMC_ASSIGN(model.encoder, load_part(folder, kEncoderOnnx));
  SAMC_ASSIGN(model.decoder, load_part(folder, kDecoderOnnx));
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
  for (const char* part : {kEncoderOnnx, kDecoderOnnx}) {
    SAMC_ASSIGN(const onnx::Model model, load_part(folder, part));
    list.push_back(model.path);
    list.insert(list.end(), model.external_files.begin(), model.external_files.end());
  }
  return list;
}

std::vector<NonFiniteTensor> ExportedModel::find_non_finite(size_t most) const {
  std::vector<NonFiniteTensor> found;
  for (const onnx::Model* model : {&encoder, &decoder})
    for (const auto& [weight, constant] : model->graph.initialisers) {
      if (constant.view.dtype != DType::kF32 || found.size() == most) continue;
      const std::span<const float> values = constant.view.f32();
      const auto nans = std::count_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
      const auto infinite = std::count_if(values.begin(), values.end(), [](float value) { return std::isinf(value); });
      if (nans + infinite > 0) found.push_back({weight, nans, infinite});
    }
  return found;
}

std::string ExportedModel::description() const {
  return fmt::format("ONNX export, opset {}: encoder of {} nodes for {} x {} pixels, decoder of {} nodes",
                     encoder.opset, encoder.graph.nodes.size(), image_size, image_size, decoder.graph.nodes.size());
}

Result<std::string> ExportedModel::encoder_identity() const {
  std::vector<std::string> files = {encoder.path};
  files.insert(files.end(), encoder.external_files.begin(), encoder.external_files.end());
  return samc::encoder_identity(files);
}

Status build_image_encoder(const ExportedModel& model, GraphBuilder& graph, const std::string& name) {
  SimpleGraph encoder = model.encoder_graph;
  return import(encoder, model.encoder, name, "encoder.", graph);
}

Status build_mask_encoder(const ExportedModel& model, GraphBuilder& graph, const std::string& name) {
  SimplifyOptions options = decoder_options(model, 1);
  options.fixed_inputs[kHasMaskInput] = scalar(1);
  options.input_shapes.erase(kHasMaskInput);
  options.outputs = {model.cuts.dense_embed};
  SAMC_ASSIGN(SimpleGraph encoder, onnx::simplify(model.decoder, options));
  SAMC_TRY(keep_inputs(encoder, {kMaskInput}).at(model.decoder.path));
  encoder.outputs[0].name = kDenseEmbed;
  return import(encoder, model.decoder, name, "decoder.", graph);
}

Status build_no_mask(const ExportedModel& model, GraphBuilder& graph, const std::string& name) {
  SimplifyOptions options = decoder_options(model, 1);
  options.fixed_inputs[kHasMaskInput] = scalar(0);
  // What it holds does not count, but the graph reads it.
  options.fixed_inputs[kMaskInput] = onnx::Constant::of(Tensor::zeros(options.input_shapes.at(kMaskInput)));
  options.input_shapes.erase(kHasMaskInput);
  options.input_shapes.erase(kMaskInput);
  options.outputs = {model.cuts.dense_embed};
  SAMC_ASSIGN(SimpleGraph no_mask, onnx::simplify(model.decoder, options));
  SAMC_TRY(keep_inputs(no_mask, {}).at(model.decoder.path));
  no_mask.outputs[0].name = kDenseEmbed;
  return import(no_mask, model.decoder, name, "decoder.", graph);
}

Status build_mask_decoder(const ExportedModel& model, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_ASSIGN(SimpleGraph decoder, cut_decoder(model, points, {model.cuts.dense_embed}));
  rename(decoder, model.cuts.dense_embed, kDenseEmbed);
  SAMC_TRY(keep_inputs(decoder, {kImageEmbed, kHighResFeats0, kHighResFeats1, kDenseEmbed, kPointCoords, kPointLabels})
               .at(model.decoder.path));
  return import(decoder, model.decoder, name, "decoder.", graph);
}

Status build_export_decoder(const ExportedModel& model, int64_t points, GraphBuilder& graph, const std::string& name) {
  SAMC_CHECK(points >= 1, "{} points", points);
  SimplifyOptions options = decoder_options(model, points);
  options.outputs = {model.cuts.logits, model.cuts.scores};
  SAMC_ASSIGN(SimpleGraph decoder, onnx::simplify(model.decoder, options));
  if (model.cuts.input_from_pixels.scale != 1 || model.cuts.input_from_pixels.offset != 0) {
    const std::string inner = "point_coords of the export";
    const std::vector<onnx::SimpleInput> inputs = decoder.inputs;
    rename(decoder, kPointCoords, inner);
    decoder.inputs = inputs;
    decoder.values[kPointCoords] = decoder.value(inner);
    take_from_pixels(decoder, inner, kPointCoords, model.cuts.input_from_pixels);
  }
  put_in_order(decoder, model.cuts.order);
  choose_three(decoder);
  return import(decoder, model.decoder, name, "decoder.", graph);
}

Status build_mask_decoder_with_mask(const ExportedModel& model, int64_t points, GraphBuilder& graph,
                                    const std::string& name,
                                    const std::function<Status(GraphBuilder& graph, mlir::Value labels)>& extend) {
  SAMC_ASSIGN(SimpleGraph decoder, cut_decoder(model, points, {}));
  SAMC_TRY(keep_inputs(decoder, {kImageEmbed, kHighResFeats0, kHighResFeats1, kPointCoords, kPointLabels, kMaskInput,
                                 kHasMaskInput})
               .at(model.decoder.path));
  onnx::compose(decoder);
  onnx::ImportOptions options{.function = name, .weight_prefix = "decoder."};
  options.extend = [&](GraphBuilder& builder, const std::map<std::string, mlir::Value>& values) {
    return extend(builder, values.at(kPointLabels));
  };
  return onnx::import_graph(decoder, options, graph).at(model.decoder.path);
}

}  // namespace samc
