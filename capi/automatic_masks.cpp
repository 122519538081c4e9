// samc_automatic_masks_generator and its masks.

#include <algorithm>
#include <string_view>

#include "capi/handles.h"

using namespace samc;
using namespace samc::capi;

namespace {

Result<MaskForm> form_of(const char* output_mode) {
  const std::string_view name = output_mode == nullptr ? "binary_mask" : output_mode;
  if (name == "binary_mask") return MaskForm::kBinaryMask;
  if (name == "uncompressed_rle") return MaskForm::kUncompressedRle;
  if (name == "coco_rle") return MaskForm::kCocoRle;
  return usage_error(fmt::format("an output_mode of '{}'", name), "binary_mask, uncompressed_rle or coco_rle");
}

Result<std::vector<PointGrid>> grids_of(const samc_point_grid* grids, size_t count) {
  if (grids == nullptr && count > 0) return is_null("point_grids");
  std::vector<PointGrid> result(count);
  for (size_t layer = 0; layer < count; ++layer) {
    const auto& [points, points_in_all] = grids[layer];
    if (points == nullptr && points_in_all > 0) return is_null("points of a grid");
    for (size_t i = 0; i < points_in_all; ++i) result[layer].push_back({points[2 * i], points[2 * i + 1]});
  }
  return result;
}

// What is given, instead of the default that stands there.
template <class T>
void take(const T* given, T& value) {
  if (given != nullptr) value = *given;
}

void take(int64_t given, int64_t& value) {
  if (given != 0) value = given;
}

Result<AutomaticMaskOptions> options_of(const samc_automatic_masks_options& given) {
  AutomaticMaskOptions wanted;
  if (given.threads < 0) return usage_error(fmt::format("{} threads", given.threads), "0: one for each core");
  wanted.threads = given.threads;
  SAMC_ASSIGN(wanted.point_grids, grids_of(given.point_grids, given.point_grid_count));
  if (!wanted.point_grids.empty()) wanted.points_per_side.reset();
  if (given.points_per_side != 0) wanted.points_per_side = given.points_per_side;
  take(given.points_per_batch, wanted.points_per_batch);
  take(given.pred_iou_thresh, wanted.pred_iou_thresh);
  take(given.stability_score_thresh, wanted.stability_score_thresh);
  take(given.stability_score_offset, wanted.stability_score_offset);
  wanted.mask_threshold = given.mask_threshold;
  take(given.box_nms_thresh, wanted.box_nms_thresh);
  wanted.crop_n_layers = given.crop_n_layers;
  take(given.crop_nms_thresh, wanted.crop_nms_thresh);
  take(given.crop_overlap_ratio, wanted.crop_overlap_ratio);
  take(given.crop_n_points_downscale_factor, wanted.crop_n_points_downscale_factor);
  wanted.min_mask_region_area = given.min_mask_region_area;
  SAMC_ASSIGN(wanted.output_mode, form_of(given.output_mode));
  wanted.use_m2m = given.use_m2m != 0;
  wanted.multimask_output = given.single_mask == 0;
  wanted.allow_nonfinite = given.allow_nonfinite != 0;
  return wanted;
}

// Puts the mask itself into the view, by its form.
struct Shown {
  samc_automatic_mask_view& view;

  void operator()(const Tensor& mask) const {
    view.height = mask.shape()[0];
    view.width = mask.shape()[1];
    view.binary = mask.as<uint8_t>().data();
  }
  void operator()(const Rle& mask) const {
    view.height = mask.height;
    view.width = mask.width;
    view.runs = mask.counts.data();
    view.run_count = mask.counts.size();
  }
  void operator()(const CocoRle& mask) const {
    view.height = mask.height;
    view.width = mask.width;
    view.coco_counts = mask.counts.c_str();
  }
};

}  // namespace

samc_status samc_automatic_masks_generator_create(const samc_model* model, const samc_automatic_masks_options* options,
                                                  samc_automatic_masks_generator** generator) {
  clear(generator);
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(generator);
    SAMC_ASSIGN(const samc_automatic_masks_options given, read_options(options));
    SAMC_ASSIGN(const AutomaticMaskOptions wanted, options_of(given));
    SAMC_ASSIGN(AutomaticMaskGenerator made, AutomaticMaskGenerator::create(model->module, wanted));
    *generator = std::make_unique<samc_automatic_masks_generator>(std::move(made)).release();
    return Status::ok();
  });
}

void samc_automatic_masks_generator_free(samc_automatic_masks_generator* generator) { delete generator; }

samc_status samc_automatic_masks_generate(samc_automatic_masks_generator* generator, const samc_image* image,
                                          samc_automatic_masks_progress progress, void* context,
                                          samc_automatic_masks** masks) {
  clear(masks);
  return border_of_one(generator, "generator", [&](samc_automatic_masks_generator& self) -> Status {
    SAMC_NEED(image);
    SAMC_NEED(masks);
    SAMC_ASSIGN(const RgbView view, view_of(*image));
    AutomaticMaskProgress told;
    if (progress != nullptr)
      told = [&](int64_t done, int64_t all) {
        progress(context, done, all);
        return Status::ok();
      };
    SAMC_ASSIGN(std::vector<AutomaticMask> found, self.generator.generate(view, told));
    give(std::move(found), masks);
    return Status::ok();
  });
}

samc_status samc_automatic_masks_count(const samc_automatic_masks* masks, size_t* count) {
  return border([&]() -> Status {
    SAMC_NEED(masks);
    SAMC_NEED(count);
    *count = masks->masks.size();
    return Status::ok();
  });
}

samc_status samc_automatic_masks_get(const samc_automatic_masks* masks, size_t place, samc_automatic_mask_view* view) {
  return border([&]() -> Status {
    SAMC_NEED(masks);
    SAMC_NEED(view);
    if (place >= masks->masks.size())
      return usage_error(fmt::format("mask {} of {}", place, masks->masks.size()), "they are counted from 0");
    const AutomaticMask& found = masks->masks[place];
    samc_automatic_mask_view all{};
    std::visit(Shown{all}, found.segmentation);
    all.area = found.area;
    std::ranges::copy(found.bbox, std::begin(all.bbox));
    all.predicted_iou = found.predicted_iou;
    std::ranges::copy(found.point_coords, std::begin(all.point_coords));
    all.stability_score = found.stability_score;
    std::ranges::copy(found.crop_box, std::begin(all.crop_box));
    return give_view(all, view);
  });
}

void samc_automatic_masks_free(samc_automatic_masks* masks) { delete masks; }
