#include "targets/sophgo/device/bmodel_video_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/guard.h"
#include "package/model_names.h"
#include "runtime/executor.h"
#include "runtime/function_parts.h"
#include "runtime/image_contract.h"
#include "runtime/module.h"
#include "targets/sophgo/device/bmodel_part.h"
#include "targets/sophgo/device/placed_bank.h"

namespace samc::sophgo {
namespace {

struct VideoShapes {
  ImageModelShapes image;
  DecoderInterface decoder;
  BankPlaces bank;
  bool memory_takes_score = true;  // SAM 2.0's memory encoder does not
};

struct VideoRunners {
  std::unique_ptr<PartRunner> encoder, decoder, memory_attention, memory_encoder;
};

class BmodelVideoModel : public VideoModel {
 public:
  BmodelVideoModel(BmodelVideoOptions options, VideoShapes shapes, VideoRunners runners, ModelInfo info, Executor heads)
      : options_(std::move(options)),
        shapes_(std::move(shapes)),
        runners_(std::move(runners)),
        info_(std::move(info)),
        heads_(std::move(heads)) {}

  const ModelInfo& info() const override { return info_; }
  const ImageModelShapes& shapes() const override { return shapes_.image; }
  ThreadPool& pool() override { return heads_.pool(); }
  int64_t most_memories() const override { return shapes_.bank.memories; }
  int64_t most_pointers() const override { return shapes_.bank.pointers; }
  void forget_frame() override {}

  Status encode(const TensorView& image, FrameFeatures& features) override {
    SAMC_ASSIGN(NamedTensors outputs, runners_.encoder->run_and_keep({{kImage, image}}, features.on_device));
    const ImageModelShapes& shapes = shapes_.image;
    SAMC_TRY(take_output(outputs, kHighResFeats0, shapes.high_res_feats_0, features.high_res_feats_0));
    SAMC_TRY(take_output(outputs, kHighResFeats1, shapes.high_res_feats_1, features.high_res_feats_1));
    SAMC_TRY(take_output(outputs, kImageEmbed, shapes.image_embed, features.image_embed));
    return take_output(outputs, kVisionFeatures, shapes.image_embed, features.vision_features);
  }

  Status attend(const FrameFeatures& features, const MemoryBank& bank, Tensor& conditioned) override {
    const NamedTensors placed = place_bank(bank, shapes_.bank);
    NamedViews inputs = {{kVisionFeatures, features.vision_features.view()}};
    for (const auto& [name, tensor] : placed) inputs[name] = tensor.view();
    SAMC_ASSIGN(NamedTensors outputs, runners_.memory_attention->run(inputs, features.on_device.get()));
    SAMC_TRY(take_output(outputs, kImageEmbed, shapes_.image.image_embed, conditioned));
    if (is_finite(conditioned)) return Status::ok();
    return invalid_input(
        fmt::format("{} gave values that are not finite: this model's scores are too large for it, or its inputs hold "
                    "such values",
                    options_.memory_attention),
        "make it with --memory_form maximum, which takes scores of any size");
  }

  Status decode(const FrameFeatures& features, const Tensor& image_embed, const DecoderPoints& points,
                const TensorView& mask_input, DecoderOutputs& results) override {
    SAMC_TRY(check_point_places(points.count(), shapes_.decoder, options_.decoder));
    const PlacedPrompt prompt(points, mask_input, shapes_.decoder, shapes_.image);
    NamedViews inputs = prompt.views();
    inputs[kImageEmbed] = image_embed.view();
    inputs[kHighResFeats0] = features.high_res_feats_0.view();
    inputs[kHighResFeats1] = features.high_res_feats_1.view();
    SAMC_ASSIGN(NamedTensors outputs, runners_.decoder->run(inputs, features.on_device.get()));
    const ImageModelShapes& shapes = shapes_.image;
    SAMC_TRY(take_output(outputs, kLowResLogits, {1, shapes.masks, shapes.low_height, shapes.low_width},
                         results.low_res_logits));
    SAMC_TRY(take_output(outputs, kIouPredictions, {1, shapes.masks}, results.iou_predictions));
    SAMC_TRY(take_output(outputs, kObjectScore, {1, 1}, results.object_score));
    return take_output(outputs, kMaskTokens, {1, shapes.masks, shapes_.bank.channels}, results.mask_tokens);
  }

  Status object_pointer(const TensorView& token, const TensorView& score, bool object_is_in_mask,
                        Tensor& pointer) override {
    const float present = object_is_in_mask ? 1.0f : 0.0f;
    const std::array<NamedInput, 3> inputs = {
        {{kMaskToken, token}, {kObjectScore, score}, {kMaskPresent, {DType::kF32, {1, 1}, &present}}}};
    return run_head(kObjectPointer, inputs, {kObjectPointer, &pointer});
  }

  Status encode_memory(const FrameFeatures& features, const TensorView& mask, const TensorView& score,
                       Tensor& memory) override {
    NamedViews inputs = {{kVisionFeatures, features.vision_features.view()}, {kMaskLogits, mask}};
    if (shapes_.memory_takes_score) inputs[kObjectScore] = score;
    SAMC_ASSIGN(NamedTensors outputs, runners_.memory_encoder->run(inputs, features.on_device.get()));
    Tensor exact;
    SAMC_TRY(take_output(outputs, kMemory, {1, shapes_.bank.positions, shapes_.bank.memory_channels}, exact));
    Tensor rounded(DType::kBF16, exact.shape());
    std::ranges::transform(exact.f32(), rounded.as<uint16_t>().begin(), f32_to_bf16);
    memory = std::move(rounded);
    return Status::ok();
  }

  Status downsample_mask(const TensorView& mask, Tensor& low_res) override {
    const std::array<NamedInput, 1> inputs = {{{kMask, mask}}};
    return run_head(kMaskDownsample, inputs, {kMaskInput, &low_res});
  }

  size_t working_bytes() const override { return heads_.arena_bytes() + heads_.scratch_bytes(); }

 private:
  // A function that takes some of these inputs: models differ in what they look at.
  Status run_head(const char* function, std::span<const NamedInput> given, const NamedOutput& output) {
    const PlanFunction& plan = *heads_.module().plan().find(function);
    return heads_.run(function, {}, inputs_of(plan, given, {}), {&output, 1});
  }

  BmodelVideoOptions options_;
  VideoShapes shapes_;
  VideoRunners runners_;
  ModelInfo info_;
  Executor heads_;
};

Status check_heads(const Module& module, const std::string& path, const VideoShapes& shapes) {
  if (!module.info().video.has_value())
    return invalid_input(path + " does not say how its model tracks", "samc deploy-all --video writes it");
  ShapeReader reader(module);
  const int64_t channels = shapes.bank.channels, size = shapes.image.size;
  reader.expect(kObjectPointer, kMaskToken, Place::kInput, {1, channels});
  reader.expect(kObjectPointer, kObjectPointer, Place::kOutput, {1, channels});
  reader.expect(kMaskDownsample, kMask, Place::kInput, {1, 1, size, size});
  reader.expect(kMaskDownsample, kMaskInput, Place::kOutput, {1, 1, shapes.image.low_height, shapes.image.low_width});
  return reader.status().is_ok() ? Status::ok() : reader.status().at(path);
}

Result<VideoShapes> read_shapes(const BmodelPart& encoder, const BmodelPart& decoder, const BmodelPart& attention,
                                const BmodelPart& memory_encoder) {
  VideoShapes shapes;
  if (!encoder.has_output(kVisionFeatures) || !decoder.has_output(kMaskTokens))
    return invalid_input(fmt::format("{} is of an image model: it gives no {}",
                                     encoder.has_output(kVisionFeatures) ? decoder.path() : encoder.path(),
                                     encoder.has_output(kVisionFeatures) ? kMaskTokens : kVisionFeatures),
                         "make the parts with samc deploy-all --video");
  SAMC_ASSIGN(shapes.image, read_image_shapes(encoder, decoder, shapes.decoder));
  for (const BmodelPart* part : {&attention, &memory_encoder})
    if (part->chip() != encoder.chip())
      return invalid_input(
          fmt::format("{} is for {} and {} for {}", encoder.path(), encoder.chip(), part->path(), part->chip()));
  const Shape& map = shapes.image.image_embed;
  const int64_t size = shapes.image.size;
  BankPlaces& bank = shapes.bank;
  bank.channels = map[1];
  bank.positions = map[2] * map[3];
  SAMC_TRY(encoder.expect_output(kVisionFeatures, map));
  SAMC_TRY(decoder.expect_output(kObjectScore, {1, 1}));
  SAMC_TRY(decoder.expect_output(kMaskTokens, {1, shapes.image.masks, bank.channels}));
  SAMC_TRY(attention.expect_input(kVisionFeatures, map));
  SAMC_TRY(attention.expect_output(kImageEmbed, map));
  SAMC_ASSIGN(const Shape memories, attention.input(kMemoryPresent, 2));
  SAMC_ASSIGN(const Shape pointers, attention.input(kPointerPresent, 2));
  SAMC_ASSIGN(const Shape memory, attention.input(kMemory, 3));
  bank.memories = memories[1];
  bank.pointers = pointers[1];
  bank.memory_channels = memory[2];
  bank.has_pointer_times = attention.has_input(kPointerTimes);
  SAMC_TRY(attention.expect_input(kMemory, {1, bank.memories * bank.positions, bank.memory_channels}));
  SAMC_TRY(attention.expect_input(kMemoryTimes, {1, bank.memories}));
  SAMC_TRY(attention.expect_input(kObjectPointers, {1, bank.pointers, bank.channels}));
  if (bank.has_pointer_times) SAMC_TRY(attention.expect_input(kPointerTimes, {1, bank.pointers}));
  SAMC_TRY(memory_encoder.expect_input(kVisionFeatures, map));
  SAMC_TRY(memory_encoder.expect_input(kMaskLogits, {1, 1, size, size}));
  SAMC_TRY(memory_encoder.expect_output(kMemory, {1, bank.positions, bank.memory_channels}));
  shapes.memory_takes_score = memory_encoder.has_input(kObjectScore);
  return shapes;
}

Result<VideoRunners> make_runners(const BmodelVideoOptions& options, const std::string& wanted, BmodelDevice& device) {
  VideoRunners runners;
  std::shared_ptr<Chip> chip;
  if (!device.is_simulator()) {
    SAMC_ASSIGN(chip, open_chip(options.encoder, wanted, options.seconds, device));
  }
  for (const auto& [runner, path, what] :
       {std::tuple{&runners.encoder, &options.encoder, "encoding"},
        {&runners.decoder, &options.decoder, "predicting"},
        {&runners.memory_attention, &options.memory_attention, "attending to memories"},
        {&runners.memory_encoder, &options.memory_encoder, "encoding a memory"}}) {
    if (chip == nullptr) {
      *runner = make_simulated_part(device, *path, what, options);
    } else {
      SAMC_ASSIGN(*runner, make_chip_part(chip, *path));
    }
  }
  return runners;
}

Result<std::unique_ptr<VideoModel>> make_unguarded(const BmodelVideoOptions& options, BmodelDevice* device) {
  SAMC_ASSIGN(const BmodelPart encoder, BmodelPart::read(options.encoder, "encoder"));
  SAMC_ASSIGN(const BmodelPart decoder, BmodelPart::read(options.decoder, "decoder"));
  SAMC_ASSIGN(const BmodelPart attention, BmodelPart::read(options.memory_attention, "memory attention"));
  SAMC_ASSIGN(const BmodelPart memory_encoder, BmodelPart::read(options.memory_encoder, "memory encoder"));
  SAMC_ASSIGN(VideoShapes shapes, read_shapes(encoder, decoder, attention, memory_encoder));
  LoadOptions load;
  load.threads = options.threads;
  SAMC_ASSIGN(std::shared_ptr<Module> module, Module::load(options.heads, load));
  SAMC_TRY(check_heads(*module, options.heads, shapes));
  ModelInfo info = options.info;
  info.image_size = shapes.image.size;
  info.video = module->info().video;
  SAMC_ASSIGN(Executor heads, Executor::create(std::shared_ptr<const Module>(std::move(module)), options.threads));
  SAMC_ASSIGN(BmodelDevice found, find_device(options.device, encoder.chip(), options.tpu_mlir));
  SAMC_ASSIGN(VideoRunners runners, make_runners(options, encoder.chip(), found));
  if (device != nullptr) *device = found;
  return std::unique_ptr<VideoModel>(std::make_unique<BmodelVideoModel>(options, std::move(shapes), std::move(runners),
                                                                        std::move(info), std::move(heads)));
}

}  // namespace

Result<std::unique_ptr<VideoModel>> make_bmodel_video_model(const BmodelVideoOptions& options, BmodelDevice* device) {
  return guarded([&] { return make_unguarded(options, device); });
}

}  // namespace samc::sophgo
