#pragma once
// Two modules of one model, of different precision: whether they see the same masks.

#include <string>
#include <vector>

#include "base/precision.h"
#include "base/status.h"

namespace samc::test {

// The IoU of masks that a precision should reach beside f32 (docs/precision.md).
struct MaskAim {
  double mean, least;
};
constexpr MaskAim mask_aim(Precision precision) {
  return precision == Precision::kInt8 ? MaskAim{0.98, 0.93} : MaskAim{0.995, 0.97};
}
constexpr double kScoreAgreement = 0.02;  // of IoU scores, absolute

struct MaskAgreement {
  std::string what;        // "point.multi 0": prompt, one mask or three, the mask's number; "frame 3, object 1"
  double iou = 0;          // of the masks at full size; 1 where both are empty
  double covered = 0;      // the share of the image that either mask covers
  double score_error = 0;  // between the two IoU scores; 0 of a clip
};

// Each golden prompt with three masks and with one. golden: the archive whose best mask is the prompt `point_mask`.
Result<std::vector<MaskAgreement>> compare_masks(const std::string& module, const std::string& other_module,
                                                 const std::string& golden, const std::string& picture);
// A click at each crossing of a 5 x 5 grid and nine boxes, with three masks and with one.
Result<std::vector<MaskAgreement>> compare_grid(const std::string& module, const std::string& other_module,
                                                const std::string& picture);
// The golden objects through the first frames of a folder.
Result<std::vector<MaskAgreement>> compare_video_masks(const std::string& module, const std::string& other_module,
                                                       const std::string& folder, int64_t frames);

// Of masks that cover something, a thousandth of the image at least.
struct AgreementSummary {
  size_t masks = 0;
  double mean = 1, twentieth = 1, least = 1;  // IoU; twentieth: one mask in 20 is at or below it
  std::string least_of;
  double score_error = 0;  // the largest
};
AgreementSummary summarise(const std::vector<MaskAgreement>& rows);

}  // namespace samc::test
