#include "runtime/prompt_points.h"

#include <fmt/format.h>

#include <cmath>

#include "runtime/image_predictor.h"

namespace samc {

Result<DecoderPoints> decoder_points(const ObjectPrompt& prompt, int64_t width, int64_t height, int64_t size,
                                     bool normalize_coords) {
  DecoderPoints result;
  bool finite = true;
  const auto add = [&](float x, float y, int label) {
    // Two roundings, as in the official code: to a fraction of the picture, then to the model's pixels.
    const float fraction_x = normalize_coords ? x / static_cast<float>(width) : x;
    const float fraction_y = normalize_coords ? y / static_cast<float>(height) : y;
    const float model_x = fraction_x * static_cast<float>(size), model_y = fraction_y * static_cast<float>(size);
    finite = finite && std::isfinite(model_x) && std::isfinite(model_y);
    result.coordinates.insert(result.coordinates.end(), {model_x, model_y});
    result.labels.push_back(static_cast<float>(label));
  };
  if (prompt.box.has_value()) {
    add(prompt.box->x0, prompt.box->y0, 2);
    add(prompt.box->x1, prompt.box->y1, 3);
  }
  for (const PointPrompt& point : prompt.points) {
    if (point.label < -1 || point.label > 3)
      return invalid_input(fmt::format("a point has label {}", point.label), "1 is object, 0 is background");
    add(point.x, point.y, point.label);
  }
  if (!finite) return invalid_input("a point or box has a coordinate that is not a number");
  if (!result.labels.empty()) {
    result.coordinates.insert(result.coordinates.end(), {0.0f, 0.0f});
    result.labels.push_back(-1.0f);
  }
  return result;
}

}  // namespace samc
