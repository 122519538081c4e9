#include "runtime/video_masks.h"

#include <algorithm>

#include "base/rounding.h"
#include "runtime/postprocess.h"

namespace samc {

void fill_holes(std::span<float> logits, int64_t height, int64_t width, int64_t largest_area) {
  constexpr float kFilledHole = 0.1f;
  if (largest_area <= 0) return;
  std::vector<uint8_t> holes(logits.size());
  std::ranges::transform(logits, holes.begin(), [](float logit) -> uint8_t { return logit <= 0.0f ? 1 : 0; });
  std::vector<int32_t> areas(logits.size());
  component_areas(holes, height, width, areas);
  for (size_t pixel = 0; pixel < logits.size(); ++pixel)
    if (areas[pixel] > 0 && areas[pixel] <= largest_area) logits[pixel] = kFilledHole;
}

void keep_greatest(const std::vector<std::span<float>>& planes, ThreadPool& pool) {
  constexpr float kOverlappedLogit = -10.0f;
  constexpr int64_t kPiece = int64_t{1} << 14;
  if (planes.size() < 2) return;
  const auto pixels = static_cast<int64_t>(planes.front().size());
  pool.run(divide_up(pixels, kPiece), [&](int64_t piece, int) {
    const auto end = static_cast<size_t>(std::min((piece + 1) * kPiece, pixels));
    for (auto pixel = static_cast<size_t>(piece * kPiece); pixel < end; ++pixel) {
      size_t greatest = 0;
      for (size_t plane = 1; plane < planes.size(); ++plane)
        if (planes[plane][pixel] > planes[greatest][pixel]) greatest = plane;
      for (size_t plane = 0; plane < planes.size(); ++plane)
        if (plane != greatest) planes[plane][pixel] = std::min(planes[plane][pixel], kOverlappedLogit);
    }
  });
}

Tensor masks_at_video_size(const std::vector<std::shared_ptr<const ObjectOutput>>& outputs, int64_t height,
                           int64_t width, bool non_overlapping, ThreadPool& pool) {
  if (outputs.empty()) return {};
  const auto pixels = static_cast<size_t>(height * width);
  Tensor result({static_cast<int64_t>(outputs.size()), 1, height, width});
  std::vector<std::span<float>> planes;
  for (size_t object = 0; object < outputs.size(); ++object) {
    const std::span<float> plane = result.f32().subspan(object * pixels, pixels);
    planes.push_back(plane);
    if (outputs[object] == nullptr) {
      std::ranges::fill(plane, kNoObjectLogit);
      continue;
    }
    const Tensor& low_res = outputs[object]->low_res_logits;
    upscale_logits(low_res.f32(), low_res.shape()[2], low_res.shape()[3], height, width, pool, plane);
  }
  if (non_overlapping) keep_greatest(planes, pool);
  return result;
}

}  // namespace samc
