#include "targets/sophgo/device/bmodel_model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/guard.h"
#include "package/model_names.h"
#include "runtime/image_predictor.h"
#include "runtime/prompt_points.h"
#include "targets/sophgo/device/bmodel.h"
#include "targets/sophgo/device/bmodel_runner.h"
#include "targets/sophgo/device/chip.h"
#include "targets/sophgo/device/point_places.h"
#include "targets/sophgo/device/run_on_device.h"

namespace samc::sophgo {
namespace {

// One network of a bmodel, by the names of the model's own values.
class Part {
 public:
  static Result<Part> read(const std::string& path, const char* what) {
    SAMC_ASSIGN(const Bmodel file, Bmodel::read(path));
    if (file.networks.size() != 1 || file.networks[0].stages.size() != 1)
      return unsupported(fmt::format("{} has {} networks, one of one stage is expected", path, file.networks.size()));
    Part part;
    part.path_ = path;
    part.what_ = what;
    part.chip_ = file.chip;
    part.stage_ = file.networks[0].stages[0];
    return part;
  }

  const std::string& path() const { return path_; }
  const std::string& what() const { return what_; }
  const std::string& chip() const { return chip_; }

  Result<Shape> input(const std::string& name, size_t rank) const { return find(stage_.inputs, "input", name, rank); }
  Result<Shape> output(const std::string& name, size_t rank) const {
    return find(stage_.outputs, "output", name, rank);
  }
  bool has_output(const std::string& name) const {
    return std::any_of(stage_.outputs.begin(), stage_.outputs.end(), [&](const BmodelTensor& tensor) {
      return std::any_of(std::begin(kBmodelEndings), std::end(kBmodelEndings),
                         [&](const char* ending) { return tensor.name == name + ending; });
    });
  }

 private:
  Result<Shape> find(const std::vector<BmodelTensor>& tensors, const char* kind, const std::string& name,
                     size_t rank) const {
    std::vector<std::string> names;
    for (const BmodelTensor& tensor : tensors) {
      if (tensor.name == name + "_raw")
        return unsupported(path_ + " takes 8-bit pixels: it was deployed with --fuse_preprocess",
                           "deploy it without, for samc to normalise the image");
      for (const char* ending : kBmodelEndings)
        if (tensor.name == name + ending && tensor.shape.size() == rank) return tensor.shape;
      names.push_back(tensor.name + " " + shape_to_string(tensor.shape));
    }
    return invalid_input(fmt::format("{} is no {} of SAM 2: it has no {} {} of {} dimensions but {}", path_, what_,
                                     kind, name, rank, fmt::join(names, ", ")),
                         "make both parts with samc deploy-all");
  }

  std::string path_, what_, chip_;
  BmodelStage stage_;
};

Status take_output(NamedTensors& outputs, const std::string& name, const Shape& shape, Tensor& target) {
  for (const char* ending : kBmodelEndings)
    if (const auto found = outputs.find(name + ending); found != outputs.end()) {
      if (found->second.shape() != shape)
        return invalid_input(fmt::format("output {} is {}, {} expected", name, shape_to_string(found->second.shape()),
                                         shape_to_string(shape)));
      target = std::move(found->second);
      return Status::ok();
    }
  return invalid_input(fmt::format("the bmodel gave no {}", name));
}

// In the simulator: each call in a process of its own, which loads the bmodel anew.
class ProcessRunner : public BmodelRunner {
 public:
  ProcessRunner(BmodelModelOptions options, BmodelDevice device)
      : options_(std::move(options)), device_(std::move(device)) {}

  Result<NamedTensors> encode(const TensorView& image, std::shared_ptr<const DeviceEmbedding>& on_device) override {
    on_device.reset();
    return run(options_.encoder, "encoding", {{kImage, image}});
  }
  Status set_picture(const ImageEmbedding&) override { return Status::ok(); }
  void forget_picture() override {}
  Result<NamedTensors> decode(const ImageEmbedding& embedding, const NamedViews& prompt,
                              std::span<const std::string>) override {
    NamedViews inputs = prompt;
    inputs[kImageEmbed] = embedding.image_embed.view();
    inputs[kHighResFeats0] = embedding.high_res_feats_0.view();
    inputs[kHighResFeats1] = embedding.high_res_feats_1.view();
    return run(options_.decoder, "predicting", inputs);
  }
  Result<std::unique_ptr<BmodelRunner>> another() const override { return unsupported("another simulator"); }
  int most_at_once() const override { return 1; }

 private:
  Result<NamedTensors> run(const std::string& path, const std::string& what, const NamedViews& inputs) const {
    SimulateOptions options;
    options.runner = options_.runner;
    options.seconds = options_.seconds;
    if (options_.waiting) options.waiting = [&](double seconds) { options_.waiting(what, seconds); };
    return run_bmodel(device_, path, inputs, options);
  }

  BmodelModelOptions options_;
  BmodelDevice device_;
};

// How a decoder takes points and gives masks.
struct DecoderInterface {
  int64_t places = 0;  // for points
  // As exporters have it: the pad point is appended inside, so that exactly `places` points make what the model means;
  // masks come without the single one. Else any number of points up to `places`, the pad point among them, and all
  // masks.
  bool exported = false;
};

class BmodelModel : public ImageModel {
 public:
  BmodelModel(std::unique_ptr<BmodelRunner> runner, std::string decoder_path, ModelInfo info, ImageModelShapes shapes,
              DecoderInterface decoder, int threads)
      : runner_(std::move(runner)),
        decoder_path_(std::move(decoder_path)),
        info_(std::move(info)),
        shapes_(std::move(shapes)),
        decoder_(decoder),
        pool_(threads) {}

  const ModelInfo& info() const override { return info_; }
  const ImageModelShapes& shapes() const override { return shapes_; }
  ThreadPool& pool() override { return pool_; }
  Result<std::unique_ptr<ImageModel>> another(int threads) const override {
    SAMC_ASSIGN(std::unique_ptr<BmodelRunner> runner, runner_->another());
    return std::unique_ptr<ImageModel>(
        std::make_unique<BmodelModel>(std::move(runner), decoder_path_, info_, shapes_, decoder_, threads));
  }
  int most_lanes() const override { return runner_->most_at_once(); }
  Status set_picture(const ImageEmbedding& embedding) override { return runner_->set_picture(embedding); }
  void forget_picture() override { runner_->forget_picture(); }

  Status encode(const TensorView& image, ImageEmbedding& embedding) override {
    SAMC_ASSIGN(NamedTensors outputs, runner_->encode(image, embedding.on_device));
    SAMC_TRY(take_output(outputs, kHighResFeats0, shapes_.high_res_feats_0, embedding.high_res_feats_0));
    SAMC_TRY(take_output(outputs, kHighResFeats1, shapes_.high_res_feats_1, embedding.high_res_feats_1));
    return take_output(outputs, kImageEmbed, shapes_.image_embed, embedding.image_embed);
  }

  Status check_points(int64_t points) const override {
    const int64_t places = decoder_.places;
    if (!decoder_.exported && points > places)
      return unsupported(fmt::format("a prompt of {} points, the corners of its box and the pad point included: {} "
                                     "takes {}",
                                     points, decoder_path_, places),
                         "make the bmodels by samc deploy-all with a larger --max_points");
    if (decoder_.exported && points != places + 1)
      return unsupported(fmt::format("a prompt of {}, the corners of its box included: {} is of an export with fixed "
                                     "shapes and serves exactly {}",
                                     points == 0   ? "no point"
                                     : points == 2 ? "1 point"
                                                   : fmt::format("{} points", points - 1),
                                     decoder_path_, places),
                         "samc deploy-all, or transform --part decoder, of the same export makes one for any prompt");
    return Status::ok();
  }

  Status decode(const ImageEmbedding& embedding, const DecoderPoints& points, const TensorView& mask_input,
                DecoderOutputs& results) override {
    SAMC_TRY(check_points(points.count()));
    Tensor coordinates = Tensor::zeros({1, decoder_.places, 2});
    Tensor labels({1, decoder_.places});
    std::fill(labels.f32().begin(), labels.f32().end(), kAbsentPoint);
    const int64_t given = points.count() - (decoder_.exported ? 1 : 0);
    std::copy_n(points.coordinates.begin(), 2 * given, coordinates.f32().begin());
    std::copy_n(points.labels.begin(), given, labels.f32().begin());
    const Tensor no_mask = Tensor::zeros({1, 1, shapes_.low_height, shapes_.low_width});
    Tensor has_mask({1});
    has_mask.f32()[0] = mask_input.data != nullptr ? 1.0f : 0.0f;
    const TensorView mask = (mask_input.data != nullptr ? mask_input : no_mask.view()).with_shape(no_mask.shape());
    const std::string logits = decoder_.exported ? kExportedMasks : kLowResLogits;
    const std::string wanted[] = {logits, kIouPredictions};
    SAMC_ASSIGN(NamedTensors outputs, runner_->decode(embedding,
                                                      {{kPointCoords, coordinates.view()},
                                                       {kPointLabels, labels.view()},
                                                       {kMaskInput, mask},
                                                       {kHasMaskInput, has_mask.view()}},
                                                      wanted));
    SAMC_TRY(take_output(outputs, logits, {1, shapes_.masks, shapes_.low_height, shapes_.low_width},
                         results.low_res_logits));
    return take_output(outputs, kIouPredictions, {1, shapes_.masks}, results.iou_predictions);
  }

 private:
  std::unique_ptr<BmodelRunner> runner_;
  std::string decoder_path_;
  ModelInfo info_;
  ImageModelShapes shapes_;
  DecoderInterface decoder_;
  ThreadPool pool_;
};

// Fills what the decoder says about masks.
Result<DecoderInterface> read_decoder(const Part& decoder, ImageModelShapes& shapes) {
  DecoderInterface interface;
  interface.exported = decoder.has_output(kExportedMasks);
  SAMC_ASSIGN(const Shape labels, decoder.input(kPointLabels, 2));
  SAMC_ASSIGN(const Shape coordinates, decoder.input(kPointCoords, 3));
  SAMC_ASSIGN(const Shape has_mask, decoder.input(kHasMaskInput, 1));
  SAMC_ASSIGN(const Shape mask, decoder.input(kMaskInput, 4));
  SAMC_ASSIGN(const Shape masks, decoder.output(interface.exported ? kExportedMasks : kLowResLogits, 4));
  if (labels[0] != 1)
    return unsupported(fmt::format("{} takes {} prompts at once", decoder.path(), labels[0]),
                       "transform the decoder with 1 in front of the points in --input_shapes, as in [1,2,2]");
  const int64_t least = interface.exported ? 1 : 2;  // masks
  if (coordinates != Shape{1, labels[1], 2} || has_mask[0] != 1 || masks[0] != 1 || masks[1] < least ||
      mask != Shape{1, 1, masks[2], masks[3]})
    return invalid_input(fmt::format("{} takes points {} with labels {} and a mask {}, and gives masks {}",
                                     decoder.path(), shape_to_string(coordinates), shape_to_string(labels),
                                     shape_to_string(mask), shape_to_string(masks)),
                         "they do not fit together");
  interface.places = labels[1];
  shapes.single_mask = !interface.exported;
  shapes.masks = masks[1];
  shapes.low_height = masks[2];
  shapes.low_width = masks[3];
  return interface;
}

// The device's description gets the chip's name.
Result<std::unique_ptr<BmodelRunner>> make_runner(const BmodelModelOptions& options, const std::string& wanted,
                                                  BmodelDevice& device) {
  if (device.is_simulator()) {
    return std::unique_ptr<BmodelRunner>(std::make_unique<ProcessRunner>(options, device));
  }
  ChipOptions chip_options{device.libraries, false, options.seconds.value_or(kUsualChipSeconds)};
  SAMC_ASSIGN(const std::shared_ptr<Chip> chip, Chip::open(chip_options));
  const Result<const ChipEntry*> here = find_chip(chip->name()), meant = find_chip(wanted);
  if (here.is_ok() && meant.is_ok() && here.value() != meant.value())
    return invalid_input(fmt::format("{} is for {}, and the chip here is a {}", options.encoder, wanted, chip->name()),
                         fmt::format("make bmodels for it: samc deploy-all --chip {}", here.value()->name));
  device.description = fmt::format("{}, by {}", chip->name(), device.libraries);
  return make_chip_runner(chip, options.encoder, options.decoder);
}

}  // namespace

static Result<std::unique_ptr<ImageModel>> make_bmodel_model_unguarded(const BmodelModelOptions& options,
                                                                       BmodelDevice* device) {
  SAMC_ASSIGN(const Part encoder, Part::read(options.encoder, "encoder"));
  SAMC_ASSIGN(const Part decoder, Part::read(options.decoder, "decoder"));
  if (encoder.chip() != decoder.chip())
    return invalid_input(
        fmt::format("{} is for {} and {} for {}", options.encoder, encoder.chip(), options.decoder, decoder.chip()));
  ImageModelShapes shapes;
  SAMC_ASSIGN(const Shape image, encoder.input(kImage, 4));
  if (image[0] != 1 || image[1] != 3 || image[2] != image[3])
    return unsupported(fmt::format("{} takes an image {}", options.encoder, shape_to_string(image)));
  shapes.size = image[2];
  SAMC_ASSIGN(shapes.high_res_feats_0, encoder.output(kHighResFeats0, 4));
  SAMC_ASSIGN(shapes.high_res_feats_1, encoder.output(kHighResFeats1, 4));
  SAMC_ASSIGN(shapes.image_embed, encoder.output(kImageEmbed, 4));
  for (const auto& [name, shape] : {std::pair{kHighResFeats0, &shapes.high_res_feats_0},
                                    {kHighResFeats1, &shapes.high_res_feats_1},
                                    {kImageEmbed, &shapes.image_embed}}) {
    SAMC_ASSIGN(const Shape taken, decoder.input(name, 4));
    if (taken != *shape)
      return invalid_input(fmt::format("{}: {} gives {} and {} takes {}", name, options.encoder,
                                       shape_to_string(*shape), options.decoder, shape_to_string(taken)),
                           "they are of different models");
  }
  SAMC_ASSIGN(const DecoderInterface interface, read_decoder(decoder, shapes));
  SAMC_ASSIGN(BmodelDevice found, find_device(options.device, encoder.chip(), options.tpu_mlir));
  SAMC_ASSIGN(std::unique_ptr<BmodelRunner> runner, make_runner(options, encoder.chip(), found));
  if (device != nullptr) *device = found;
  ModelInfo info = options.info;
  if (info.name.empty()) info.name = std::filesystem::path(options.encoder).stem().string();
  info.image_size = shapes.size;
  return std::unique_ptr<ImageModel>(std::make_unique<BmodelModel>(std::move(runner), options.decoder, std::move(info),
                                                                   std::move(shapes), interface, options.threads));
}

Result<std::unique_ptr<ImageModel>> make_bmodel_model(const BmodelModelOptions& options, BmodelDevice* device) {
  return guarded([&] { return make_bmodel_model_unguarded(options, device); });
}

}  // namespace samc::sophgo
