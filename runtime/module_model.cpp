#include "runtime/module_model.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "package/model_names.h"
#include "package/plan.h"
#include "runtime/executor.h"
#include "runtime/image_contract.h"
#include "runtime/image_predictor.h"
#include "runtime/prompt_decoder.h"
#include "runtime/prompt_points.h"
#include "runtime/prompt_teams.h"

namespace samc {
namespace {

// What the arenas of all teams may take together.
constexpr int64_t kMostTeamBytes = int64_t{256} << 20;

DecoderMaps maps_of(const ImageEmbedding& embedding) {
  return {embedding.image_embed.view(), embedding.high_res_feats_0.view(), embedding.high_res_feats_1.view()};
}

class ModuleModel : public ImageModel {
 public:
  ModuleModel(std::shared_ptr<const Module> module, Executor executor, PromptDecoder decoder, ImageContract contract)
      : module_(std::move(module)),
        executor_(std::move(executor)),
        decoder_(std::move(decoder)),
        contract_(std::move(contract)) {}

  const ModelInfo& info() const override { return executor_.module().info(); }
  const ImageModelShapes& shapes() const override { return contract_; }
  ThreadPool& pool() override { return executor_.pool(); }
  int most_lanes() const override { return std::numeric_limits<int>::max(); }
  Result<std::unique_ptr<ImageModel>> another(int threads) const override {
    return make_module_model(module_, threads);
  }
  void observe(OperationObserver observer) override {
    is_observed_ = static_cast<bool>(observer);
    executor_.observe(std::move(observer));
  }
  void stop_at_nonfinite(bool on) override { executor_.stop_at_nonfinite(on); }
  size_t working_bytes() const override {
    return executor_.arena_bytes() + executor_.scratch_bytes() + decoder_.bytes() +
           (teams_.has_value() ? teams_->bytes() : 0);
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

  Status set_picture(const ImageEmbedding& embedding) override {
    return decoder_.set_picture(executor_, maps_of(embedding));
  }
  void forget_picture() override { decoder_.forget_picture(); }
  void release_memory() override { executor_.release_arena(); }

  Status decode(const ImageEmbedding& embedding, const DecoderPoints& points, const TensorView& mask_input,
                DecoderOutputs& outputs) override {
    return decoder_.decode(executor_, maps_of(embedding), points, shaped(mask_input), outputs);
  }

  Status decode_all(const ImageEmbedding& embedding, std::span<const PromptInputs> prompts,
                    const DecodedPrompt& done) override {
    // Who watches operations sees them one after the other.
    if (prompts.size() < 2 || is_observed_) return ImageModel::decode_all(embedding, prompts, done);
    if (!teams_.has_value()) {
      SAMC_ASSIGN(PromptTeams made, PromptTeams::create(module_, pool().threads(), kMostTeamBytes));
      teams_.emplace(std::move(made));
    }
    std::vector<PromptInputs> inputs(prompts.begin(), prompts.end());
    for (PromptInputs& input : inputs) input.mask = shaped(input.mask);
    return teams_->decode(decoder_, maps_of(embedding), inputs, done);
  }

 private:
  TensorView shaped(const TensorView& mask) const {
    return mask.data == nullptr ? mask : mask.with_shape({1, 1, contract_.low_height, contract_.low_width});
  }

  std::shared_ptr<const Module> module_;
  Executor executor_;
  PromptDecoder decoder_;
  ImageContract contract_;
  std::optional<PromptTeams> teams_;  // from the first call with several prompts on
  bool is_observed_ = false;
};

}  // namespace

Result<std::unique_ptr<ImageModel>> make_module_model(std::shared_ptr<const Module> module, int threads) {
  SAMC_ASSIGN(ImageContract contract, read_image_contract(*module));
  SAMC_ASSIGN(PromptDecoder decoder, PromptDecoder::create(*module));
  SAMC_ASSIGN(Executor executor, Executor::create(module, threads));
  return std::unique_ptr<ImageModel>(
      std::make_unique<ModuleModel>(std::move(module), std::move(executor), std::move(decoder), std::move(contract)));
}

}  // namespace samc
