#pragma once
// What a prompt's points and box become for the decoder. Official code: sam2_image_predictor.py (_prep_prompts,
// _predict), transforms.py (transform_coords), prompt_encoder.py (_embed_points, pad).

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace samc {

struct ObjectPrompt;

struct DecoderPoints {
  std::vector<float> coordinates;  // (points, 2), pixels of the model's (size, size) picture
  std::vector<float> labels;       // (points)

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

// The box's corners with labels 2 and 3, then the points, then a pad point (0, 0) with label -1; nothing at all when
// there is neither box nor point. Errors: a coordinate that is not finite, a label that the model does not know.
Result<DecoderPoints> decoder_points(const ObjectPrompt& prompt, int64_t width, int64_t height, int64_t size,
                                     bool normalize_coords);

}  // namespace samc
