#include "tests/support/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "media/image.h"
#include "runtime/module.h"
#include "tests/support/golden.h"
#include "tests/support/image_clip.h"

namespace samc::test {
namespace {

// A mask as it is compared: true where the object is.
struct Seen {
  std::string what;
  std::vector<bool> mask;
  float score = 0;
};

MaskAgreement agreement(const Seen& one, const Seen& other) {
  SAMC_CHECK(one.mask.size() == other.mask.size(), "masks of {} and {} pixels", one.mask.size(), other.mask.size());
  double in_both = 0, in_any = 0;
  for (size_t pixel = 0; pixel < one.mask.size(); ++pixel) {
    in_both += one.mask[pixel] && other.mask[pixel] ? 1 : 0;
    in_any += one.mask[pixel] || other.mask[pixel] ? 1 : 0;
  }
  return {one.what, in_any == 0 ? 1 : in_both / in_any, in_any / static_cast<double>(one.mask.size()),
          std::abs(static_cast<double>(one.score) - static_cast<double>(other.score))};
}

std::vector<MaskAgreement> agreements(const std::vector<Seen>& one, const std::vector<Seen>& other) {
  SAMC_CHECK(one.size() == other.size(), "{} masks and {}", one.size(), other.size());
  std::vector<MaskAgreement> rows;
  for (size_t i = 0; i < one.size(); ++i) rows.push_back(agreement(one[i], other[i]));
  return rows;
}

Result<std::vector<Seen>> masks_of_prompts(const std::string& path, const std::vector<NamedPrompt>& prompts,
                                           const Image& picture) {
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(path));
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(module));
  SAMC_TRY(predictor.set_image(RgbView(picture)));
  std::vector<Seen> seen;
  for (const NamedPrompt& prompt : prompts) {
    for (const bool multimask : {true, false}) {
      PredictOptions options;
      options.multimask_output = multimask;
      SAMC_ASSIGN(const Prediction prediction, predictor.predict(prompt.prompts, options));
      const std::span<const uint8_t> masks = prediction.masks.as<uint8_t>();
      const std::span<const float> scores = prediction.iou_predictions.f32();
      const size_t pixels = masks.size() / scores.size();
      for (size_t at = 0; at < scores.size(); ++at) {
        const std::span<const uint8_t> mask = masks.subspan(at * pixels, pixels);
        seen.push_back({fmt::format("{}.{} {}", prompt.name, multimask ? "multi" : "single", at),
                        {mask.begin(), mask.end()},
                        scores[at]});
      }
    }
  }
  return seen;
}

Result<std::vector<Seen>> masks_of_clip(const std::string& path, const std::shared_ptr<ImageClip>& clip) {
  SAMC_ASSIGN(const std::shared_ptr<const Module> module, Module::load(path));
  std::vector<Seen> seen;
  SAMC_TRY(track_golden_objects(module, clip, [&](const VideoMasks& masks) {
    const size_t pixels = masks.logits.f32().size() / masks.objects.size();
    for (size_t i = 0; i < masks.objects.size(); ++i) {
      Seen& mask = seen.emplace_back();
      mask.what = fmt::format("frame {}, object {}", masks.frame, masks.objects[i]);
      for (const float logit : masks.logits.f32().subspan(i * pixels, pixels)) mask.mask.push_back(logit > 0);
    }
  }));
  return seen;
}

}  // namespace

Result<std::vector<MaskAgreement>> compare_masks(const std::string& module, const std::string& other_module,
                                                 const std::string& golden_path, const std::string& picture_path) {
  SAMC_ASSIGN(const Npz golden, Npz::read(golden_path));
  SAMC_ASSIGN(const Image picture, read_image(picture_path));
  SAMC_ASSIGN(const Tensor mask, best_mask(golden));
  const std::vector<NamedPrompt> prompts = golden_prompts(mask.view());
  SAMC_ASSIGN(const std::vector<Seen> one, masks_of_prompts(module, prompts, picture));
  SAMC_ASSIGN(const std::vector<Seen> other, masks_of_prompts(other_module, prompts, picture));
  return agreements(one, other);
}

Result<std::vector<MaskAgreement>> compare_grid(const std::string& module, const std::string& other_module,
                                                const std::string& picture_path) {
  SAMC_ASSIGN(const Image picture, read_image(picture_path));
  const auto width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
  std::vector<NamedPrompt> prompts;
  for (int i = 0; i < 25; ++i) {
    ObjectPrompt click;
    click.points = {
        {width * (static_cast<float>(i % 5) + 0.5f) / 5, height * (static_cast<float>(i / 5) + 0.5f) / 5, 1}};
    prompts.push_back({"click", {click}});
  }
  for (int i = 0; i < 9; ++i) {
    const float x = width * static_cast<float>(i % 3) / 3, y = height * static_cast<float>(i / 3) / 3;
    ObjectPrompt box;
    box.box = BoxPrompt{x + width / 30, y + height / 30, x + width / 3, y + height / 3};
    prompts.push_back({"box", {box}});
  }
  SAMC_ASSIGN(const std::vector<Seen> one, masks_of_prompts(module, prompts, picture));
  SAMC_ASSIGN(const std::vector<Seen> other, masks_of_prompts(other_module, prompts, picture));
  return agreements(one, other);
}

Result<std::vector<MaskAgreement>> compare_video_masks(const std::string& module, const std::string& other_module,
                                                       const std::string& folder, int64_t frames) {
  SAMC_ASSIGN(const std::shared_ptr<ImageClip> clip, ImageClip::read(folder, frames));
  SAMC_ASSIGN(const std::vector<Seen> one, masks_of_clip(module, clip));
  SAMC_ASSIGN(const std::vector<Seen> other, masks_of_clip(other_module, clip));
  return agreements(one, other);
}

AgreementSummary summarise(const std::vector<MaskAgreement>& rows) {
  AgreementSummary summary;
  std::vector<double> ious;
  for (const MaskAgreement& row : rows) {
    summary.score_error = std::max(summary.score_error, row.score_error);
    if (row.covered < 1e-3) continue;
    ious.push_back(row.iou);
    if (row.iou < summary.least) summary.least_of = row.what;
    summary.least = std::min(summary.least, row.iou);
  }
  if (ious.empty()) return summary;
  summary.masks = ious.size();
  summary.mean = std::accumulate(ious.begin(), ious.end(), 0.0) / static_cast<double>(ious.size());
  std::ranges::sort(ious);
  summary.twentieth = ious[ious.size() / 20];
  return summary;
}

}  // namespace samc::test
