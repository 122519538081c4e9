// AutomaticMaskGenerator: records of all masks in an image, as dictionaries with the official keys.

#include "runtime/automatic_masks.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <optional>

#include "python/src/module.h"
#include "python/src/support.h"

namespace samc::python {
namespace {

using Grid = nb::ndarray<const double, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

MaskForm form_of(const std::string& output_mode) {
  if (output_mode == "binary_mask") return MaskForm::kBinaryMask;
  if (output_mode == "uncompressed_rle") return MaskForm::kUncompressedRle;
  if (output_mode == "coco_rle") return MaskForm::kCocoRle;
  raise(invalid_input("Unknown output_mode '" + output_mode + "'", "binary_mask, uncompressed_rle or coco_rle"));
}

void make(AutomaticMaskGenerator* self, const LoadedModule& loaded, int threads, std::optional<int64_t> points_per_side,
          int64_t points_per_batch, float pred_iou_thresh, float stability_score_thresh, float stability_score_offset,
          float mask_threshold, double box_nms_thresh, int64_t crop_n_layers, double crop_nms_thresh,
          double crop_overlap_ratio, int64_t crop_n_points_downscale_factor, const std::vector<Grid>& point_grids,
          int64_t min_mask_region_area, const std::string& output_mode, bool use_m2m, bool multimask_output) {
  AutomaticMaskOptions options;
  options.points_per_side = points_per_side;
  options.points_per_batch = points_per_batch;
  options.pred_iou_thresh = pred_iou_thresh;
  options.stability_score_thresh = stability_score_thresh;
  options.stability_score_offset = stability_score_offset;
  options.mask_threshold = mask_threshold;
  options.box_nms_thresh = box_nms_thresh;
  options.crop_n_layers = crop_n_layers;
  options.crop_nms_thresh = crop_nms_thresh;
  options.crop_overlap_ratio = crop_overlap_ratio;
  options.crop_n_points_downscale_factor = crop_n_points_downscale_factor;
  for (const Grid& grid : point_grids) {
    PointGrid& points = options.point_grids.emplace_back();
    for (size_t i = 0; i < grid.shape(0); ++i) points.push_back({grid.data()[2 * i], grid.data()[2 * i + 1]});
  }
  options.min_mask_region_area = min_mask_region_area;
  options.output_mode = form_of(output_mode);
  options.use_m2m = use_m2m;
  options.multimask_output = multimask_output;
  options.threads = threads;
  new (self)
      AutomaticMaskGenerator(take(unlocked([&] { return AutomaticMaskGenerator::create(loaded.module, options); })));
}

template <class Counts>
nb::dict rle_dict(int64_t height, int64_t width, const Counts& counts) {
  nb::dict rle;
  rle["size"] = nb::cast(std::vector<int64_t>{height, width});
  rle["counts"] = nb::cast(counts);
  return rle;
}

nb::object segmentation_of(AutomaticMask& mask) {
  if (auto* pixels = std::get_if<Tensor>(&mask.segmentation)) return nb::cast(bools_of(std::move(*pixels)));
  if (const auto* runs = std::get_if<Rle>(&mask.segmentation)) return rle_dict(runs->height, runs->width, runs->counts);
  const auto& text = std::get<CocoRle>(mask.segmentation);
  return rle_dict(text.height, text.width, text.counts);
}

// Pixels, as float: as the official records have them.
nb::object box_list(const std::array<float, 4>& box) { return nb::cast(std::vector<float>(box.begin(), box.end())); }

nb::dict record_of(AutomaticMask& mask) {
  nb::dict record;
  record["segmentation"] = segmentation_of(mask);
  record["area"] = mask.area;
  record["bbox"] = box_list(mask.bbox);
  record["predicted_iou"] = mask.predicted_iou;
  record["point_coords"] =
      nb::cast(std::vector<std::vector<float>>{{mask.point_coords.begin(), mask.point_coords.end()}});
  record["stability_score"] = mask.stability_score;
  record["crop_box"] = box_list(mask.crop_box);
  return record;
}

// Ctrl-C, and whatever else signals raise, ends the work after a batch of points.
Status check_signals() {
  const PyGILState_STATE before = locked_or_asleep([] { return PyGILState_Ensure(); });
  const bool raised = PyErr_CheckSignals() != 0;
  PyGILState_Release(before);
  return raised ? Status(StatusCode::kInterrupted, "interrupted") : Status::ok();
}

template <class View>
nb::list generate_of(AutomaticMaskGenerator& self, const View& view) {
  std::vector<AutomaticMask> masks =
      take(unlocked([&] { return self.generate(view, [](int64_t, int64_t) { return check_signals(); }); }));
  nb::list records;
  for (AutomaticMask& mask : masks) records.append(record_of(mask));
  return records;
}

}  // namespace

void add_automatic_masks(nb::module_& module) {
  nb::class_<AutomaticMaskGenerator>(module, "AutomaticMaskGenerator")
      .def("__init__", &make, nb::arg("module"), nb::arg("threads"), nb::arg("points_per_side").none(),
           nb::arg("points_per_batch"), nb::arg("pred_iou_thresh"), nb::arg("stability_score_thresh"),
           nb::arg("stability_score_offset"), nb::arg("mask_threshold"), nb::arg("box_nms_thresh"),
           nb::arg("crop_n_layers"), nb::arg("crop_nms_thresh"), nb::arg("crop_overlap_ratio"),
           nb::arg("crop_n_points_downscale_factor"), nb::arg("point_grids"), nb::arg("min_mask_region_area"),
           nb::arg("output_mode"), nb::arg("use_m2m"), nb::arg("multimask_output"))
      .def(
          "generate",
          [](AutomaticMaskGenerator& self, const ByteImage& image) { return generate_of(self, view_of(image)); },
          nb::arg("image"))
      .def(
          "generate_of_floats",
          [](AutomaticMaskGenerator& self, const FloatImage& image) { return generate_of(self, view_of(image)); },
          nb::arg("image"));
}

}  // namespace samc::python
