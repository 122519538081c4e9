// The generator against the official procedure written out, with masks of the image's size for every candidate, around
// a small model; and what it says to wrong options. tests/everything_replay_test.cpp has the official code's own
// results.

#include "runtime/automatic_masks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/box_nms.h"
#include "runtime/image_predictor.h"
#include "runtime/point_grid.h"
#include "runtime/small_regions.h"
#include "runtime/testing_models.h"

namespace samc {
namespace {

std::shared_ptr<const Module> model() { return Module::from_plan(tiny_model()).value(); }

// Patches of colour, so that logits and scores differ from place to place, also among the few pixels that the model
// looks at.
Image picture(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        const auto patch = static_cast<uint32_t>((x * 16 / width * 31 + y * 16 / height) * 3 + c);
        image.row(y)[3 * x + c] = static_cast<uint8_t>((patch * 2654435761u) >> 24);
      }
  return image;
}

struct Naive {
  PixelBox box;
  float iou, stability;
  std::array<float, 2> point;
  PixelBox crop;
  Rle rle;
};

// Every mask of a prediction, full-size logits and all.
void add_naive(const Prediction& full, const std::vector<std::array<double, 2>>& points, const Crop& crop,
               const Image& image, const AutomaticMaskOptions& options, std::vector<Naive>& found) {
  const int64_t width = crop.box[2] - crop.box[0], height = crop.box[3] - crop.box[1];
  const auto masks = static_cast<size_t>(full.iou_predictions.shape()[1]);
  for (size_t m = 0; m < masks * points.size(); ++m) {
    const float iou = full.iou_predictions.f32()[m];
    if (options.pred_iou_thresh > 0 && !(iou > options.pred_iou_thresh)) continue;
    const auto logits =
        full.masks.f32().subspan(m * static_cast<size_t>(width * height), static_cast<size_t>(width * height));
    int64_t inner = 0, outer = 0;
    PixelBox box = {};
    bool any = false;
    std::vector<uint8_t> mask(image.rgb.size() / 3, 0);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const float logit = logits[static_cast<size_t>(y * width + x)];
        inner += logit > options.mask_threshold + options.stability_score_offset ? 1 : 0;
        outer += logit > options.mask_threshold - options.stability_score_offset ? 1 : 0;
        if (!(logit > options.mask_threshold)) continue;
        mask[static_cast<size_t>((crop.box[1] + y) * image.width + crop.box[0] + x)] = 1;
        box = any ? PixelBox{std::min(box[0], x), std::min(box[1], y), std::max(box[2], x), std::max(box[3], y)}
                  : PixelBox{x, y, x, y};
        any = true;
      }
    const float stability = static_cast<float>(inner) / static_cast<float>(outer);
    if (options.stability_score_thresh > 0 && !(stability >= options.stability_score_thresh)) continue;
    if (is_near_crop_edge(box, crop.box, image.width, image.height)) continue;
    const std::array<double, 2>& point = points[m / masks];
    found.push_back({box,
                     iou,
                     stability,
                     {static_cast<float>(point[0] + static_cast<double>(crop.box[0])),
                      static_cast<float>(point[1] + static_cast<double>(crop.box[1]))},
                     crop.box,
                     encode_rle(mask, image.height, image.width)});
  }
}

std::vector<Naive> kept_of(std::vector<Naive> found, const std::vector<float>& scores, double threshold) {
  std::vector<PixelBox> boxes;
  for (const Naive& each : found) boxes.push_back(each.box);
  std::vector<Naive> kept;
  for (const size_t number : suppress_overlaps(boxes, scores, threshold)) kept.push_back(found[number]);
  return kept;
}

std::vector<Naive> generate_naively(const Image& image, const AutomaticMaskOptions& options) {
  ImagePredictor predictor = ImagePredictor::create(model()).value();
  std::vector<Naive> all;
  for (const Crop& crop : image_crops(image.width, image.height, options.crop_n_layers, options.crop_overlap_ratio)) {
    const auto [left, top, right, bottom] = crop.box;
    EXPECT_TRUE(predictor
                    .set_image(RgbView(image.row(static_cast<int>(top)) + 3 * left, right - left, bottom - top,
                                       int64_t{image.width} * 3))
                    .is_ok());
    std::vector<Naive> found;
    for (const GridPoint& at :
         point_grid(points_per_side_of(crop.layer, *options.points_per_side, options.crop_n_points_downscale_factor))) {
      const std::vector<std::array<double, 2>> point = {
          {at.x * static_cast<double>(right - left), at.y * static_cast<double>(bottom - top)}};
      ObjectPrompt prompt;
      prompt.points = {{static_cast<float>(point[0][0]), static_cast<float>(point[0][1]), 1}};
      PredictOptions wanted;
      wanted.return_logits = true;
      wanted.multimask_output = options.multimask_output;
      const Prediction first = predictor.predict(prompt, wanted).value();
      if (!options.use_m2m) {
        add_naive(first, point, crop, image, options, found);
        continue;
      }
      wanted.multimask_output = false;
      for (int64_t m = 0; m < first.iou_predictions.count(); ++m) {
        prompt.mask_input = {DType::kF32, {1, 4, 4}, first.low_res_logits.f32().data() + 16 * m};
        add_naive(predictor.predict(prompt, wanted).value(), point, crop, image, options, found);
      }
    }
    std::vector<float> scores;
    for (const Naive& each : found) scores.push_back(each.iou);
    for (Naive& each : found = kept_of(found, scores, options.box_nms_thresh)) {
      for (size_t side = 0; side < 4; ++side) each.box[side] += crop.box[side % 2];
      all.push_back(each);
    }
  }
  if (options.crop_n_layers > 0) {
    std::vector<float> scores;
    for (const Naive& each : all)
      scores.push_back(1.0f / static_cast<float>((each.crop[2] - each.crop[0]) * (each.crop[3] - each.crop[1])));
    all = kept_of(all, scores, options.crop_nms_thresh);
  }
  return all;
}

AutomaticMaskOptions few_points() {
  AutomaticMaskOptions options;
  options.points_per_side = 4;
  options.points_per_batch = 7;
  options.pred_iou_thresh = 40;  // scores of this model are colours
  options.stability_score_thresh = 0.7f;
  options.mask_threshold = 150;
  options.stability_score_offset = 4;
  options.box_nms_thresh = options.crop_nms_thresh = 1;  // boxes of this model are much the same: nothing is dropped
  options.output_mode = MaskForm::kUncompressedRle;
  options.threads = 2;
  return options;
}

void expect_as_written_out(const AutomaticMaskOptions& options, size_t least, const Image& image = picture(90, 70)) {
  const std::vector<Naive> expected = generate_naively(image, options);
  AutomaticMaskGenerator generator = AutomaticMaskGenerator::create(model(), options).value();
  const std::vector<AutomaticMask> masks = generator.generate(image).value();
  EXPECT_GE(expected.size(), least);
  ASSERT_EQ(masks.size(), expected.size());
  for (size_t i = 0; i < masks.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "mask " << i);
    const Naive& naive = expected[i];
    EXPECT_EQ(std::get<Rle>(masks[i].segmentation).counts, naive.rle.counts);
    EXPECT_EQ(masks[i].area, rle_area(naive.rle));
    EXPECT_EQ(masks[i].predicted_iou, naive.iou);
    EXPECT_TRUE(masks[i].stability_score == naive.stability ||
                (std::isnan(masks[i].stability_score) && std::isnan(naive.stability)));
    EXPECT_EQ(masks[i].point_coords, naive.point);
    const auto extent = [](const PixelBox& box) {
      return std::array<float, 4>{static_cast<float>(box[0]), static_cast<float>(box[1]),
                                  static_cast<float>(box[2] - box[0]), static_cast<float>(box[3] - box[1])};
    };
    EXPECT_EQ(masks[i].bbox, extent(naive.box));
    EXPECT_EQ(masks[i].crop_box, extent(naive.crop));
  }
}

TEST(AutomaticMasks, AreTheOfficialProceduresOwn) { expect_as_written_out(few_points(), 4); }

TEST(AutomaticMasks, WithoutDuplicates) {
  AutomaticMaskOptions options = few_points();
  options.box_nms_thresh = 0.8;
  options.crop_n_layers = 1;
  expect_as_written_out(options, 2);
  options.crop_nms_thresh = 0.3;
  expect_as_written_out(options, 1, picture(450, 370));
}

TEST(AutomaticMasks, OfOneMaskAPoint) {
  AutomaticMaskOptions options = few_points();
  options.multimask_output = false;
  options.pred_iou_thresh = 5;
  expect_as_written_out(options, 2);
}

TEST(AutomaticMasks, OfCrops) {
  AutomaticMaskOptions options = few_points();
  options.crop_n_layers = 2;
  options.crop_n_points_downscale_factor = 2;
  options.crop_overlap_ratio = 0.4;
  options.pred_iou_thresh = 5;
  expect_as_written_out(options, 20, picture(450, 370));
}

TEST(AutomaticMasks, Refined) {
  AutomaticMaskOptions options = few_points();
  options.use_m2m = true;
  options.pred_iou_thresh = 5;
  expect_as_written_out(options, 2);
  options.crop_n_layers = 1;
  expect_as_written_out(options, 3, picture(450, 370));
}

TEST(AutomaticMasks, WithoutThresholdsAllAreTried) {
  AutomaticMaskOptions options = few_points();
  options.pred_iou_thresh = 0;
  options.stability_score_thresh = 0;
  // 16 points of three masks.
  expect_as_written_out(options, 48);
}

TEST(AutomaticMasks, DoNotDependOnBatchesAndThreads) {
  AutomaticMaskOptions options = few_points();
  const Image image = picture(90, 70);
  AutomaticMaskGenerator some = AutomaticMaskGenerator::create(model(), options).value();
  options.points_per_batch = 1;
  options.threads = 1;
  AutomaticMaskGenerator one = AutomaticMaskGenerator::create(model(), options).value();
  const std::vector<AutomaticMask> a = some.generate(image).value(), b = one.generate(image).value();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(std::get<Rle>(a[i].segmentation).counts, std::get<Rle>(b[i].segmentation).counts);
    EXPECT_EQ(a[i].predicted_iou, b[i].predicted_iou);
  }
}

TEST(AutomaticMasks, PointGridsSayWhereToAsk) {
  AutomaticMaskOptions options = few_points();
  const Image image = picture(90, 70);
  const std::vector<AutomaticMask> by_side =
      AutomaticMaskGenerator::create(model(), options).value().generate(image).value();
  options.points_per_side.reset();
  PointGrid grid;
  for (const GridPoint& point : point_grid(4)) grid.push_back({point.x, point.y});
  options.point_grids = {grid};
  const std::vector<AutomaticMask> by_grid =
      AutomaticMaskGenerator::create(model(), options).value().generate(image).value();
  ASSERT_EQ(by_grid.size(), by_side.size());
  for (size_t i = 0; i < by_grid.size(); ++i) EXPECT_EQ(by_grid[i].point_coords, by_side[i].point_coords);
  options.point_grids = {PointGrid{}};
  EXPECT_TRUE(AutomaticMaskGenerator::create(model(), options).value().generate(image).value().empty());
}

TEST(AutomaticMasks, AllFormsAreOneMask) {
  AutomaticMaskOptions options = few_points();
  const Image image = picture(90, 70);
  const auto masks_as = [&](MaskForm form) {
    options.output_mode = form;
    return AutomaticMaskGenerator::create(model(), options).value().generate(image).value();
  };
  const std::vector<AutomaticMask> runs = masks_as(MaskForm::kUncompressedRle);
  const std::vector<AutomaticMask> binary = masks_as(MaskForm::kBinaryMask), coco = masks_as(MaskForm::kCocoRle);
  ASSERT_GT(runs.size(), 0U);
  for (size_t i = 0; i < runs.size(); ++i) {
    const Rle& rle = std::get<Rle>(runs[i].segmentation);
    const Tensor& mask = std::get<Tensor>(binary[i].segmentation);
    EXPECT_EQ(mask.shape(), (Shape{70, 90}));
    const std::vector<uint8_t> pixels = decode_rle(rle);
    EXPECT_TRUE(std::ranges::equal(mask.as<uint8_t>(), pixels));
    const CocoRle& text = std::get<CocoRle>(coco[i].segmentation);
    EXPECT_EQ(text.height, 70);
    EXPECT_EQ(text.width, 90);
    EXPECT_EQ(text.counts, compress_rle(rle));
  }
}

TEST(AutomaticMasks, SmallRegionsGo) {
  AutomaticMaskOptions options = few_points();
  const Image image = picture(90, 70);
  const std::vector<AutomaticMask> before =
      AutomaticMaskGenerator::create(model(), options).value().generate(image).value();
  options.min_mask_region_area = 400;
  const std::vector<AutomaticMask> after =
      AutomaticMaskGenerator::create(model(), options).value().generate(image).value();
  std::vector<const AutomaticMask*> unchanged_first;
  std::vector<Rle> cleaned;
  for (const bool wanted : {false, true})
    for (const AutomaticMask& mask : before) {
      Rle rle = std::get<Rle>(mask.segmentation);
      const bool filled = fill_small_holes(rle, 400), removed = remove_small_islands(rle, 400);
      if ((filled || removed) == wanted) cleaned.push_back(rle);
    }
  ASSERT_LE(after.size(), cleaned.size());
  size_t changed = 0;
  for (const AutomaticMask& mask : after) {
    const Rle& rle = std::get<Rle>(mask.segmentation);
    EXPECT_TRUE(std::ranges::any_of(cleaned, [&](const Rle& each) { return each.counts == rle.counts; }));
    EXPECT_EQ(mask.area, rle_area(rle));
    const std::array<int, 4> box = rle_box(rle);
    EXPECT_EQ(mask.bbox, (std::array<float, 4>{static_cast<float>(box[0]), static_cast<float>(box[1]),
                                               static_cast<float>(box[2] - 1), static_cast<float>(box[3] - 1)}));
    changed +=
        std::ranges::none_of(
            before, [&](const AutomaticMask& each) { return std::get<Rle>(each.segmentation).counts == rle.counts; })
            ? 1
            : 0;
  }
  EXPECT_GT(changed, 0U);
}

TEST(AutomaticMasks, ProgressCountsPoints) {
  AutomaticMaskOptions options = few_points();
  options.crop_n_layers = 1;
  AutomaticMaskGenerator generator = AutomaticMaskGenerator::create(model(), options).value();
  int64_t last = 0, calls = 0;
  ASSERT_TRUE(generator
                  .generate(picture(90, 70),
                            [&](int64_t done, int64_t all) {
                              EXPECT_EQ(all, 5 * 16);
                              EXPECT_GT(done, last);
                              last = done;
                              ++calls;
                              return Status::ok();
                            })
                  .is_ok());
  EXPECT_EQ(last, 5 * 16);
  EXPECT_EQ(calls, 5 * 3);  // of 7, 7 and 2 points
}

TEST(AutomaticMasks, ProgressMayEndTheWork) {
  AutomaticMaskGenerator generator = AutomaticMaskGenerator::create(model(), few_points()).value();
  const Image image = picture(90, 70);
  int64_t calls = 0;
  const auto stopped = generator.generate(image, [&](int64_t, int64_t) {
    return ++calls == 2 ? Status(StatusCode::kInterrupted, "interrupted") : Status::ok();
  });
  EXPECT_EQ(stopped.status().code(), StatusCode::kInterrupted);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(generator.generate(image).is_ok());  // as before
}

TEST(AutomaticMasks, OfAnImageInFloats) {
  AutomaticMaskOptions options = few_points();
  options.crop_n_layers = 1;
  options.output_mode = MaskForm::kCocoRle;
  AutomaticMaskGenerator generator = AutomaticMaskGenerator::create(model(), options).value();
  const Image image = picture(90, 70);
  // With a gap behind each row.
  const int64_t stride = 3 * image.width + 7;
  std::vector<float> floats(static_cast<size_t>(stride * image.height), std::nanf(""));
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < 3 * image.width; ++x)
      floats[static_cast<size_t>(y * stride + x)] = static_cast<float>(image.row(y)[x]) / 255.0f;
  const auto expected = generator.generate(image).value();
  const auto found = generator.generate(RgbFloatView{floats.data(), image.width, image.height, stride}).value();
  ASSERT_EQ(found.size(), expected.size());
  ASSERT_FALSE(found.empty());
  // Bytes are enlarged as bytes, so that numbers differ a little.
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].crop_box, expected[i].crop_box);
    EXPECT_EQ(found[i].point_coords, expected[i].point_coords);
    EXPECT_NEAR(found[i].predicted_iou, expected[i].predicted_iou, 0.02);
  }
  floats[5] = std::nanf("");
  EXPECT_NE(generator.generate(RgbFloatView{floats.data(), image.width, image.height, stride})
                .status()
                .to_string()
                .find("row 0"),
            std::string::npos);
}

TEST(AutomaticMasks, WrongOptionsAreErrors) {
  const auto error_of = [](const auto& change) {
    AutomaticMaskOptions options = few_points();
    change(options);
    const Result<AutomaticMaskGenerator> generator = AutomaticMaskGenerator::create(model(), options);
    EXPECT_FALSE(generator.is_ok());
    return generator.is_ok() ? std::string() : generator.status().to_string();
  };
  using Options = AutomaticMaskOptions;
  const float nan = std::nanf("");
  EXPECT_EQ(error_of([](Options& o) { o.points_per_side.reset(); }),
            "points_per_side and point_grids say both, or neither, where points are; give one of them");
  EXPECT_NE(error_of([](Options& o) { o.point_grids = {{{0.5, 0.5}}}; }), "");
  EXPECT_EQ(error_of([](Options& o) { o.points_per_side = 0; }), "0 points a side in layer 0; 1 to 1000");
  EXPECT_EQ(error_of([](Options& o) {
              o.crop_n_layers = 3;
              o.crop_n_points_downscale_factor = 2;
            }),
            "0 points a side in layer 3; 1 to 1000");
  EXPECT_EQ(error_of([](Options& o) {
              o.points_per_side.reset();
              o.point_grids = {{{0.5, 0.5}}};
              o.crop_n_layers = 1;
            }),
            "1 point grids for 2 layers; each layer needs one, the whole image being the first");
  EXPECT_EQ(error_of([](Options& o) { o.crop_n_layers = 7; }), "crop_n_layers is out of its range; give 0 to 6");
  EXPECT_EQ(error_of([](Options& o) { o.points_per_batch = 0; }),
            "points_per_batch is out of its range; give 1 or more");
  EXPECT_EQ(error_of([](Options& o) { o.min_mask_region_area = -1; }),
            "min_mask_region_area is out of its range; give 0 or more");
  EXPECT_EQ(error_of([](Options& o) { o.crop_overlap_ratio = 1.5; }),
            "crop_overlap_ratio is out of its range; give 0 to 1");
  EXPECT_NE(error_of([&](Options& o) { o.pred_iou_thresh = nan; }), "");
  EXPECT_NE(error_of([&](Options& o) { o.box_nms_thresh = static_cast<double>(nan); }), "");
}

TEST(AutomaticMasks, WrongImagesAreErrors) {
  AutomaticMaskOptions options = few_points();
  AutomaticMaskGenerator generator = AutomaticMaskGenerator::create(model(), options).value();
  EXPECT_FALSE(generator.generate(RgbView()).is_ok());
  options.crop_n_layers = 3;
  AutomaticMaskGenerator with_crops = AutomaticMaskGenerator::create(model(), options).value();
  EXPECT_EQ(with_crops.generate(picture(3, 3)).status().to_string(),
            "an image of 3 x 3 pixels is too small for 3 layers of crops; use fewer");
  // Afterwards it works as before.
  EXPECT_TRUE(generator.generate(picture(90, 70)).is_ok());
  EXPECT_TRUE(generator.generate(picture(1, 1)).is_ok());
}

}  // namespace
}  // namespace samc
