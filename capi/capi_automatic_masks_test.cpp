// Automatic masks through libsamc.so: the same as those of the C++ class, for each option by itself, and what becomes
// of wrong calls.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/test_folder.h"
#include "package/writer.h"
#include "runtime/automatic_masks.h"
#include "runtime/testing_models.h"
#include "samc/samc.h"

namespace {

constexpr int64_t kWidth = 240, kHeight = 192;

// Options of both, that say the same.
struct Both {
  Both() {
    c.struct_size = sizeof c;
    c.threads = 1;
    c.points_per_side = 4;
    c.points_per_batch = 7;
    c.pred_iou_thresh = &quality;
    c.stability_score_thresh = &stability;
    c.stability_score_offset = &offset;
    c.mask_threshold = 150;
    c.box_nms_thresh = &box_nms;
    c.crop_n_layers = 1;
    c.crop_nms_thresh = &crop_nms;
    c.crop_overlap_ratio = &overlap;
    cpp.threads = 1;
    cpp.points_per_side = 4;
    cpp.points_per_batch = 7;
    cpp.pred_iou_thresh = quality;
    cpp.stability_score_thresh = stability;
    cpp.stability_score_offset = offset;
    cpp.mask_threshold = 150;
    cpp.box_nms_thresh = box_nms;
    cpp.crop_n_layers = 1;
    cpp.crop_nms_thresh = crop_nms;
    cpp.crop_overlap_ratio = overlap;
  }
  // Scores and logits of the model are colours, its boxes much the same.
  float quality = 130, stability = 0.7f, offset = 4;
  double box_nms = 1, crop_nms = 1, overlap = 0.5;
  samc_automatic_masks_options c{};
  samc::AutomaticMaskOptions cpp;
};

std::vector<uint8_t> patches() {
  std::vector<uint8_t> rgb(kWidth * kHeight * 3);
  for (int64_t y = 0; y < kHeight; ++y)
    for (int64_t x = 0; x < kWidth; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        const auto patch = static_cast<uint32_t>((x * 16 / kWidth * 31 + y * 16 / kHeight) * 3 + c);
        rgb[static_cast<size_t>((y * kWidth + x) * 3 + c)] = static_cast<uint8_t>((patch * 2654435761u) >> 24);
      }
  return rgb;
}

// All that a record says, as one text.
std::string text_of(const samc_automatic_mask_view& view) {
  std::string mask;
  if (view.binary != nullptr)
    mask = samc::compress_rle(samc::encode_rle({view.binary, static_cast<size_t>(view.width * view.height)},
                                               static_cast<int>(view.height), static_cast<int>(view.width)));
  if (view.runs != nullptr) mask += fmt::format("runs {}", fmt::join(view.runs, view.runs + view.run_count, " "));
  if (view.coco_counts != nullptr) mask += fmt::format("COCO {}", view.coco_counts);
  return fmt::format("{}x{} {} {} [{}] {} [{}] {} [{}]", view.width, view.height, mask, view.area,
                     fmt::join(view.bbox, " "), view.predicted_iou, fmt::join(view.point_coords, " "),
                     view.stability_score, fmt::join(view.crop_box, " "));
}

std::string text_of(const samc::AutomaticMask& mask) {
  samc_automatic_mask_view view{};
  view.width = kWidth;
  view.height = kHeight;
  if (const auto* binary = std::get_if<samc::Tensor>(&mask.segmentation))
    view.binary = binary->as<uint8_t>().data();
  else if (const auto* runs = std::get_if<samc::Rle>(&mask.segmentation)) {
    view.runs = runs->counts.data();
    view.run_count = runs->counts.size();
  } else {
    view.coco_counts = std::get<samc::CocoRle>(mask.segmentation).counts.c_str();
  }
  view.area = mask.area;
  std::ranges::copy(mask.bbox, view.bbox);
  view.predicted_iou = mask.predicted_iou;
  std::ranges::copy(mask.point_coords, view.point_coords);
  view.stability_score = mask.stability_score;
  std::ranges::copy(mask.crop_box, view.crop_box);
  return text_of(view);
}

class AutomaticMasksInC : public testing::Test {
 protected:
  void SetUp() override { load(samc::tiny_model_in_parts()); }
  void TearDown() override { samc_model_free(model_); }

  void load(const samc::PlanModule& module) {
    samc_model_free(model_);
    const std::string path = folder_.path("tiny.samc");
    ASSERT_TRUE(samc::write_module(module, path).is_ok());
    ASSERT_EQ(samc_model_load(path.c_str(), 1, &model_), SAMC_OK) << samc_last_error();
  }
  samc_image image() const { return {pixels_.data(), kWidth, kHeight, 0}; }

  std::vector<std::string> generate(const samc_automatic_masks_options* options) const {
    samc_automatic_masks_generator* generator = nullptr;
    samc_automatic_masks* masks = nullptr;
    const samc_image given = image();
    EXPECT_EQ(samc_automatic_masks_generator_create(model_, options, &generator), SAMC_OK) << samc_last_error();
    EXPECT_EQ(samc_automatic_masks_generate(generator, &given, nullptr, nullptr, &masks), SAMC_OK) << samc_last_error();
    samc_automatic_masks_generator_free(generator);  // masks are the caller's
    size_t count = 0;
    EXPECT_EQ(samc_automatic_masks_count(masks, &count), SAMC_OK);
    std::vector<std::string> texts;
    for (size_t place = 0; place < count; ++place) {
      samc_automatic_mask_view view{};
      view.struct_size = sizeof view;
      EXPECT_EQ(samc_automatic_masks_get(masks, place, &view), SAMC_OK) << samc_last_error();
      texts.push_back(text_of(view));
    }
    samc_automatic_masks_free(masks);
    return texts;
  }
  std::vector<std::string> generate_in_cpp(const samc::AutomaticMaskOptions& options) const {
    auto module = samc::Module::load(folder_.path("tiny.samc")).value();
    auto generator = samc::AutomaticMaskGenerator::create(module, options).value();
    const std::vector<samc::AutomaticMask> masks =
        generator.generate({pixels_.data(), kWidth, kHeight, kWidth * 3}).value();
    std::vector<std::string> texts;
    texts.reserve(masks.size());
    for (const samc::AutomaticMask& mask : masks) texts.push_back(text_of(mask));
    return texts;
  }

  samc::TestFolder folder_;
  std::vector<uint8_t> pixels_ = patches();
  samc_model* model_ = nullptr;
};

TEST_F(AutomaticMasksInC, EachOptionIsThatOfTheCppClass) {
  const samc::AutomaticMaskOptions official;
  const std::vector<double> points = {0.25, 0.25, 0.75, 0.5, 0.5, 0.9};
  const std::vector<samc_point_grid> grids = {{points.data(), 3}, {points.data(), 1}};
  struct Case {
    const char* name;
    std::function<void(Both&)> change;
  };
  const std::vector<Case> cases = {
      {"points_per_side", [&](Both& b) { b.c.points_per_side = b.cpp.points_per_side.emplace(6); }},
      {"points_per_side, absent",
       [&](Both& b) {
         b.c.points_per_side = 0;
         b.cpp.points_per_side = official.points_per_side;
         b.c.crop_n_layers = b.cpp.crop_n_layers = 0;  // the image alone has 1024 of them
       }},
      {"pred_iou_thresh",
       [&](Both& b) {
         b.quality = 0;
         b.cpp.pred_iou_thresh = 0;
       }},
      {"pred_iou_thresh, absent",
       [&](Both& b) {
         b.c.pred_iou_thresh = nullptr;
         b.cpp.pred_iou_thresh = official.pred_iou_thresh;
       }},
      {"stability_score_thresh", [&](Both& b) { b.cpp.stability_score_thresh = b.stability = 0.4f; }},
      {"stability_score_thresh, absent",
       [&](Both& b) {
         b.c.stability_score_thresh = nullptr;
         b.cpp.stability_score_thresh = official.stability_score_thresh;
       }},
      {"stability_score_offset", [&](Both& b) { b.cpp.stability_score_offset = b.offset = 9; }},
      {"stability_score_offset, absent",
       [&](Both& b) {
         b.c.stability_score_offset = nullptr;
         b.cpp.stability_score_offset = official.stability_score_offset;
       }},
      {"mask_threshold", [&](Both& b) { b.c.mask_threshold = b.cpp.mask_threshold = 170; }},
      {"box_nms_thresh", [&](Both& b) { b.cpp.box_nms_thresh = b.box_nms = 0.3; }},
      {"box_nms_thresh, absent",
       [&](Both& b) {
         b.c.box_nms_thresh = nullptr;
         b.cpp.box_nms_thresh = official.box_nms_thresh;
       }},
      {"crop_n_layers", [&](Both& b) { b.c.crop_n_layers = b.cpp.crop_n_layers = 0; }},
      {"crop_nms_thresh", [&](Both& b) { b.cpp.crop_nms_thresh = b.crop_nms = 0.2; }},
      {"crop_nms_thresh, absent",
       [&](Both& b) {
         b.c.crop_nms_thresh = nullptr;
         b.cpp.crop_nms_thresh = official.crop_nms_thresh;
       }},
      {"crop_overlap_ratio", [&](Both& b) { b.cpp.crop_overlap_ratio = b.overlap = 0; }},
      {"crop_overlap_ratio, absent",
       [&](Both& b) {
         b.c.crop_overlap_ratio = nullptr;
         b.cpp.crop_overlap_ratio = official.crop_overlap_ratio;
       }},
      {"crop_n_points_downscale_factor",
       [&](Both& b) { b.c.crop_n_points_downscale_factor = b.cpp.crop_n_points_downscale_factor = 2; }},
      {"point_grids",
       [&](Both& b) {
         b.c.points_per_side = 0;
         b.c.point_grids = grids.data();
         b.c.point_grid_count = grids.size();
         b.cpp.points_per_side.reset();
         b.cpp.point_grids = {{{0.25, 0.25}, {0.75, 0.5}, {0.5, 0.9}}, {{0.25, 0.25}}};
       }},
      {"min_mask_region_area", [&](Both& b) { b.c.min_mask_region_area = b.cpp.min_mask_region_area = 400; }},
      {"uncompressed_rle",
       [&](Both& b) {
         b.c.output_mode = "uncompressed_rle";
         b.cpp.output_mode = samc::MaskForm::kUncompressedRle;
       }},
      {"coco_rle",
       [&](Both& b) {
         b.c.output_mode = "coco_rle";
         b.cpp.output_mode = samc::MaskForm::kCocoRle;
       }},
      {"use_m2m",
       [&](Both& b) {
         b.c.use_m2m = 1;
         b.cpp.use_m2m = true;
       }},
      {"single_mask",
       [&](Both& b) {
         b.c.single_mask = 1;
         b.cpp.multimask_output = false;
       }},
  };
  Both unchanged;
  const std::vector<std::string> base = generate(&unchanged.c);
  EXPECT_EQ(base, generate_in_cpp(unchanged.cpp));
  EXPECT_GT(base.size(), 3U);
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    Both both;
    each.change(both);
    const std::vector<std::string> found = generate(&both.c);
    EXPECT_EQ(found, generate_in_cpp(both.cpp));
    EXPECT_NE(found, base) << "the option changes nothing, so that this says nothing of it";
  }
  EXPECT_EQ(generate(nullptr), generate_in_cpp({}));
}

TEST_F(AutomaticMasksInC, AllFormsAreOneMask) {
  Both both;
  both.c.crop_n_layers = 0;
  const std::vector<std::string> binary = generate(&both.c);
  ASSERT_GT(binary.size(), 0U);
  both.c.output_mode = "coco_rle";
  const std::vector<std::string> coco = generate(&both.c);
  ASSERT_EQ(coco.size(), binary.size());
  for (size_t i = 0; i < coco.size(); ++i) {
    std::string text = coco[i];
    text.erase(text.find("COCO "), 5);
    EXPECT_EQ(text, binary[i]);
  }
  both.c.output_mode = "uncompressed_rle";
  EXPECT_EQ(generate(&both.c).size(), binary.size());
}

TEST_F(AutomaticMasksInC, NonfiniteValuesAreErrorsUnlessTheyAreAllowed) {
  samc::PlanModule module = samc::tiny_model_in_parts();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> weight(samc::kTinyModelLow * samc::kTinyModelLow, nan);
  ASSERT_EQ(module.weights.size(), 1U);
  module.weights[0].bytes = std::as_bytes(std::span(weight));
  load(module);
  Both both;
  samc_automatic_masks_generator* generator = nullptr;
  samc_automatic_masks* masks = nullptr;
  const samc_image given = image();
  ASSERT_EQ(samc_automatic_masks_generator_create(model_, &both.c, &generator), SAMC_OK);
  EXPECT_EQ(samc_automatic_masks_generate(generator, &given, nullptr, nullptr, &masks), SAMC_ERROR_INPUT);
  EXPECT_EQ(masks, nullptr);
  samc_automatic_masks_generator_free(generator);
  both.c.allow_nonfinite = 1;
  EXPECT_TRUE(generate(&both.c).empty());
}

struct Told {
  samc_automatic_masks_generator* generator;
  const samc_image* image;
  std::vector<int64_t> done;
  int64_t all = 0;
};

TEST_F(AutomaticMasksInC, ProgressIsToldAndAGeneratorServesOneCall) {
  Both both;
  samc_automatic_masks_generator* generator = nullptr;
  ASSERT_EQ(samc_automatic_masks_generator_create(model_, &both.c, &generator), SAMC_OK);
  samc_model_free(model_);  // the generator keeps it alive
  model_ = nullptr;
  const samc_image given = image();
  Told told{generator, &given, {}};
  const auto progress = [](void* context, int64_t done, int64_t all) {
    auto& self = *static_cast<Told*>(context);
    self.done.push_back(done);
    self.all = all;
    samc_automatic_masks* masks = nullptr;
    EXPECT_EQ(samc_automatic_masks_generate(self.generator, self.image, nullptr, nullptr, &masks), SAMC_ERROR_USAGE);
  };
  samc_automatic_masks* masks = nullptr;
  ASSERT_EQ(samc_automatic_masks_generate(generator, &given, progress, &told, &masks), SAMC_OK) << samc_last_error();
  // The image and four crops, each of 16 points in batches of 7.
  EXPECT_EQ(told.all, 80);
  EXPECT_EQ(told.done, (std::vector<int64_t>{7, 14, 16, 23, 30, 32, 39, 46, 48, 55, 62, 64, 71, 78, 80}));
  samc_automatic_masks_free(masks);
  samc_automatic_masks_generator_free(generator);
}

TEST_F(AutomaticMasksInC, WrongCallsAreErrors) {
  const auto error_of = [&](const std::function<void(samc_automatic_masks_options&)>& change, samc_status status) {
    Both both;
    change(both.c);
    samc_automatic_masks_generator* generator = nullptr;
    EXPECT_EQ(samc_automatic_masks_generator_create(model_, &both.c, &generator), status);
    EXPECT_EQ(generator, nullptr);
    return std::string(samc_last_error());
  };
  using Options = samc_automatic_masks_options;
  EXPECT_EQ(error_of([](Options& o) { o.threads = -1; }, SAMC_ERROR_USAGE), "-1 threads; 0: one for each core");
  EXPECT_EQ(error_of([](Options& o) { o.output_mode = "png"; }, SAMC_ERROR_USAGE),
            "an output_mode of 'png'; binary_mask, uncompressed_rle or coco_rle");
  EXPECT_EQ(error_of([](Options& o) { o.point_grid_count = 1; }, SAMC_ERROR_USAGE), "point_grids is NULL");
  samc_point_grid grid{nullptr, 1};
  const auto with_grid = [&](Options& o) {
    o.point_grids = &grid;
    o.point_grid_count = 1;
  };
  EXPECT_EQ(error_of(with_grid, SAMC_ERROR_USAGE), "points of a grid is NULL");
  grid.count = 0;
  EXPECT_EQ(error_of(with_grid, SAMC_ERROR_INPUT),
            "points_per_side and point_grids say both, or neither, where points are; give one of them");
  EXPECT_EQ(error_of([](Options& o) { o.crop_n_layers = 7; }, SAMC_ERROR_INPUT),
            "crop_n_layers is out of its range; give 0 to 6");
  EXPECT_EQ(error_of([](Options& o) { o.points_per_side = -1; }, SAMC_ERROR_INPUT),
            "-1 points a side in layer 0; 1 to 1000");

  samc_automatic_masks_generator* generator = nullptr;
  ASSERT_EQ(samc_automatic_masks_generator_create(model_, nullptr, &generator), SAMC_OK);
  samc_automatic_masks* masks = nullptr;
  samc_image wrong = image();
  wrong.stride = 5;
  EXPECT_EQ(samc_automatic_masks_generate(generator, &wrong, nullptr, nullptr, &masks), SAMC_ERROR_USAGE);
  const samc_image right = image();
  ASSERT_EQ(samc_automatic_masks_generate(generator, &right, nullptr, nullptr, &masks), SAMC_OK);
  size_t count = 0;
  ASSERT_EQ(samc_automatic_masks_count(masks, &count), SAMC_OK);
  samc_automatic_mask_view view{};
  view.struct_size = sizeof view;
  EXPECT_EQ(samc_automatic_masks_get(masks, count, &view), SAMC_ERROR_USAGE);
  EXPECT_EQ(std::string(samc_last_error()), fmt::format("mask {} of {}; they are counted from 0", count, count));
  samc_automatic_masks_free(masks);
  samc_automatic_masks_generator_free(generator);
}

}  // namespace
