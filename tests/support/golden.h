#pragma once
// A compiled model against what the official PyTorch code gave for the same weights and picture (golden.npz).

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "media/npz.h"
#include "runtime/image_predictor.h"
#include "runtime/video_predictor.h"

namespace samc::test {

struct GoldenRow {
  std::string key;
  double largest_error = 0;
  double largest_value = 0;
  double allowed = 0;  // the largest error that is still right: relative to largest_value, but absolute for IoU scores
  bool is_right() const { return largest_error <= allowed; }
};

// The tolerances of docs/fidelity.md.
constexpr double kImageTolerance = 1e-5;   // input.image, of the key's largest value
constexpr double kLogitsTolerance = 1e-3;  // features and logits, of the key's largest value
constexpr double kIouTolerance = 1e-4;     // IoU scores, absolute

// Every input, encoder and predict key of the archive, in its order. Keys ending in .full_res and the encoder's hold
// 4,096 samples at flat index (k * 2654435761) mod size; so do those ending in .low_res of which the file does not hold
// all.
Result<std::vector<GoldenRow>> compare_with_golden(const std::string& module, const std::string& golden,
                                                   const std::string& picture);

// How far given is from wanted. sampled: wanted holds values of given at flat index (k * 2654435761) mod size.
GoldenRow compare_values(const std::string& key, std::span<const float> wanted, std::span<const float> given,
                         bool sampled);

struct NamedPrompt {
  const char* name;
  std::vector<ObjectPrompt> prompts;
};
// The prompts that golden.npz was made with, in pixels of the 1800 x 1200 picture. mask_input: best_mask()'s.
std::vector<NamedPrompt> golden_prompts(const TensorView& mask_input);
// The logits of the best of the three masks of predict.point.multi.
Result<Tensor> best_mask(const Npz& golden);

constexpr double kVideoTolerance = 2e-3;        // masks and pointers of a video, of the key's largest value
constexpr double kObjectScoreTolerance = 1e-2;  // absolute

// Every key of the archive that begins with prefix ("video."): objects 1 and 2 tracked through the first frames of the
// folder, as tests/data/README.md says.
Result<std::vector<GoldenRow>> compare_video_with_golden(const std::string& module, const std::string& golden,
                                                         const std::string& frames, const std::string& prefix);
// Tracks those objects through the clip; use gets each frame's masks.
Status track_golden_objects(const std::shared_ptr<const Module>& module, const std::shared_ptr<VideoFrames>& clip,
                            const std::function<void(const VideoMasks&)>& use);

}  // namespace samc::test
