#pragma once
// Masks of everything in an image: a grid of points is asked for, and what is good, stable and no duplicate is kept.
// The semantics of SAM2AutomaticMaskGenerator (sam2/automatic_mask_generator.py), without Python: the options have its
// names, defaults and meaning.
//
//   auto module = Module::load("tiny.samc");
//   auto generator = AutomaticMaskGenerator::create(module.value(), {.points_per_side = 16});
//   auto masks = generator.value().generate(image);
//
// Errors are one-line Statuses; no exception leaves this interface. One generator serves one thread at a time; any
// number of generators may share a module.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "media/rle.h"
#include "runtime/module.h"
#include "runtime/rgb_view.h"

namespace samc {

class ImageModel;

// How AutomaticMask::segmentation is given.
enum class MaskForm {
  kBinaryMask,       // Tensor
  kUncompressedRle,  // Rle
  kCocoRle,          // CocoRle
};

// Where points are asked for, in [0, 1] of the width and height of a crop.
using PointGrid = std::vector<std::array<double, 2>>;

struct AutomaticMaskOptions {
  // points_per_side^2 points over the image. Absent: point_grids says where.
  std::optional<int64_t> points_per_side = 32;
  // How many points are decoded together, at most; fewer where the memory for so many would be much. Does not change
  // the result.
  int64_t points_per_batch = 64;
  float pred_iou_thresh = 0.8f;          // least quality, by the model's own guess; 0: any
  float stability_score_thresh = 0.95f;  // least stability; 0: any
  // Stability: how much of the mask is left when its threshold moves from mask_threshold - offset to + offset.
  float stability_score_offset = 1.0f;
  float mask_threshold = 0.0f;  // logits above it are mask
  double box_nms_thresh = 0.7;  // of masks of one crop whose boxes overlap more (IoU) the better one stays
  // Beyond the whole image, layer 0, also crops: 2^n x 2^n of them in layer n.
  int64_t crop_n_layers = 0;
  double crop_nms_thresh = 0.7;                // the same between crops: the mask of the smaller crop stays
  double crop_overlap_ratio = 512.0 / 1500.0;  // of the shorter side, in layer 1; half as much in each further layer
  int64_t crop_n_points_downscale_factor = 1;  // points_per_side is divided by it in each layer
  std::vector<PointGrid> point_grids;          // one for each layer, instead of points_per_side
  // Holes and islands of fewer pixels are filled and removed, in masks of the image's size, and duplicates that come of
  // it are dropped (postprocess_small_regions of the official code); 0: none.
  int64_t min_mask_region_area = 0;
  MaskForm output_mode = MaskForm::kBinaryMask;
  // Each mask is given back to the model once as a prompt beside its point. About four times the work.
  bool use_m2m = false;
  bool multimask_output = true;  // three masks for each point; else one

  // samc's own.
  int threads = 0;               // 0: one for each core that the process may use. Not for a model given as one
  bool allow_nonfinite = false;  // PredictorOptions::allow_nonfinite
};

struct CocoRle {
  int64_t height = 0;
  int64_t width = 0;
  std::string counts;  // COCO's compressed text
};

// One record; the names are the official keys.
struct AutomaticMask {
  // Tensor: u8 (height, width) of 0 and 1.
  std::variant<Tensor, Rle, CocoRle> segmentation;
  int64_t area = 0;                        // pixels
  std::array<float, 4> bbox = {};          // x, y, width, height; as in the official code from first to last pixel
  float predicted_iou = 0;                 // the model's guess of the mask's quality
  std::array<float, 2> point_coords = {};  // x, y of the point that was asked for, pixels of the image
  float stability_score = 0;
  std::array<float, 4> crop_box = {};  // x, y, width, height of the crop that it was found in
};

// Points that are done, and all of them, of all crops. An error ends the work, and is what generate() gives.
using AutomaticMaskProgress = std::function<Status(int64_t done, int64_t all)>;

class AutomaticMaskGenerator {
 public:
  // Errors: options that contradict each other or are out of their range; a module that is no image model.
  static Result<AutomaticMaskGenerator> create(std::shared_ptr<const Module> module,
                                               const AutomaticMaskOptions& options = {});
  // With a model that runs elsewhere (image_model.h).
  static Result<AutomaticMaskGenerator> create(std::unique_ptr<ImageModel> model,
                                               const AutomaticMaskOptions& options = {});
  AutomaticMaskGenerator(AutomaticMaskGenerator&&) noexcept;
  AutomaticMaskGenerator& operator=(AutomaticMaskGenerator&&) noexcept;
  ~AutomaticMaskGenerator();

  // The best mask first; with crops, those of the smallest crops first. May be empty. The memory that this takes beside
  // the model's grows with the masks that are kept, not with those that are tried.
  Result<std::vector<AutomaticMask>> generate(const RgbView& image, const AutomaticMaskProgress& progress = {});
  // Of an image in f32, taken as ImagePredictor takes it.
  Result<std::vector<AutomaticMask>> generate(const RgbFloatView& image, const AutomaticMaskProgress& progress = {});

  const ModelInfo& info() const;

 private:
  struct State;
  explicit AutomaticMaskGenerator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace samc
