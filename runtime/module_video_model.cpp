#include "runtime/module_video_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "package/model_names.h"
#include "package/plan.h"
#include "runtime/executor.h"
#include "runtime/function_parts.h"
#include "runtime/image_contract.h"
#include "runtime/prompt_decoder.h"
#include "runtime/prompt_points.h"
#include "runtime/prompt_teams.h"

namespace samc {
namespace {

// What the decoders of all teams may take together.
constexpr int64_t kMostTeamBytes = int64_t{256} << 20;

struct VideoContract : ImageContract {
  int64_t channels = 0;         // C
  int64_t positions = 0;        // h w
  int64_t memory_channels = 0;  // M
  int64_t most_memories = 0;
  int64_t most_pointers = 0;
  // The memory attention in parts; both null where a module has none.
  const PlanFunction* frame_part = nullptr;
  const PlanFunction* object_part = nullptr;
};

Result<VideoContract> read_video_contract(const Module& module) {
  VideoContract contract;
  SAMC_ASSIGN(static_cast<ImageContract&>(contract), read_image_contract(module));
  ShapeReader reader(module);
  const Shape& map = contract.image_embed;
  contract.channels = map[1];
  contract.positions = map[2] * map[3];
  const int64_t size = contract.size;
  reader.expect(kImageEncoder, kVisionFeatures, Place::kOutput, map);
  const Shape memory = reader.shape(kMemoryEncoder, kMemory, Place::kOutput, 3);
  if (!reader.status().is_ok()) return reader.status();
  contract.memory_channels = memory[2];
  reader.expect(kMemoryEncoder, kMemory, Place::kOutput, {1, contract.positions, contract.memory_channels});
  reader.expect(kMemoryEncoder, kVisionFeatures, Place::kInput, map);
  reader.expect(kMemoryEncoder, kMaskLogits, Place::kInput, {1, 1, size, size});
  reader.expect(kObjectPointer, kMaskToken, Place::kInput, {1, contract.channels});
  reader.expect(kObjectPointer, kObjectPointer, Place::kOutput, {1, contract.channels});
  reader.expect(kMaskDownsample, kMask, Place::kInput, {1, 1, size, size});
  reader.expect(kMaskDownsample, kMaskInput, Place::kOutput, {1, 1, contract.low_height, contract.low_width});
  reader.expect(kMaskDecoder, kObjectScore, Place::kOutput, {1, 1});
  reader.expect(kMaskDecoder, kMaskTokens, Place::kOutput, {1, contract.masks, contract.channels});
  reader.expect_sizes(kMemoryAttention, {kMemories, kPointers});
  reader.expect(kMemoryAttention, kVisionFeatures, Place::kInput, map);
  reader.expect(kMemoryAttention, kImageEmbed, Place::kOutput, map);
  if (!reader.status().is_ok()) return reader.status();
  const PlanFunction& attention = *module.plan().find(kMemoryAttention);
  contract.most_memories = attention.sizes[0].greatest;
  contract.most_pointers = attention.sizes[1].greatest;
  contract.frame_part = module.plan().find(kMemoryAttentionFrame);
  contract.object_part = module.plan().find(kMemoryAttentionObject);
  if (contract.frame_part == nullptr && contract.object_part == nullptr) return contract;
  if (contract.frame_part == nullptr || contract.object_part == nullptr)
    return invalid_input(fmt::format("module {} has a part of {} but not all", module.info().name, kMemoryAttention),
                         "compile the model again");
  PartsCheck check(attention);
  SAMC_TRY(check.check_early(*contract.frame_part, {kVisionFeatures}));
  SAMC_TRY(check.check_last(*contract.object_part, {kMemory, kMemoryTimes, kObjectPointers, kPointerTimes}));
  return contract;
}

class ModuleVideoModel : public VideoModel {
 public:
  ModuleVideoModel(std::shared_ptr<const Module> module, Executor executor, PromptDecoder decoder,
                   VideoContract contract)
      : module_(std::move(module)),
        executor_(std::move(executor)),
        decoder_(std::move(decoder)),
        contract_(std::move(contract)),
        threads_(executor_.pool().threads()) {}

  const ModelInfo& info() const override { return executor_.module().info(); }
  const ImageModelShapes& shapes() const override { return contract_; }
  ThreadPool& pool() override { return executor_.pool(); }
  int64_t most_memories() const override { return contract_.most_memories; }
  int64_t most_pointers() const override { return contract_.most_pointers; }
  void observe(OperationObserver observer) override {
    is_observed_ = static_cast<bool>(observer);
    executor_.observe(std::move(observer));
  }
  void stop_at_nonfinite(bool on) override { executor_.stop_at_nonfinite(on); }
  size_t working_bytes() const override {
    return executor_.arena_bytes() + executor_.scratch_bytes() + decoder_.bytes() +
           (teams_.has_value() ? teams_->bytes() : 0) +
           static_cast<size_t>(bytes_of(frame_values_) + memory_.bytes() + pointers_.bytes());
  }

  Status encode(const TensorView& image, FrameFeatures& features) override {
    if (&features == frame_) forget_frame();
    const std::array<NamedInput, 1> inputs = {{{kImage, image}}};
    const std::array<NamedOutput, 4> outputs = {{{kHighResFeats0, &features.high_res_feats_0},
                                                 {kHighResFeats1, &features.high_res_feats_1},
                                                 {kImageEmbed, &features.image_embed},
                                                 {kVisionFeatures, &features.vision_features}}};
    return executor_.run(kImageEncoder, {}, inputs, outputs);
  }

  Status attend(const FrameFeatures& features, const MemoryBank& bank, Tensor& conditioned) override {
    const auto memories = static_cast<int64_t>(bank.memories.size());
    const auto pointers = static_cast<int64_t>(bank.pointers.size());
    SAMC_CHECK(memories > 0 && memories <= contract_.most_memories && pointers <= contract_.most_pointers,
               "{} memories, {} pointers", memories, pointers);
    gather_bank(bank);
    const std::array<NamedInput, 5> given = {{{kVisionFeatures, features.vision_features.view()},
                                              {kMemory, memory_.view()},
                                              {kMemoryTimes, memory_times_.view()},
                                              {kObjectPointers, pointers_.view()},
                                              {kPointerTimes, pointer_times_.view()}}};
    const std::array<NamedOutput, 1> outputs = {{{kImageEmbed, &conditioned}}};
    const std::vector<NamedSize> sizes = {{kMemories, memories}, {kPointers, pointers}};
    if (contract_.frame_part == nullptr) {
      const PlanFunction& whole = *executor_.module().plan().find(kMemoryAttention);
      return executor_.run(kMemoryAttention, sizes, inputs_of(whole, given, {}), outputs);
    }
    if (frame_ != &features) {
      forget_frame();
      SAMC_TRY(run_early(executor_, *contract_.frame_part, inputs_of(*contract_.frame_part, given, {}), frame_values_));
      frame_ = &features;
    }
    return executor_.run(contract_.object_part->name, sizes, inputs_of(*contract_.object_part, given, {&frame_values_}),
                         outputs);
  }

  void forget_frame() override {
    frame_ = nullptr;
    frame_values_.clear();
  }

  Status decode(const FrameFeatures& features, const Tensor& image_embed, const DecoderPoints& points,
                const TensorView& mask_input, DecoderOutputs& outputs) override {
    const DecoderMaps maps = maps_of(features, image_embed);
    SAMC_TRY(decoder_.set_picture(executor_, maps));
    return decoder_.decode(executor_, maps, points, mask_input, outputs);
  }

  // An object for each thread: threads that share the decoder's many short operations wait for each other.
  int64_t objects_at_once() const override { return is_observed_ ? 1 : threads_; }

  Status decode_all(const FrameFeatures& features, std::span<const DecodeRequest> requests) override {
    if (requests.size() < 2 || objects_at_once() < 2) return VideoModel::decode_all(features, requests);
    if (!teams_.has_value()) {
      SAMC_ASSIGN(PromptTeams made, PromptTeams::create(module_, pool().threads(), kMostTeamBytes));
      teams_.emplace(std::move(made));
    }
    std::vector<PromptOfPicture> prompts;
    for (const DecodeRequest& request : requests)
      prompts.push_back({maps_of(features, *request.image_embed), request.points, request.mask_input, request.outputs});
    return teams_->decode(prompts);
  }

  Status object_pointer(const TensorView& token, const TensorView& score, bool object_is_in_mask,
                        Tensor& pointer) override {
    const float present = object_is_in_mask ? 1.0f : 0.0f;
    const std::array<NamedInput, 3> inputs = {
        {{kMaskToken, token}, {kObjectScore, score}, {kMaskPresent, {DType::kF32, {1, 1}, &present}}}};
    const std::array<NamedOutput, 1> outputs = {{{kObjectPointer, &pointer}}};
    return run(kObjectPointer, inputs, outputs);
  }

  Status encode_memory(const FrameFeatures& features, const TensorView& mask, const TensorView& score,
                       Tensor& memory) override {
    const std::array<NamedInput, 3> inputs = {
        {{kVisionFeatures, features.vision_features.view()}, {kMaskLogits, mask}, {kObjectScore, score}}};
    const std::array<NamedOutput, 1> outputs = {{{kMemory, &exact_memory_}}};
    SAMC_TRY(run(kMemoryEncoder, inputs, outputs));
    Tensor rounded(DType::kBF16, exact_memory_.shape());
    std::ranges::transform(exact_memory_.f32(), rounded.as<uint16_t>().begin(), f32_to_bf16);
    memory = std::move(rounded);
    return Status::ok();
  }

  Status downsample_mask(const TensorView& mask, Tensor& low_res) override {
    const std::array<NamedInput, 1> inputs = {{{kMask, mask}}};
    const std::array<NamedOutput, 1> outputs = {{{kMaskInput, &low_res}}};
    return executor_.run(kMaskDownsample, {}, inputs, outputs);
  }

 private:
  static DecoderMaps maps_of(const FrameFeatures& features, const Tensor& image_embed) {
    return {image_embed.view(), features.high_res_feats_0.view(), features.high_res_feats_1.view()};
  }
  // A function that takes some of these inputs: models differ in what they look at.
  Status run(const char* function, std::span<const NamedInput> given, std::span<const NamedOutput> outputs) {
    const PlanFunction& plan = *executor_.module().plan().find(function);
    return executor_.run(function, {}, inputs_of(plan, given, {}), outputs);
  }

  // The bank as the inputs of the memory attention.
  void gather_bank(const MemoryBank& bank) {
    const auto memories = static_cast<int64_t>(bank.memories.size());
    const auto pointers = static_cast<int64_t>(bank.pointers.size());
    const auto fit = [](Tensor& tensor, Shape shape) {
      if (tensor.shape() != shape) tensor = Tensor(std::move(shape));
    };
    fit(memory_, {1, memories * contract_.positions, contract_.memory_channels});
    fit(memory_times_, {1, memories});
    fit(pointers_, {1, pointers, contract_.channels});
    fit(pointer_times_, {1, pointers});
    float* to = memory_.f32().data();
    for (size_t i = 0; i < bank.memories.size(); ++i) {
      const Tensor& features = *bank.memories[i].features;
      SAMC_CHECK(
          features.dtype() == DType::kBF16 && features.count() == contract_.positions * contract_.memory_channels,
          "a memory of {} {}", dtype_name(features.dtype()), shape_to_string(features.shape()));
      to = std::ranges::transform(features.as<uint16_t>(), to, bf16_to_f32).out;
      memory_times_.f32()[i] = static_cast<float>(bank.memories[i].time);
    }
    to = pointers_.f32().data();
    for (size_t i = 0; i < bank.pointers.size(); ++i) {
      const Tensor& pointer = *bank.pointers[i].pointer;
      SAMC_CHECK(pointer.count() == contract_.channels, "a pointer {}", shape_to_string(pointer.shape()));
      to = std::ranges::copy(pointer.f32(), to).out;
      pointer_times_.f32()[i] = bank.pointers[i].time;
    }
  }

  std::shared_ptr<const Module> module_;
  Executor executor_;
  PromptDecoder decoder_;
  std::optional<PromptTeams> teams_;  // from the first call with several objects on
  bool is_observed_ = false;
  VideoContract contract_;
  int64_t threads_;
  const FrameFeatures* frame_ = nullptr;  // whose values these are
  KeptValues frame_values_;
  Tensor memory_, memory_times_, pointers_, pointer_times_;  // of the bank at hand
  Tensor exact_memory_;
};

}  // namespace

Result<std::unique_ptr<VideoModel>> make_video_model(std::shared_ptr<const Module> module, int threads) {
  if (!module->info().video.has_value())
    return invalid_input(fmt::format("{} segments images and cannot track objects", module->info().name),
                         "compile it from a checkpoint (.pt); an ONNX export has no parts for video");
  SAMC_ASSIGN(VideoContract contract, read_video_contract(*module));
  SAMC_ASSIGN(PromptDecoder decoder, PromptDecoder::create(*module));
  SAMC_ASSIGN(Executor executor, Executor::create(module, threads));
  return std::unique_ptr<VideoModel>(std::make_unique<ModuleVideoModel>(std::move(module), std::move(executor),
                                                                        std::move(decoder), std::move(contract)));
}

}  // namespace samc
