#include "tests/support/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "media/image.h"
#include "media/npz.h"
#include "runtime/image_predictor.h"
#include "runtime/preprocess.h"

namespace samc::test {
namespace {

constexpr int64_t kSamples = 4096;

double allowed_error(const std::string& key, double largest_value) {
  if (key.ends_with(".iou")) return kIouTolerance;
  if (key.ends_with(".object_score")) return kObjectScoreTolerance;
  if (key == "input.image" || key.ends_with(".input0")) return kImageTolerance * largest_value;
  return (key.starts_with("video") ? kVideoTolerance : kLogitsTolerance) * largest_value;
}

ObjectPrompt with_box(float x0, float y0, float x1, float y1) {
  ObjectPrompt prompt;
  prompt.box = BoxPrompt{x0, y0, x1, y1};
  return prompt;
}

}  // namespace

std::vector<NamedPrompt> golden_prompts(const TensorView& mask_input) {
  ObjectPrompt point, two_points, point_mask;
  point.points = {{500, 375, 1}};
  two_points.points = {{500, 375, 1}, {1125, 625, 0}};
  point_mask.points = point.points;
  point_mask.mask_input = mask_input;
  const ObjectPrompt box = with_box(425, 600, 700, 875);
  ObjectPrompt box_and_negative = box;
  box_and_negative.points = {{575, 750, 0}};
  return {{"point", {point}},
          {"points_pos_neg", {two_points}},
          {"box", {box}},
          {"box_neg", {box_and_negative}},
          {"point_mask", {point_mask}},
          {"boxes4",
           {with_box(75, 275, 1725, 850), with_box(425, 600, 700, 875), with_box(1375, 550, 1650, 800),
            with_box(1240, 675, 1400, 750)}}};
}

Result<Tensor> best_mask(const Npz& golden) {
  SAMC_ASSIGN(const Tensor* low_res, golden.get("predict.point.multi.low_res"));
  SAMC_ASSIGN(const Tensor* scores, golden.get("predict.point.multi.iou"));
  const std::span<const float> iou = scores->f32();
  const int64_t best = std::max_element(iou.begin(), iou.end()) - iou.begin();
  const int64_t low = low_res->shape().back();
  Tensor mask({1, low, low});
  std::copy_n(low_res->f32().begin() + best * low * low, low * low, mask.f32().begin());
  return mask;
}

GoldenRow compare_values(const std::string& key, std::span<const float> wanted, std::span<const float> given,
                         bool sampled) {
  GoldenRow row;
  row.key = key;
  const bool same_size = sampled ? !given.empty() : given.size() == wanted.size();
  for (size_t k = 0; k < wanted.size(); ++k) {
    row.largest_value = std::max(row.largest_value, std::abs(static_cast<double>(wanted[k])));
    if (!same_size) continue;
    const size_t at = sampled ? k * size_t{2654435761} % given.size() : k;
    const double error = std::abs(static_cast<double>(given[at]) - static_cast<double>(wanted[k]));
    // A NaN compares false with everything, so it must count as the worst error explicitly.
    row.largest_error = std::isnan(error) ? INFINITY : std::max(row.largest_error, error);
  }
  if (!same_size) row.largest_error = INFINITY;
  row.allowed = allowed_error(key, row.largest_value);
  return row;
}

Result<std::vector<GoldenRow>> compare_with_golden(const std::string& module_path, const std::string& golden_path,
                                                   const std::string& picture_path) {
  SAMC_ASSIGN(const Npz golden, Npz::read(golden_path));
  SAMC_ASSIGN(const Image picture, read_image(picture_path));
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(module_path));
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(module));
  const RgbView view(picture);

  std::vector<GoldenRow> rows;
  const auto check = [&](const std::string& key, const Tensor& given, bool sampled) {
    if (const Tensor* wanted = golden.find(key); wanted != nullptr)
      rows.push_back(compare_values(key, wanted->f32(), given.f32(), sampled));
  };
  ThreadPool pool;
  const ModelInfo& info = module->info();
  Tensor input({1, 3, info.image_size, info.image_size});
  preprocess_image(view, info.image_size, info.pixel_mean, info.pixel_std, pool, input.f32());
  check("input.image", input, true);
  SAMC_TRY(predictor.set_image(view));
  SAMC_ASSIGN(const ImageEmbedding* embedding, predictor.embedding());
  check("encoder.high_res_feats_0", embedding->high_res_feats_0, true);
  check("encoder.high_res_feats_1", embedding->high_res_feats_1, true);
  check("encoder.image_embed", embedding->image_embed, true);

  SAMC_ASSIGN(const Tensor mask, best_mask(golden));
  for (const NamedPrompt& prompt : golden_prompts(mask.view())) {
    for (const bool multimask : {true, false}) {
      const std::string base = fmt::format("predict.{}.{}", prompt.name, multimask ? "multi" : "single");
      if (golden.find(base + ".low_res") == nullptr) continue;
      PredictOptions options;
      options.multimask_output = multimask;
      options.return_logits = true;
      SAMC_ASSIGN(const Prediction prediction, predictor.predict(prompt.prompts, options));
      // Of large models only samples are kept; point.multi, whose best mask is an input, is always whole.
      const Tensor* low_res = golden.find(base + ".low_res");
      const int64_t given = prediction.low_res_logits.count();
      check(base + ".low_res", prediction.low_res_logits, low_res->count() == kSamples && given > kSamples);
      check(base + ".iou", prediction.iou_predictions, false);
      check(base + ".full_res", prediction.masks, true);
    }
  }
  return rows;
}

}  // namespace samc::test
