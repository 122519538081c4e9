#pragma once
// Bilinear enlargement, one axis at a time: half-pixel centres, edges repeated (align_corners=False). For all who
// enlarge logits, so that they get the same bits.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace samc {

// For one output position of an axis: the input position below, the next one, and how much that one counts.
struct LinearStep {
  int64_t low;
  int64_t high;
  float high_weight;

  float between(float at_low, float at_high) const { return (1.0f - high_weight) * at_low + high_weight * at_high; }
};

inline std::vector<LinearStep> linear_steps(int64_t input_size, int64_t output_size) {
  const float scale = static_cast<float>(input_size) / static_cast<float>(output_size);
  std::vector<LinearStep> steps;
  steps.reserve(static_cast<size_t>(output_size));
  for (int64_t output = 0; output < output_size; ++output) {
    const float source = std::max(scale * (static_cast<float>(output) + 0.5f) - 0.5f, 0.0f);
    const int64_t low = std::min(static_cast<int64_t>(source), input_size - 1);
    steps.push_back({low, std::min(low + 1, input_size - 1), std::clamp(source - static_cast<float>(low), 0.0f, 1.0f)});
  }
  return steps;
}

}  // namespace samc
