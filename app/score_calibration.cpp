#include "app/score_calibration.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <optional>

#include "base/check.h"
#include "base/temporary.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "media/image.h"
#include "package/model_names.h"
#include "runtime/module_video_model.h"
#include "runtime/preprocess.h"
#include "runtime/prompt_points.h"
#include "runtime/video_heads.h"
#include "targets/cpu/compile_model.h"
#include "targets/sophgo/calibrate/executor.h"
#include "targets/sophgo/device/placed_bank.h"
#include "targets/sophgo/transform.h"

namespace samc {
namespace {

// More change which keys there are, and hardly how large their scores get.
constexpr int64_t kRememberedFrames = 2;
constexpr size_t kMostImages = 16;

// The memory attention as top ops, watched. Scores are what is masked in front of a softmax.
class ScoreMeter {
 public:
  static Result<ScoreMeter> make(const SourceOptions& model) {
    sophgo::TransformOptions options;
    static_cast<SourceOptions&>(options) = model;
    options.warn = {};
    options.model_name = "scores";
    options.part = sophgo::ModelPart::kMemoryAttention;
    options.memory.form = sophgo::MemoryForm::kPlain;
    options.memory.memories = kRememberedFrames;
    options.memory.pointers = kRememberedFrames;
    ScoreMeter meter;
    SAMC_ASSIGN(meter.model_, sophgo::TransformedModel::make(options));
    for (const NamedShape& input : meter.model_->inputs()) {
      if (input.name == kMemory) meter.places_.memory_channels = input.shape[2];
      if (input.name == kMemory) meter.places_.positions = input.shape[1] / kRememberedFrames;
      if (input.name == kObjectPointers) meter.places_.channels = input.shape[2];
    }
    meter.places_.memories = kRememberedFrames;
    meter.places_.pointers = kRememberedFrames;
    meter.places_.has_pointer_times = std::ranges::any_of(
        meter.model_->inputs(), [](const NamedShape& input) { return input.name == kPointerTimes; });
    return meter;
  }

  Status measure(const FrameFeatures& features, const MemoryBank& bank, ThreadPool& pool) {
    NamedTensors inputs = sophgo::place_bank(bank, places_);
    inputs[kVisionFeatures] = Tensor::copy_of(features.vision_features.view());
    sophgo::Executor executor(model_->function(), model_->weights(), pool);
    return executor
        .run(inputs,
             [&](mlir::Value value, const TensorView& data) {
               if (!is_score(value)) return Status::ok();
               for (const float score : data.f32())
                 largest_ = std::max(largest_.value_or(0), std::abs(static_cast<double>(score)));
               return Status::ok();
             })
        .status();
  }

  double largest() const {
    SAMC_CHECK(largest_.has_value(), "the memory attention has no scores");
    return *largest_;
  }

 private:
  static bool is_score(mlir::Value value) {
    if (!value.getDefiningOp<top::MatMulOp>() || !value.hasOneUse()) return false;
    mlir::Operation* masked = *value.getUsers().begin();
    return mlir::isa<top::AddOp>(masked) && masked->hasOneUse() &&
           mlir::isa<top::SoftmaxOp>(*masked->getUsers().begin());
  }

  std::unique_ptr<sophgo::TransformedModel> model_;
  sophgo::BankPlaces places_;
  std::optional<double> largest_;
};

// What is kept of an image that was tracked.
struct Remembered {
  Tensor memory, pointer;
};

MemoryBank bank_of(const std::deque<Remembered>& remembered) {
  MemoryBank bank;
  for (size_t i = 0; i < remembered.size(); ++i) {
    const auto back = static_cast<int64_t>(remembered.size() - i);
    bank.memories.push_back({&remembered[i].memory, i == 0 ? 0 : 7 - back});
    bank.pointers.push_back({&remembered[i].pointer, static_cast<float>(back) / 15.0f});
  }
  return bank;
}

Result<FrameFeatures> features_of(VideoModel& model, const std::string& image) {
  SAMC_ASSIGN(const Image picture, read_image(image));
  const ModelInfo& info = model.info();
  Tensor input({1, 3, info.image_size, info.image_size});
  preprocess_image(RgbView(picture), info.image_size, info.pixel_mean, info.pixel_std, model.pool(), input.f32());
  FrameFeatures features;
  SAMC_TRY(model.encode(input.view(), features));
  return features;
}

}  // namespace

Result<double> largest_score(const SourceOptions& model, const std::vector<std::string>& images, int threads,
                             Progress& progress) {
  if (images.size() < 2)
    return usage_error(fmt::format("{} image: the memory attention is measured on two or more", images.size()),
                       "give --images a folder, best of frames of a video");
  progress.show("compiling for calibration ...");
  SAMC_ASSIGN(const TemporaryFolder work,
              TemporaryFolder::beside((std::filesystem::temp_directory_path() / "samc_scores").string()));
  CompileOptions compile;
  static_cast<SourceOptions&>(compile) = model;
  compile.warn = {};
  SAMC_TRY(compile_model(compile, work.file("model.samc")).status());
  LoadOptions load;
  load.threads = threads;
  SAMC_ASSIGN(std::shared_ptr<Module> module, Module::load(work.file("model.samc"), load));
  SAMC_ASSIGN(const auto video, make_video_model(std::shared_ptr<const Module>(std::move(module)), threads));
  SAMC_ASSIGN(ScoreMeter meter, ScoreMeter::make(model));
  VideoHeads heads(*video, *video->info().video, false);
  const auto middle = static_cast<float>(video->info().image_size) / 2;
  const DecoderPoints prompt{{middle, middle, 0, 0}, {1, -1}}, none{{0, 0}, {-1}};
  std::deque<Remembered> remembered;
  const size_t count = std::min(images.size(), kMostImages);
  for (size_t i = 0; i < count; ++i) {
    progress.show(fmt::format("measuring scores, image {} of {} ...", i + 1, count));
    SAMC_ASSIGN(const FrameFeatures features, features_of(*video, images[i]));
    Tensor embed = Tensor::copy_of(features.image_embed.view());
    if (i > 0) {
      const MemoryBank bank = bank_of(remembered);
      SAMC_TRY(meter.measure(features, bank, video->pool()));
      SAMC_ASSIGN(embed, heads.attend(features, bank));
    }
    SAMC_ASSIGN(ObjectOutput output, heads.segment(features, embed, i == 0 ? prompt : none, {}, true));
    Tensor mask = heads.at_model_size(output.low_res_logits);
    SAMC_ASSIGN(Tensor memory, heads.encode_memory(features, mask, output.object_score, i == 0));
    if (static_cast<int64_t>(remembered.size()) == kRememberedFrames) remembered.erase(remembered.begin() + 1);
    remembered.push_back({std::move(memory), std::move(output.object_pointer)});
    video->forget_frame();
  }
  return meter.largest();
}

}  // namespace samc
