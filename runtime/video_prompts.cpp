#include "runtime/video_prompts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "runtime/preprocess.h"

namespace samc {
namespace {

constexpr float kPadLabel = -1.0f;

void append(DecoderPoints& points, const DecoderPoints& more) {
  points.coordinates.insert(points.coordinates.end(), more.coordinates.begin(), more.coordinates.end());
  points.labels.insert(points.labels.end(), more.labels.begin(), more.labels.end());
}

void append_pad_point(DecoderPoints& points) { append(points, {{0.0f, 0.0f}, {kPadLabel}}); }

}  // namespace

Result<DecoderPoints> add_points(const VideoPrompt& prompt, const DecoderPoints* earlier, int64_t width, int64_t height,
                                 int64_t size) {
  if (prompt.points.empty() && !prompt.box.has_value())
    return invalid_input("the prompt has neither points nor a box", "give at least one of them");
  if (prompt.box.has_value() && !prompt.clear_old_points)
    return invalid_input("a box cannot be added to earlier points, since it comes before all points",
                         "clear the old points (clear_old_points)");
  ObjectPrompt added;
  added.points = prompt.points;
  added.box = prompt.box;
  SAMC_ASSIGN(DecoderPoints points, decoder_points(added, width, height, size, prompt.normalize_coords));
  points.coordinates.resize(points.coordinates.size() - 2);  // its pad point
  points.labels.pop_back();
  if (earlier != nullptr && !prompt.clear_old_points) {
    DecoderPoints all = *earlier;
    append(all, points);
    points = std::move(all);
  }
  if (points.count() > kMostPromptPoints)
    return invalid_input(
        fmt::format("{} points on one frame, at most {} can be given", points.count(), kMostPromptPoints),
        "a box counts as two; clear the old points");
  return points;
}

DecoderPoints with_pad_point(const DecoderPoints* points) {
  DecoderPoints result;
  if (points != nullptr) {
    result = *points;
  } else {
    append_pad_point(result);
  }
  append_pad_point(result);
  return result;
}

Result<Tensor> mask_at_model_size(const TensorView& mask, int64_t size, ThreadPool& pool) {
  if (mask.data == nullptr) return invalid_input("the mask prompt has no data");
  if ((mask.dtype != DType::kU8 && mask.dtype != DType::kBool) || mask.shape.size() != 2)
    return invalid_input(fmt::format("the mask prompt is {} {}, u8 or bool (height, width) expected",
                                     dtype_name(mask.dtype), shape_to_string(mask.shape)),
                         "0 is background, all else the object");
  const int64_t height = mask.shape[0], width = mask.shape[1];
  if (!is_image_size(width, height))
    return invalid_input(
        fmt::format("the mask prompt has {} x {} pixels, more than the limits of {} on a side and {} in "
                    "all, or none",
                    width, height, kLongestSide, kMostPixels),
        "give a mask of the video's size");
  Tensor values({1, 1, height, width});
  const auto* pixels = static_cast<const uint8_t*>(mask.data);
  std::transform(pixels, pixels + values.count(), values.f32().begin(),
                 [](uint8_t pixel) { return pixel != 0 ? 1.0f : 0.0f; });
  if (height == size && width == size) return values;
  Tensor resized({1, 1, size, size});
  resize_plane(values.f32(), height, width, size, size, pool, resized.f32());
  for (float& value : resized.f32()) value = value >= 0.5f ? 1.0f : 0.0f;
  return resized;
}

bool uses_three_masks(const VideoFacts& facts, bool is_first, int64_t points) {
  return facts.multimask_output_in_sam && (is_first || facts.multimask_output_for_tracking) &&
         points >= facts.multimask_min_pt_num && points <= facts.multimask_max_pt_num;
}

}  // namespace samc
