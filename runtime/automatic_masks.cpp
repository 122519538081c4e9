#include "runtime/automatic_masks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/guard.h"
#include "base/thread_pool.h"
#include "runtime/box_nms.h"
#include "runtime/image_model.h"
#include "runtime/image_predictor.h"
#include "runtime/mask_statistics.h"
#include "runtime/module_model.h"
#include "runtime/picture_check.h"
#include "runtime/point_grid.h"
#include "runtime/small_regions.h"

namespace samc {
namespace {

constexpr int64_t kMostPointsPerSide = 1000;
constexpr int64_t kMostLayers = 6;
// What the low-res logits of one batch of points may take.
constexpr int64_t kMostBatchBytes = int64_t{16} << 20;
constexpr float kPromptLogitLimit = 32.0f;  // of a mask that is given back, as of those that the predictor returns

// A mask that is good enough so far.
struct Candidate {
  PixelBox box;  // in pixels of the crop until the crop is done, then of the image
  float predicted_iou = 0;
  float stability = 0;
  std::array<double, 2> point = {};  // likewise
  PixelBox crop = {};
  Rle runs;  // of the whole image
};

// Keeps those whose numbers are given, in that order.
void keep(const std::vector<size_t>& numbers, std::vector<Candidate>& candidates) {
  std::vector<Candidate> kept;
  kept.reserve(numbers.size());
  for (const size_t number : numbers) kept.push_back(std::move(candidates[number]));
  candidates = std::move(kept);
}

void drop_duplicates(std::vector<Candidate>& candidates, std::span<const float> scores, double iou_threshold) {
  std::vector<PixelBox> boxes;
  boxes.reserve(candidates.size());
  for (const Candidate& candidate : candidates) boxes.push_back(candidate.box);
  keep(suppress_overlaps(boxes, scores, iou_threshold), candidates);
}

PixelBox box_of(const Rle& runs) {
  const std::array<int, 4> box = rle_box(runs);  // with a width and a height that count pixels
  if (box[2] == 0) return {};
  return {box[0], box[1], int64_t{box[0]} + box[2] - 1, int64_t{box[1]} + box[3] - 1};
}

// What changed counts less than what did not, so that it goes where both are one object.
void clean(std::vector<Candidate>& candidates, int64_t least_area, double iou_threshold) {
  std::vector<float> scores;
  for (Candidate& candidate : candidates) {
    const bool filled = fill_small_holes(candidate.runs, least_area);
    const bool removed = remove_small_islands(candidate.runs, least_area);
    const bool is_changed = filled || removed;
    if (is_changed) candidate.box = box_of(candidate.runs);
    scores.push_back(is_changed ? 0.0f : 1.0f);
  }
  drop_duplicates(candidates, scores, iou_threshold);
}

std::array<float, 4> with_extent(const PixelBox& box) {
  return {static_cast<float>(box[0]), static_cast<float>(box[1]), static_cast<float>(box[2] - box[0]),
          static_cast<float>(box[3] - box[1])};
}

Tensor binary_mask(const Rle& runs) {
  Tensor mask(DType::kU8, {runs.height, runs.width});
  const std::span<uint8_t> pixels = mask.as<uint8_t>();
  std::ranges::fill(pixels, uint8_t{0});
  const auto height = static_cast<size_t>(runs.height), width = static_cast<size_t>(runs.width);
  size_t at = 0;
  for (size_t run = 0; run < runs.counts.size(); ++run) {
    const size_t end = at + runs.counts[run];
    if (run % 2 == 1)
      for (size_t pixel = at; pixel < end; ++pixel) pixels[pixel % height * width + pixel / height] = 1;
    at = end;
  }
  return mask;
}

AutomaticMask record(Candidate candidate, MaskForm form) {
  AutomaticMask mask;
  mask.area = rle_area(candidate.runs);
  mask.bbox = with_extent(candidate.box);
  mask.predicted_iou = candidate.predicted_iou;
  mask.point_coords = {static_cast<float>(candidate.point[0]), static_cast<float>(candidate.point[1])};
  mask.stability_score = candidate.stability;
  mask.crop_box = with_extent(candidate.crop);
  switch (form) {
    case MaskForm::kBinaryMask:
      mask.segmentation = binary_mask(candidate.runs);
      break;
    case MaskForm::kUncompressedRle:
      mask.segmentation = std::move(candidate.runs);
      break;
    case MaskForm::kCocoRle:
      mask.segmentation = CocoRle{candidate.runs.height, candidate.runs.width, compress_rle(candidate.runs)};
      break;
  }
  return mask;
}

Status out_of_range(const char* option, const std::string& range) {
  return invalid_input(fmt::format("{} is out of its range", option), fmt::format("give {}", range));
}

Status check_options(const AutomaticMaskOptions& options) {
  if (options.points_per_side.has_value() != options.point_grids.empty())
    return invalid_input("points_per_side and point_grids say both, or neither, where points are", "give one of them");
  if (options.crop_n_layers < 0 || options.crop_n_layers > kMostLayers)
    return out_of_range("crop_n_layers", fmt::format("0 to {}", kMostLayers));
  if (options.crop_n_points_downscale_factor < 1) return out_of_range("crop_n_points_downscale_factor", "1 or more");
  if (options.points_per_batch < 1) return out_of_range("points_per_batch", "1 or more");
  if (options.min_mask_region_area < 0) return out_of_range("min_mask_region_area", "0 or more");
  using Named = std::pair<const char*, double>;
  for (const auto& [option, value] : {Named{"pred_iou_thresh", options.pred_iou_thresh},
                                      {"stability_score_thresh", options.stability_score_thresh},
                                      {"stability_score_offset", options.stability_score_offset},
                                      {"mask_threshold", options.mask_threshold}})
    if (!std::isfinite(value)) return out_of_range(option, "a finite number");
  for (const auto& [option, value] :
       {Named{"box_nms_thresh", options.box_nms_thresh}, {"crop_nms_thresh", options.crop_nms_thresh}})
    if (std::isnan(value)) return out_of_range(option, "a number");
  if (!(options.crop_overlap_ratio >= 0 && options.crop_overlap_ratio <= 1))
    return out_of_range("crop_overlap_ratio", "0 to 1");
  return Status::ok();
}

// One for each layer.
Result<std::vector<std::vector<GridPoint>>> make_grids(const AutomaticMaskOptions& options) {
  std::vector<std::vector<GridPoint>> grids;
  if (options.points_per_side.has_value()) {
    for (int64_t layer = 0; layer <= options.crop_n_layers; ++layer) {
      const int64_t per_side =
          points_per_side_of(layer, *options.points_per_side, options.crop_n_points_downscale_factor);
      if (per_side < 1 || per_side > kMostPointsPerSide)
        return invalid_input(fmt::format("{} points a side in layer {}", per_side, layer),
                             fmt::format("1 to {}", kMostPointsPerSide));
      grids.push_back(point_grid(per_side));
    }
    return grids;
  }
  if (static_cast<int64_t>(options.point_grids.size()) <= options.crop_n_layers)
    return invalid_input(
        fmt::format("{} point grids for {} layers", options.point_grids.size(), options.crop_n_layers + 1),
        "each layer needs one, the whole image being the first");
  for (const PointGrid& given : options.point_grids) {
    std::vector<GridPoint>& grid = grids.emplace_back();
    for (const auto& [x, y] : given) {
      if (!std::isfinite(x) || !std::isfinite(y)) return invalid_input("a point of a grid is not a number");
      grid.push_back({x, y});
    }
  }
  return grids;
}

}  // namespace

struct AutomaticMaskGenerator::State {
  State(ImagePredictor predictor_in, const AutomaticMaskOptions& options_in,
        std::vector<std::vector<GridPoint>> grids_in)
      : predictor(std::move(predictor_in)),
        options(options_in),
        grids(std::move(grids_in)),
        thresholds{options.mask_threshold, options.mask_threshold + options.stability_score_offset,
                   options.mask_threshold - options.stability_score_offset} {}

  ImagePredictor predictor;
  AutomaticMaskOptions options;
  std::vector<std::vector<GridPoint>> grids;  // by layer
  MaskThresholds thresholds;

  // Of one crop while it is worked on.
  struct Work {
    const Crop& crop;
    int64_t image_width;
    int64_t image_height;
    std::optional<MaskMeter> meter = {};  // when the first logits are there
    std::vector<Candidate> candidates = {};
  };

  // Whether a mask of this guessed quality goes on.
  bool is_good(float predicted_iou) const {
    return !(options.pred_iou_thresh > 0) || predicted_iou > options.pred_iou_thresh;
  }

  std::span<const float> logits_of(const Prediction& prediction, size_t mask) const {
    const std::span<const float> all = prediction.low_res_logits.f32();
    const size_t pixels = all.size() / static_cast<size_t>(prediction.iou_predictions.count());
    return all.subspan(mask * pixels, pixels);
  }

  // Adds the masks of a prediction that are good and stable, and whole. points are its prompts'.
  void add_candidates(const Prediction& prediction, std::span<const std::array<double, 2>> points, Work& work) {
    const std::span<const float> scores = prediction.iou_predictions.f32();
    const auto masks = static_cast<size_t>(prediction.iou_predictions.shape()[1]);
    std::vector<size_t> good;
    for (size_t mask = 0; mask < scores.size(); ++mask)
      if (is_good(scores[mask])) good.push_back(mask);
    std::vector<std::optional<MaskStatistics>> found(good.size());
    if (!work.meter.has_value()) {
      const Shape& shape = prediction.low_res_logits.shape();
      work.meter.emplace(shape[2], shape[3], work.crop.box, work.image_width, work.image_height);
    }
    predictor.pool().run(static_cast<int64_t>(good.size()), [&](int64_t piece, int) {
      const auto number = static_cast<size_t>(piece);
      found[number] =
          work.meter->measure(logits_of(prediction, good[number]), thresholds, options.stability_score_thresh);
    });
    for (size_t number = 0; number < good.size(); ++number) {
      std::optional<MaskStatistics>& statistics = found[number];
      if (!statistics || is_near_crop_edge(statistics->box, work.crop.box, work.image_width, work.image_height))
        continue;
      const size_t mask = good[number];
      statistics->runs.counts.shrink_to_fit();  // there may be thousands, until duplicates go
      work.candidates.push_back({statistics->box, scores[mask], statistics->stability, points[mask / masks],
                                 work.crop.box, std::move(statistics->runs)});
    }
  }

  static ObjectPrompt prompt_at(const std::array<double, 2>& point) {
    ObjectPrompt prompt;
    prompt.points.push_back({static_cast<float>(point[0]), static_cast<float>(point[1]), 1});
    return prompt;
  }

  // Each mask of a prediction again as a prompt, with its point: one mask comes of it.
  Status refine(Prediction& prediction, std::span<const std::array<double, 2>> points, Work& work) {
    for (float& logit : prediction.low_res_logits.f32())
      logit = std::clamp(logit, -kPromptLogitLimit, kPromptLogitLimit);
    const auto masks = static_cast<size_t>(prediction.iou_predictions.shape()[1]);
    const int64_t low_height = prediction.low_res_logits.shape()[2], low_width = prediction.low_res_logits.shape()[3];
    std::vector<ObjectPrompt> prompts;
    std::vector<std::array<double, 2>> prompt_points;
    for (size_t mask = 0; mask < masks * points.size(); ++mask) {
      ObjectPrompt& prompt = prompts.emplace_back(prompt_at(points[mask / masks]));
      prompt.mask_input = {DType::kF32, {1, low_height, low_width}, logits_of(prediction, mask).data()};
      prompt_points.push_back(points[mask / masks]);
    }
    SAMC_ASSIGN(const Prediction refined,
                predictor.predict(prompts, {.multimask_output = false, .low_res_only = true}));
    add_candidates(refined, prompt_points, work);
    return Status::ok();
  }

  int64_t points_at_once() const {
    const int64_t low = info().image_size / 4;
    const int64_t bytes = (options.multimask_output ? 3 : 1) * low * low * int64_t{sizeof(float)};
    return std::clamp<int64_t>(kMostBatchBytes / bytes, 1, options.points_per_batch);
  }

  // An image of either kind: its size, and what gives a crop of it to the predictor.
  struct Source {
    int64_t width;
    int64_t height;
    std::function<Status(const PixelBox& box)> set_crop;
  };

  template <class Done>
  Result<std::vector<Candidate>> process(const Source& image, const Crop& crop, const Done& done) {
    const auto [left, top, right, bottom] = crop.box;
    SAMC_TRY(image.set_crop(crop.box));
    Work work{crop, image.width, image.height};
    const std::vector<GridPoint>& grid = grids[static_cast<size_t>(crop.layer)];
    const auto step = static_cast<size_t>(points_at_once());
    for (size_t first = 0; first < grid.size(); first += step) {
      std::vector<std::array<double, 2>> points;
      std::vector<ObjectPrompt> prompts;
      for (size_t at = first; at < std::min(first + step, grid.size()); ++at) {
        points.push_back(
            {grid[at].x * static_cast<double>(right - left), grid[at].y * static_cast<double>(bottom - top)});
        prompts.push_back(prompt_at(points.back()));
      }
      PredictOptions wanted{.multimask_output = options.multimask_output, .low_res_only = true};
      // Masks that is_good() turns away need not be made, unless they are refined first.
      if (options.pred_iou_thresh > 0 && !options.use_m2m) wanted.least_iou = options.pred_iou_thresh;
      SAMC_ASSIGN(Prediction prediction, predictor.predict(prompts, wanted));
      if (options.use_m2m) {
        SAMC_TRY(refine(prediction, points, work));
      } else {
        add_candidates(prediction, points, work);
      }
      SAMC_TRY(done(static_cast<int64_t>(points.size())));
    }
    std::vector<float> scores;
    for (const Candidate& candidate : work.candidates) scores.push_back(candidate.predicted_iou);
    drop_duplicates(work.candidates, scores, options.box_nms_thresh);
    for (Candidate& candidate : work.candidates) {
      for (size_t side = 0; side < 4; ++side) candidate.box[side] += crop.box[side % 2];
      candidate.point[0] += static_cast<double>(left);
      candidate.point[1] += static_cast<double>(top);
    }
    return std::move(work.candidates);
  }

  template <class View>
  Result<std::vector<AutomaticMask>> generate_of(const View& image, const AutomaticMaskProgress& progress) {
    SAMC_TRY(check_picture(image));
    return generate({image.width, image.height,
                     [&](const PixelBox& box) {
                       const View crop{image.row(box[1]) + 3 * box[0], box[2] - box[0], box[3] - box[1], image.stride};
                       return predictor.set_images(std::span(&crop, 1));
                     }},
                    progress);
  }

  Result<std::vector<AutomaticMask>> generate(const Source& image, const AutomaticMaskProgress& progress) {
    const std::vector<Crop> crops =
        image_crops(image.width, image.height, options.crop_n_layers, options.crop_overlap_ratio);
    int64_t all = 0, done = 0;
    for (const Crop& crop : crops) {
      if (crop.box[0] >= crop.box[2] || crop.box[1] >= crop.box[3])
        return invalid_input(fmt::format("an image of {} x {} pixels is too small for {} layers of crops", image.width,
                                         image.height, options.crop_n_layers),
                             "use fewer");
      all += static_cast<int64_t>(grids[static_cast<size_t>(crop.layer)].size());
    }
    std::vector<Candidate> candidates;
    for (const Crop& crop : crops) {
      Result<std::vector<Candidate>> found = process(image, crop, [&](int64_t points) {
        done += points;
        return progress ? progress(done, all) : Status::ok();
      });
      predictor.reset();
      if (!found.is_ok()) return found.status();
      std::ranges::move(found.value(), std::back_inserter(candidates));
    }
    if (crops.size() > 1) {
      std::vector<float> scores;
      for (const Candidate& candidate : candidates) {
        const auto& [left, top, right, bottom] = candidate.crop;
        scores.push_back(1.0f / static_cast<float>((right - left) * (bottom - top)));
      }
      drop_duplicates(candidates, scores, options.crop_nms_thresh);
    }
    if (options.min_mask_region_area > 0)
      clean(candidates, options.min_mask_region_area, std::max(options.box_nms_thresh, options.crop_nms_thresh));
    std::vector<AutomaticMask> masks;
    masks.reserve(candidates.size());
    for (Candidate& candidate : candidates) masks.push_back(record(std::move(candidate), options.output_mode));
    return masks;
  }

  const ModelInfo& info() const { return predictor.info(); }
};

AutomaticMaskGenerator::AutomaticMaskGenerator(std::unique_ptr<State> state) : state_(std::move(state)) {}
AutomaticMaskGenerator::AutomaticMaskGenerator(AutomaticMaskGenerator&&) noexcept = default;
AutomaticMaskGenerator& AutomaticMaskGenerator::operator=(AutomaticMaskGenerator&&) noexcept = default;
AutomaticMaskGenerator::~AutomaticMaskGenerator() = default;

Result<AutomaticMaskGenerator> AutomaticMaskGenerator::create(std::shared_ptr<const Module> module,
                                                              const AutomaticMaskOptions& options) {
  return guarded([&]() -> Result<AutomaticMaskGenerator> {
    if (module == nullptr) return invalid_input("no module");
    SAMC_ASSIGN(std::unique_ptr<ImageModel> model, make_module_model(std::move(module), options.threads));
    return create(std::move(model), options);
  });
}

Result<AutomaticMaskGenerator> AutomaticMaskGenerator::create(std::unique_ptr<ImageModel> model,
                                                              const AutomaticMaskOptions& options) {
  return guarded([&]() -> Result<AutomaticMaskGenerator> {
    SAMC_TRY(check_options(options));
    SAMC_ASSIGN(std::vector<std::vector<GridPoint>> grids, make_grids(options));
    PredictorOptions of_predictor;
    of_predictor.allow_nonfinite = options.allow_nonfinite;
    of_predictor.spare_memory = true;
    SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(std::move(model), of_predictor));
    // Whether the model has what will be asked of it, before an image is encoded.
    SAMC_TRY(predictor.check(State::prompt_at({0, 0}), {.multimask_output = options.multimask_output}));
    if (options.use_m2m) SAMC_TRY(predictor.check(State::prompt_at({0, 0}), {.multimask_output = false}));
    return AutomaticMaskGenerator(std::make_unique<State>(std::move(predictor), options, std::move(grids)));
  });
}

Result<std::vector<AutomaticMask>> AutomaticMaskGenerator::generate(const RgbView& image,
                                                                    const AutomaticMaskProgress& progress) {
  return guarded([&] { return state_->generate_of(image, progress); });
}

Result<std::vector<AutomaticMask>> AutomaticMaskGenerator::generate(const RgbFloatView& image,
                                                                    const AutomaticMaskProgress& progress) {
  return guarded([&] { return state_->generate_of(image, progress); });
}

const ModelInfo& AutomaticMaskGenerator::info() const { return state_->info(); }

}  // namespace samc
