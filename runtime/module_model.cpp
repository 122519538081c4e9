#include "runtime/module_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "package/model_names.h"
#include "package/plan.h"
#include "runtime/executor.h"
#include "runtime/image_predictor.h"
#include "runtime/prompt_decoder.h"
#include "runtime/prompt_points.h"

namespace samc {
namespace {

// Shapes that the functions of a module have; the names are the contract with model/.
struct Contract : ImageModelShapes {
  Shape dense_embed;
};

class ShapeReader {
 public:
  explicit ShapeReader(const Module& module) : module_(module) {}

  Result<Contract> read() {
    Contract contract;
    contract.size = module_.info().image_size;
    const int64_t size = contract.size;
    expect(kImageEncoder, kImage, Place::kInput, {1, 3, size, size});
    contract.high_res_feats_0 = shape(kImageEncoder, kHighResFeats0, Place::kOutput, 4);
    contract.high_res_feats_1 = shape(kImageEncoder, kHighResFeats1, Place::kOutput, 4);
    contract.image_embed = shape(kImageEncoder, kImageEmbed, Place::kOutput, 4);
    contract.dense_embed = shape(kNoMask, kDenseEmbed, Place::kOutput, 4);
    const Shape low_res = shape(kMaskDecoder, kLowResLogits, Place::kOutput, 4);
    if (!status_.is_ok()) return status_;
    contract.masks = low_res[1];
    contract.low_height = low_res[2];
    contract.low_width = low_res[3];
    if (low_res[0] != 1 || contract.masks < 2 || contract.low_height < 1 || contract.low_width < 1)
      return invalid_input(fmt::format("mask_decoder gives low_res_logits {}", shape_to_string(low_res)));
    expect(kMaskEncoder, kMaskInput, Place::kInput, {1, 1, contract.low_height, contract.low_width});
    expect(kMaskEncoder, kDenseEmbed, Place::kOutput, contract.dense_embed);
    expect_points(kMaskDecoder);
    expect(kMaskDecoder, kImageEmbed, Place::kInput, contract.image_embed);
    expect(kMaskDecoder, kHighResFeats0, Place::kInput, contract.high_res_feats_0);
    expect(kMaskDecoder, kHighResFeats1, Place::kInput, contract.high_res_feats_1);
    expect(kMaskDecoder, kDenseEmbed, Place::kInput, contract.dense_embed);
    expect(kMaskDecoder, kIouPredictions, Place::kOutput, {1, contract.masks});
    if (!status_.is_ok()) return status_;
    return contract;
  }

 private:
  // Empty, and status_ set, when there is no such value or its shape is free.
  Shape shape(const char* function_name, const char* value_name, Place place, size_t rank) {
    const PlanFunction* function = module_.plan().find(function_name);
    const Value* found = nullptr;
    if (function != nullptr)
      for (const Value& value : function->values)
        if (value.place == place && value.name == value_name) found = &value;
    const bool fixed =
        found != nullptr && found->shape.size() == rank && found->dtype == DType::kF32 &&
        std::all_of(found->shape.begin(), found->shape.end(), [](const Extent& extent) { return extent.is_fixed(); });
    if (fixed) return found->shape_at({});
    if (status_.is_ok())
      status_ = invalid_input(fmt::format("module {} has no {} of {} as an image model has", module_.info().name,
                                          value_name, function_name),
                              "it was made for another purpose or by another version of samc");
    return {};
  }

  void expect(const char* function_name, const char* value_name, Place place, const Shape& expected) {
    const Shape found = shape(function_name, value_name, place, expected.size());
    if (status_.is_ok() && found != expected)
      status_ = invalid_input(fmt::format("{} of {} is {}, {} expected", value_name, function_name,
                                          shape_to_string(found), shape_to_string(expected)));
  }

  // The one free size that the predictor gives.
  void expect_points(const char* function_name) {
    const PlanFunction* function = module_.plan().find(function_name);
    const bool has_points = function != nullptr && function->sizes.size() == 1 && function->sizes[0].name == kPoints;
    if (!has_points && status_.is_ok())
      status_ = invalid_input(
          fmt::format("{} of module {} does not take any number of points", function_name, module_.info().name),
          "it was made for another purpose or by another version of samc");
  }

  const Module& module_;
  Status status_;
};

class ModuleModel : public ImageModel {
 public:
  ModuleModel(Executor executor, PromptDecoder decoder, Contract contract)
      : executor_(std::move(executor)), decoder_(std::move(decoder)), contract_(std::move(contract)) {}

  const ModelInfo& info() const override { return executor_.module().info(); }
  const ImageModelShapes& shapes() const override { return contract_; }
  ThreadPool& pool() override { return executor_.pool(); }
  void observe(OperationObserver observer) override { executor_.observe(std::move(observer)); }
  void stop_at_nonfinite(bool on) override { executor_.stop_at_nonfinite(on); }
  size_t working_bytes() const override {
    return executor_.arena_bytes() + executor_.scratch_bytes() + decoder_.bytes();
  }

  Status encode(const TensorView& image, ImageEmbedding& embedding) override {
    const std::array<NamedInput, 1> inputs = {{{kImage, image}}};
    const std::array<NamedOutput, 3> outputs = {{{kHighResFeats0, &embedding.high_res_feats_0},
                                                 {kHighResFeats1, &embedding.high_res_feats_1},
                                                 {kImageEmbed, &embedding.image_embed}}};
    return executor_.run(kImageEncoder, {}, inputs, outputs);
  }

  // points: the prompt's and the padding point.
  Status check_points(int64_t points) const override {
    const PlanFunction* decoder = executor_.module().plan().find(kMaskDecoder);
    SAMC_CHECK(decoder != nullptr, "a model without {}", kMaskDecoder);
    const int64_t most = decoder->sizes[0].greatest;
    if (points <= most) return Status::ok();
    return invalid_input(fmt::format("a prompt of {} points, more than the model's {}", points - 1, most - 1),
                         "give fewer; a box counts as two");
  }

  Status set_picture(const ImageEmbedding& embedding) override { return decoder_.set_picture(executor_, embedding); }
  void forget_picture() override { decoder_.forget_picture(); }

  Status decode(const ImageEmbedding& embedding, const DecoderPoints& points, const TensorView& mask_input,
                DecoderOutputs& outputs) override {
    const TensorView mask = mask_input.data == nullptr
                                ? mask_input
                                : mask_input.with_shape({1, 1, contract_.low_height, contract_.low_width});
    return decoder_.decode(executor_, embedding, points, mask, outputs);
  }

 private:
  Executor executor_;
  PromptDecoder decoder_;
  Contract contract_;
};

}  // namespace

Result<std::unique_ptr<ImageModel>> make_module_model(std::shared_ptr<const Module> module, int threads) {
  SAMC_ASSIGN(Contract contract, ShapeReader(*module).read());
  SAMC_ASSIGN(PromptDecoder decoder, PromptDecoder::create(*module));
  SAMC_ASSIGN(Executor executor, Executor::create(std::move(module), threads));
  return std::unique_ptr<ImageModel>(
      std::make_unique<ModuleModel>(std::move(executor), std::move(decoder), std::move(contract)));
}

}  // namespace samc
