#include "app/calibration.h"

#include <algorithm>
#include <cmath>

#include "app/image_list.h"
#include "app/test_inputs.h"
#include "base/files.h"
#include "package/model_names.h"
#include "targets/sophgo/device/point_places.h"

namespace samc {
namespace {

using namespace sophgo;

struct Prompt {
  std::vector<float> coordinates, labels;  // fractions of the picture
  bool has_mask = false;
};

// Points on a grid, two boxes, and a correction of the first prompt's mask by a point outside the object.
std::vector<Prompt> prompts() {
  constexpr int kGrid = 2;
  std::vector<Prompt> list;
  for (int y = 0; y < kGrid; ++y)
    for (int x = 0; x < kGrid; ++x)
      list.push_back({{static_cast<float>(2 * x + 1) / (2 * kGrid), static_cast<float>(2 * y + 1) / (2 * kGrid)}, {1}});
  list.push_back({{0.25f, 0.25f, 0.75f, 0.75f}, {2, 3}});
  list.push_back({{0.05f, 0.4f, 0.6f, 0.95f}, {2, 3}});
  list.push_back({{0.25f, 0.25f, 0.8f, 0.8f}, {1, 0}, true});
  return list;
}

// What the decoder takes of a prompt, or nothing where its places are too few.
std::optional<NamedTensors> decoder_inputs(const std::vector<NamedShape>& inputs, const NamedTensors& embedding,
                                           const Prompt& prompt, const Tensor& earlier_mask) {
  NamedTensors values;
  int64_t side = 0;
  for (const NamedShape& input : inputs)
    if (input.name == kMaskInput) side = 4 * input.shape.back();
  for (const NamedShape& input : inputs) {
    Tensor tensor = Tensor::zeros(input.shape);
    const size_t points = prompt.labels.size();
    if (input.name == kPointCoords) {
      if (tensor.f32().size() < 2 * (points + 1)) return std::nullopt;
      for (size_t i = 0; i < prompt.coordinates.size(); ++i)
        tensor.f32()[i] = prompt.coordinates[i] * static_cast<float>(side);
    } else if (input.name == kPointLabels) {
      std::fill(tensor.f32().begin(), tensor.f32().end(), kAbsentPoint);
      std::copy(prompt.labels.begin(), prompt.labels.end(), tensor.f32().begin());
      tensor.f32()[points] = -1;  // the pad point
    } else if (input.name == kHasMaskInput) {
      tensor.f32()[0] = prompt.has_mask ? 1.0f : 0.0f;
    } else if (input.name == kMaskInput) {
      if (prompt.has_mask) tensor = Tensor::copy_of(earlier_mask.view().with_shape(input.shape));
    } else if (const auto given = embedding.find(input.name); given != embedding.end()) {
      tensor = Tensor::copy_of(given->second.view());
    }
    values[input.name] = std::move(tensor);
  }
  return values;
}

// The first of a decoder's masks.
Tensor first_mask(const NamedTensors& outputs) {
  for (const char* name : {kLowResLogits, kExportedMasks}) {
    const auto masks = outputs.find(name);
    if (masks == outputs.end()) continue;
    const Shape& shape = masks->second.shape();
    Tensor mask({1, 1, shape[2], shape[3]});
    const auto first = masks->second.f32().first(mask.f32().size());
    // As predictors give it back.
    std::transform(first.begin(), first.end(), mask.f32().begin(),
                   [](float x) { return std::clamp(x, -32.0f, 32.0f); });
    return mask;
  }
  return {};
}

// One part while the images go through.
struct OpenPart {
  PartFile file;
  std::unique_ptr<TransformedModel> model;
  std::unique_ptr<PartCalibration> calibration;
  std::vector<NamedTensors> samples;  // those that mixes are measured on
};

Result<OpenPart> open_part(const PartFile& file, ThreadPool& pool) {
  OpenPart part{file, nullptr, nullptr, {}};
  SAMC_ASSIGN(part.model, TransformedModel::read(file.mlir));
  SAMC_ASSIGN(part.calibration, PartCalibration::make(*part.model, pool));
  return part;
}

Result<Preprocess> picture_of(const OpenPart& part) {
  const std::vector<NamedShape> inputs = part.model->inputs();
  const auto preprocess = inputs.size() == 1 ? part.model->preprocess(inputs[0].name) : std::nullopt;
  if (!preprocess)
    return invalid_input(part.file.mlir + " does not take a picture as its one input",
                         "give the encoder's .mlir, transformed with --mean and --scale, or the folder of both parts");
  return *preprocess;
}

// Whether the sample is among `wanted` of `all`, evenly spaced.
bool is_measured(int64_t index, int64_t all, int64_t wanted) {
  return wanted >= all || index * wanted / all != (index + 1) * wanted / all;
}

Status run_decoder(OpenPart& part, const NamedTensors& embedding, int64_t image, int64_t images, int64_t measured) {
  const std::vector<NamedShape> inputs = part.model->inputs();
  const std::vector<Prompt> list = prompts();
  const auto count = static_cast<int64_t>(list.size());
  Tensor mask;
  for (int64_t i = 0; i < count; ++i) {
    const Prompt& prompt = list[static_cast<size_t>(i)];
    auto values = decoder_inputs(inputs, embedding, prompt, mask);
    if (!values) continue;
    SAMC_ASSIGN(const NamedTensors outputs, part.calibration->add(*values));
    if (mask.empty()) mask = first_mask(outputs);
    if (is_measured(image * count + i, images * count, measured)) part.samples.push_back(std::move(*values));
  }
  return Status::ok();
}

}  // namespace

std::vector<CLI::Option*> add_calibration_options(CLI::App& command, CalibrationArguments& a) {
  return {command
              .add_option("--method", a.method,
                          "How a threshold follows from a value's numbers: max (the largest), percentile, kl or mse")
              ->capture_default_str()
              ->type_name("METHOD"),
          command.add_option("--percentile", a.percentile, "With --method percentile: how many of 100 are within")
              ->check(CLI::Range(50.0, 100.0))
              ->capture_default_str(),
          command
              .add_option("--max-loss", a.max_loss,
                          "What INT8 may cost: 1 - cosine of the output that suffers most. Ops that would cost more "
                          "stay in 16 bits")
              ->check(CLI::Range(0.0, 1.0))
              ->capture_default_str(),
          command.add_option("--measure", a.measured, "On how many of the images (decoder: prompts) that is measured")
              ->check(CLI::Range(1, 4096))
              ->capture_default_str(),
          command.add_option("--threads", a.threads, "0: one for each core")->check(CLI::Range(0, 1024))};
}

Result<std::vector<std::string>> calibration_images(const CalibrationArguments& arguments) {
  std::vector<std::string> warnings, files;
  const std::vector<ListedImage> list = list_images(arguments.images, warnings);
  for (const std::string& warning : warnings) warn(warning);
  for (const ListedImage& image : list) {
    SAMC_TRY(image.fault);
    SAMC_TRY(check_image_is_there(image.path));
    files.push_back(image.path);
  }
  return files;
}

Result<CalibratedModel> calibrate_parts(const std::vector<PartFile>& parts, const std::vector<std::string>& images,
                                        const CalibrationArguments& arguments, bool find_mix, Progress& progress) {
  ThresholdOptions thresholds;
  SAMC_ASSIGN(thresholds.method, find_threshold_method(arguments.method));
  thresholds.percentile = arguments.percentile;
  ThreadPool pool(arguments.threads);
  std::vector<OpenPart> open;
  for (const PartFile& file : parts) {
    SAMC_ASSIGN(OpenPart part, open_part(file, pool));
    open.push_back(std::move(part));
  }
  SAMC_ASSIGN(const Preprocess preprocess, picture_of(open[0]));
  const auto count = static_cast<int64_t>(images.size());
  for (int64_t i = 0; i < count; ++i) {
    const std::string& path = images[static_cast<size_t>(i)];
    progress.show(fmt::format("calibrating: image {} of {} ...", i + 1, count));
    SAMC_ASSIGN(NamedTensors inputs, read_test_inputs(path, open[0].model->inputs(), preprocess, pool));
    auto embedding = open[0].calibration->add(inputs);
    if (!embedding.is_ok()) return embedding.status().at(path);
    if (is_measured(i, count, arguments.measured)) open[0].samples.push_back(std::move(inputs));
    if (open.size() > 1) SAMC_TRY(run_decoder(open[1], embedding.value(), i, count, arguments.measured).at(path));
  }
  CalibratedModel result;
  result.notes = {fmt::format("samc calibrate: {}, {} images, thresholds by {}", open[0].model->model_name(), count,
                              arguments.method)};
  for (OpenPart& part : open) {
    TablePart<CalibrationLine> table = part.calibration->table(thresholds);
    table.name = part.file.name;
    if (find_mix) {
      SAMC_ASSIGN(Mix mix,
                  part.calibration->find_mix(part.samples, table, arguments.max_loss, [&](const std::string& what) {
                    progress.show(fmt::format("{}: {}", part.file.name.empty() ? "mix" : part.file.name, what));
                  }));
      mix.table.name = part.file.name;
      result.quantize.push_back(mix.table);
      result.mixes.push_back(std::move(mix));
    }
    result.calibration.push_back(std::move(table));
  }
  progress.clear();
  return result;
}

void print_mix(const std::string& part, const Mix& mix) {
  std::vector<const MeasuredGroup*> groups;
  double gain = 0;
  for (const MeasuredGroup& group : mix.groups) {
    groups.push_back(&group);
    if (group.int8) gain += group.gain;
  }
  std::sort(groups.begin(), groups.end(), [](const auto* a, const auto* b) { return a->loss > b->loss; });
  say("{}{:<52} {:>4} {:>7} {:>10}\n", part.empty() ? "" : part + ":\n", "ops that go together", "ops", "work %",
      "loss alone");
  for (const MeasuredGroup* group : groups)
    say("{:<52} {:>4} {:>7.2f} {:>10.6f}  {}\n", group->what, group->ops, 100 * group->gain, group->loss,
        group->int8 ? "INT8" : "16 bits");
  say("INT8 does {:.1f} % of the work that it could", 100 * gain);
  for (const OutputLoss& output : mix.outputs) say("; {} loses {:.6f}", output.output, output.loss);
  say("\n");
}

Status write_calibration(const CalibratedModel& model, const std::string& calibration_table,
                         const std::string& quantize_table) {
  SAMC_TRY(write_file(calibration_table, print_calibration_table(model.calibration, model.notes)));
  if (quantize_table.empty()) return Status::ok();
  return write_file(quantize_table, print_quantize_table(model.quantize, model.notes));
}

}  // namespace samc
