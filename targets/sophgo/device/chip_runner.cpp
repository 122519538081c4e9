// The embedding of a picture stays on the chip: the encoder writes it into buffers that the decoder reads. Where
// another process made it, or the two bmodels have it in different types, it goes up once for each picture.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <utility>

#include "package/model_names.h"
#include "runtime/image_model.h"
#include "targets/sophgo/device/bmodel_runner.h"
#include "targets/sophgo/device/bmodel_values.h"

namespace samc::sophgo {
namespace {

std::optional<size_t> find_tensor(std::span<const ChipTensor> tensors, const std::string& name) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (is_bmodel_name(tensors[i].name, name)) return i;
  return {};
}

// The parts of an embedding, in this order wherever they are counted.
constexpr size_t kParts = 3;
constexpr std::array<const char*, kParts> kPartNames = {kHighResFeats0, kHighResFeats1, kImageEmbed};
std::array<const Tensor*, kParts> parts_of(const ImageEmbedding& embedding) {
  return {&embedding.high_res_feats_0, &embedding.high_res_feats_1, &embedding.image_embed};
}

// What all lanes of one model share.
struct LoadedModel {
  std::shared_ptr<ChipNetwork> encoder, decoder;
  std::array<size_t, kParts> encoder_outputs{}, decoder_inputs{};
  bool stays_on_chip = true;  // whether the decoder reads what the encoder writes

  std::mutex mutex;
  std::vector<ChipBuffers> idle;  // for the decoder's inputs of an embedding

  Status connect() {
    for (size_t part = 0; part < kParts; ++part) {
      const auto from = find_tensor(encoder->outputs(), kPartNames[part]);
      const auto to = find_tensor(decoder->inputs(), kPartNames[part]);
      if (!from.has_value() || !to.has_value())
        return invalid_input(
            fmt::format("{} and {}: {} is not in both", encoder->path(), decoder->path(), kPartNames[part]));
      encoder_outputs[part] = *from;
      decoder_inputs[part] = *to;
      const ChipTensor &made = encoder->outputs()[*from], &taken = decoder->inputs()[*to];
      if (made.shape != taken.shape)
        return invalid_input(fmt::format("{} and {}: {} is {} and {}", encoder->path(), decoder->path(),
                                         kPartNames[part], shape_to_string(made.shape), shape_to_string(taken.shape)));
      stays_on_chip = stays_on_chip && made.type == taken.type;
    }
    return Status::ok();
  }

  Result<ChipBuffers> take_buffers() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        ChipBuffers buffers = std::move(idle.back());
        idle.pop_back();
        return buffers;
      }
    }
    std::vector<ChipTensor> tensors;
    for (const size_t input : decoder_inputs) tensors.push_back(decoder->inputs()[input]);
    return decoder->make_buffers(tensors);
  }
  void give_back(ChipBuffers buffers) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(buffers));
  }
};

class ChipEmbedding : public DeviceEmbedding {
 public:
  ChipEmbedding(std::shared_ptr<LoadedModel> model, ChipBuffers buffers)
      : model_(std::move(model)), buffers_(std::move(buffers)) {}
  ~ChipEmbedding() override { model_->give_back(std::move(buffers_)); }
  ChipEmbedding(const ChipEmbedding&) = delete;
  ChipEmbedding& operator=(const ChipEmbedding&) = delete;

  const LoadedModel* model() const { return model_.get(); }
  const ChipBuffers& buffers() const { return buffers_; }

 private:
  std::shared_ptr<LoadedModel> model_;
  ChipBuffers buffers_;
};

// Buffers of one lane for those inputs or outputs of a network that it has for itself; made when they are first needed.
struct OwnBuffers {
  ChipBuffers buffers;
  bool is_made = false;
};

class ChipRunner : public BmodelRunner {
 public:
  explicit ChipRunner(std::shared_ptr<LoadedModel> model) : model_(std::move(model)) {}

  Result<NamedTensors> encode(const TensorView& image, std::shared_ptr<const DeviceEmbedding>& on_device) override {
    on_device.reset();
    ChipNetwork& network = *model_->encoder;
    SAMC_TRY(make(network, image_, network.inputs()));
    const auto input = find_tensor(network.inputs(), kImage);
    if (!input.has_value() || network.inputs().size() != 1)
      return invalid_input(fmt::format("{} takes no {} alone", network.path(), kImage));
    write_bmodel_values(image.f32(), network.inputs()[0].type, image_.buffers[0]->host());
    std::shared_ptr<const ChipEmbedding> embedding;
    if (model_->stays_on_chip) {
      SAMC_ASSIGN(ChipBuffers taken, model_->take_buffers());
      embedding = std::make_shared<const ChipEmbedding>(model_, std::move(taken));
    } else {
      SAMC_TRY(make(network, encoded_, network.outputs()));
    }
    ChipBuffers outputs = encoded_.buffers;
    if (embedding != nullptr) {
      outputs.resize(network.outputs().size());
      for (size_t part = 0; part < kParts; ++part) outputs[model_->encoder_outputs[part]] = embedding->buffers()[part];
      SAMC_TRY(fill_gaps(network, outputs));
    }
    SAMC_TRY(network.run(image_.buffers, image_.buffers, outputs, outputs));
    NamedTensors results;
    for (const size_t output : model_->encoder_outputs)
      results[network.outputs()[output].name] = read(network.outputs()[output], *outputs[output]);
    on_device = std::move(embedding);
    return results;
  }

  Status set_picture(const ImageEmbedding& embedding) override {
    uploaded_.reset();
    if (find_on_chip(embedding) != nullptr) return Status::ok();
    SAMC_ASSIGN(ChipBuffers taken, model_->take_buffers());
    auto made = std::make_shared<const ChipEmbedding>(model_, std::move(taken));
    const auto parts = parts_of(embedding);
    for (size_t part = 0; part < kParts; ++part)
      write_bmodel_values(parts[part]->f32(), model_->decoder->inputs()[model_->decoder_inputs[part]].type,
                          made->buffers()[part]->host());
    uploaded_ = std::move(made);
    is_upload_due_ = true;
    return Status::ok();
  }
  void forget_picture() override { uploaded_.reset(); }

  Result<NamedTensors> decode(const ImageEmbedding& embedding, const NamedViews& prompt,
                              std::span<const std::string> wanted) override {
    ChipNetwork& network = *model_->decoder;
    SAMC_TRY(make(network, prompt_, network.inputs(), model_->decoder_inputs));
    SAMC_TRY(make(network, decoded_, network.outputs()));
    std::shared_ptr<const ChipEmbedding> here = find_on_chip(embedding);
    if (here == nullptr && uploaded_ == nullptr) SAMC_TRY(set_picture(embedding));
    const bool uploads_embedding = here == nullptr && is_upload_due_;
    if (here == nullptr) here = uploaded_;
    ChipBuffers inputs = prompt_.buffers, uploads;
    for (size_t part = 0; part < kParts; ++part) {
      inputs[model_->decoder_inputs[part]] = here->buffers()[part];
      if (uploads_embedding) uploads.push_back(here->buffers()[part]);
    }
    written_.resize(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (std::ranges::find(model_->decoder_inputs, i) != model_->decoder_inputs.end()) continue;
      SAMC_ASSIGN(const TensorView value, value_for(network.inputs()[i], prompt, network.path()));
      if (!write_if_new(value.f32(), network.inputs()[i].type, *inputs[i], written_[i])) continue;
      uploads.push_back(inputs[i]);
    }
    ChipBuffers downloads;
    std::vector<size_t> numbers;
    for (const std::string& name : wanted) {
      const auto output = find_tensor(network.outputs(), name);
      if (!output.has_value()) return invalid_input(fmt::format("{} gives no {}", network.path(), name));
      numbers.push_back(*output);
      downloads.push_back(decoded_.buffers[*output]);
    }
    if (const Status status = network.run(inputs, uploads, decoded_.buffers, downloads); !status.is_ok()) {
      written_.clear();  // it is not known what arrived
      return status;
    }
    if (uploads_embedding) is_upload_due_ = false;
    NamedTensors results;
    for (const size_t output : numbers)
      results[network.outputs()[output].name] = read(network.outputs()[output], *decoded_.buffers[output]);
    return results;
  }

  Result<std::unique_ptr<BmodelRunner>> another() const override {
    return std::unique_ptr<BmodelRunner>(std::make_unique<ChipRunner>(model_));
  }
  int most_at_once() const override { return kManyLanes; }

 private:
  static constexpr int kManyLanes = 16;
  // The bytes of an input that are on the chip, of those that seldom change.
  struct Written {
    bool is_known = false, is_zero = false;
  };

  // All buffers but those of `others`.
  static Status make(ChipNetwork& network, OwnBuffers& own, std::span<const ChipTensor> tensors,
                     std::span<const size_t> others = {}) {
    if (own.is_made) return Status::ok();
    std::vector<ChipTensor> wanted;
    for (size_t i = 0; i < tensors.size(); ++i)
      if (std::ranges::find(others, i) == others.end()) wanted.push_back(tensors[i]);
    SAMC_ASSIGN(ChipBuffers made, network.make_buffers(wanted));
    own.buffers.clear();
    auto next = made.begin();
    for (size_t i = 0; i < tensors.size(); ++i)
      own.buffers.push_back(std::ranges::find(others, i) == others.end() ? std::move(*next++) : nullptr);
    own.is_made = true;
    return Status::ok();
  }

  // Outputs of the encoder that are no part of an embedding are written too.
  Status fill_gaps(ChipNetwork& network, ChipBuffers& outputs) {
    SAMC_TRY(make(network, encoded_, network.outputs(), model_->encoder_outputs));
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i] == nullptr) outputs[i] = encoded_.buffers[i];
    return Status::ok();
  }

  std::shared_ptr<const ChipEmbedding> find_on_chip(const ImageEmbedding& embedding) const {
    auto found = std::dynamic_pointer_cast<const ChipEmbedding>(embedding.on_device);
    return found != nullptr && found->model() == model_.get() ? found : nullptr;
  }

  // Whether it has to go to the chip: the mask that most prompts lack is zero each time.
  static bool write_if_new(std::span<const float> values, int type, ChipBuffer& buffer, Written& written) {
    const bool is_zero = std::ranges::all_of(values, [](float value) { return value == 0; });
    if (is_zero && written.is_known && written.is_zero) return false;
    write_bmodel_values(values, type, buffer.host());
    written = {true, is_zero};
    return true;
  }

  static Tensor read(const ChipTensor& description, ChipBuffer& buffer) {
    Tensor tensor(description.shape);
    read_bmodel_values(buffer.host(), description.type, tensor.f32());
    return tensor;
  }

  std::shared_ptr<LoadedModel> model_;
  OwnBuffers image_, encoded_, prompt_, decoded_;
  std::vector<Written> written_;
  std::shared_ptr<const ChipEmbedding> uploaded_;  // of the picture that is set, where the encoder here did not make it
  bool is_upload_due_ = false;
};

}  // namespace

Result<std::unique_ptr<BmodelRunner>> make_chip_runner(const std::shared_ptr<Chip>& chip, const std::string& encoder,
                                                       const std::string& decoder) {
  const auto model = std::make_shared<LoadedModel>();
  SAMC_ASSIGN(model->encoder, ChipNetwork::load(chip, encoder));
  SAMC_ASSIGN(model->decoder, ChipNetwork::load(chip, decoder));
  SAMC_TRY(model->connect());
  return std::unique_ptr<BmodelRunner>(std::make_unique<ChipRunner>(model));
}

}  // namespace samc::sophgo
