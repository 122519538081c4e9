#include "base/limits.h"
#include "capi/handles.h"

namespace samc::capi {
namespace {

Result<std::vector<PointPrompt>> points_of(const samc_point* points, size_t count) {
  if (points == nullptr && count > 0) return is_null("points");
  if (count > static_cast<size_t>(kMostPromptPoints))
    return invalid_input(fmt::format("a prompt of {} points, the limit is {}", count, kMostPromptPoints));
  std::vector<PointPrompt> result;
  result.reserve(count);
  for (size_t i = 0; i < count; ++i) result.push_back({points[i].x, points[i].y, points[i].label});
  return result;
}

std::optional<BoxPrompt> box_of(const samc_box* box) {
  if (box == nullptr) return std::nullopt;
  return BoxPrompt{box->x0, box->y0, box->x1, box->y1};
}

Status check_size(const char* what, int64_t width, int64_t height) {
  if (is_image_size(width, height)) return Status::ok();
  return invalid_input(fmt::format("{} of {} x {} pixels", what, width, height),
                       fmt::format("at least 1, at most {} on a side and {} in all", kLongestSide, kMostPixels));
}

}  // namespace

Result<RgbView> view_of(const samc_image& image) {
  SAMC_NEED(image.rgb);
  SAMC_TRY(check_size("an image", image.width, image.height));
  const int64_t least = 3 * image.width;
  if (image.stride != 0 && image.stride < least)
    return usage_error(fmt::format("rows of {} bytes for an image {} pixels wide", image.stride, image.width),
                       "give the bytes from one row to the next, or 0");
  return RgbView(image.rgb, image.width, image.height, image.stride == 0 ? least : image.stride);
}

Result<ObjectPrompt> prompt_of(const samc_prompt& prompt, int64_t low) {
  ObjectPrompt result;
  SAMC_ASSIGN(result.points, points_of(prompt.points, prompt.point_count));
  result.box = box_of(prompt.box);
  if (prompt.mask != nullptr) result.mask_input = {DType::kF32, {1, 1, low, low}, prompt.mask};
  return result;
}

Result<VideoPrompt> prompt_of(const samc_video_prompt& prompt) {
  VideoPrompt result;
  SAMC_ASSIGN(result.points, points_of(prompt.points, prompt.point_count));
  result.box = box_of(prompt.box);
  result.clear_old_points = prompt.keep_old_points == 0;
  result.normalize_coords = prompt.coordinates_are_normalized == 0;
  return result;
}

Result<VideoOptions> options_of(const samc_video_options& options) {
  VideoOptions result;
  if (options.threads < 0) return usage_error(fmt::format("{} threads", options.threads), "0: one for each core");
  if (options.fill_hole_area < -1)
    return usage_error(fmt::format("a fill_hole_area of {}", options.fill_hole_area), "0: 8 pixels; -1: none");
  result.threads = options.threads;
  if (options.fill_hole_area != 0) result.fill_hole_area = std::max<int64_t>(options.fill_hole_area, 0);
  result.non_overlap_masks = options.non_overlap_masks != 0;
  result.clear_non_cond_mem_around_input = options.clear_non_cond_mem_around_input != 0;
  result.add_all_frames_to_correct_as_cond = options.add_all_frames_to_correct_as_cond != 0;
  result.max_conditioning_frames = options.max_conditioning_frames;
  return result;
}

Result<TensorView> mask_of(const uint8_t* mask, int64_t width, int64_t height) {
  SAMC_NEED(mask);
  SAMC_TRY(check_size("a mask", width, height));
  return TensorView{DType::kU8, {height, width}, mask};
}

}  // namespace samc::capi
