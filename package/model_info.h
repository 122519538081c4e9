#pragma once
// What a compiled model says of itself.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace samc {

// What the image predictor has to know about the model beside its functions.
struct ModelInfo {
  std::string name;      // "sam2.1_hiera_tiny"
  std::string build_id;  // of the compiler that made the file
  // What the image encoder is, by content (model/identity.h): an embedding is good for models of the same. Empty: not
  // known, as in plans written by hand.
  std::string encoder_id;
  int64_t image_size = 1024;
  std::vector<float> pixel_mean = {0.485f, 0.456f, 0.406f};  // of RGB values in [0, 1]
  std::vector<float> pixel_std = {0.229f, 0.224f, 0.225f};
  float mask_threshold = 0.0f;
  // Single-mask output falls back to the best of masks 1..3 when mask 0 is unstable (official: on, 0.05, 0.98).
  bool dynamic_multimask_via_stability = true;
  float stability_delta = 0.05f;
  float stability_threshold = 0.98f;
  // Anything else that is worth keeping: precision, source file, its hash. Order is kept.
  std::vector<std::pair<std::string, std::string>> notes;
};

}  // namespace samc
