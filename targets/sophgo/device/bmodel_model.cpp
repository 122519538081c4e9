#include "targets/sophgo/device/bmodel_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/guard.h"
#include "package/model_names.h"
#include "runtime/image_predictor.h"
#include "targets/sophgo/device/bmodel_part.h"
#include "targets/sophgo/device/bmodel_runner.h"
#include "targets/sophgo/device/chip.h"

namespace samc::sophgo {
namespace {

// In the simulator: each call in a process of its own, which loads the bmodel anew.
class ProcessRunner : public BmodelRunner {
 public:
  ProcessRunner(const BmodelModelOptions& options, const BmodelDevice& device)
      : encoder_(make_simulated_part(device, options.encoder, "encoding", options)),
        decoder_(make_simulated_part(device, options.decoder, "predicting", options)) {}

  Result<NamedTensors> encode(const TensorView& image, std::shared_ptr<const DeviceEmbedding>& on_device) override {
    on_device.reset();
    return encoder_->run({{kImage, image}}, nullptr);
  }
  Status set_picture(const ImageEmbedding&) override { return Status::ok(); }
  void forget_picture() override {}
  Result<NamedTensors> decode(const ImageEmbedding& embedding, const NamedViews& prompt,
                              std::span<const std::string>) override {
    NamedViews inputs = prompt;
    inputs[kImageEmbed] = embedding.image_embed.view();
    inputs[kHighResFeats0] = embedding.high_res_feats_0.view();
    inputs[kHighResFeats1] = embedding.high_res_feats_1.view();
    return decoder_->run(inputs, nullptr);
  }
  Result<std::unique_ptr<BmodelRunner>> another() const override { return unsupported("another simulator"); }
  int most_at_once() const override { return 1; }

 private:
  std::unique_ptr<PartRunner> encoder_, decoder_;
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

  Status check_points(int64_t points) const override { return check_point_places(points, decoder_, decoder_path_); }

  Status decode(const ImageEmbedding& embedding, const DecoderPoints& points, const TensorView& mask_input,
                DecoderOutputs& results) override {
    SAMC_TRY(check_points(points.count()));
    const PlacedPrompt prompt(points, mask_input, decoder_, shapes_);
    const std::string logits = decoder_.exported ? kExportedMasks : kLowResLogits;
    const std::string wanted[] = {logits, kIouPredictions};
    SAMC_ASSIGN(NamedTensors outputs, runner_->decode(embedding, prompt.views(), wanted));
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

// The device's description gets the chip's name.
Result<std::unique_ptr<BmodelRunner>> make_runner(const BmodelModelOptions& options, const std::string& wanted,
                                                  BmodelDevice& device) {
  if (device.is_simulator()) {
    return std::unique_ptr<BmodelRunner>(std::make_unique<ProcessRunner>(options, device));
  }
  SAMC_ASSIGN(const std::shared_ptr<Chip> chip, open_chip(options.encoder, wanted, options.seconds, device));
  return make_chip_runner(chip, options.encoder, options.decoder);
}

}  // namespace

static Result<std::unique_ptr<ImageModel>> make_bmodel_model_unguarded(const BmodelModelOptions& options,
                                                                       BmodelDevice* device) {
  SAMC_ASSIGN(const BmodelPart encoder, BmodelPart::read(options.encoder, "encoder"));
  SAMC_ASSIGN(const BmodelPart decoder, BmodelPart::read(options.decoder, "decoder"));
  DecoderInterface interface;
  SAMC_ASSIGN(ImageModelShapes shapes, read_image_shapes(encoder, decoder, interface));
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
