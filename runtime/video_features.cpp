#include "runtime/video_features.h"

#include <algorithm>

#include "runtime/finite.h"
#include "runtime/resize_pil.h"

namespace samc {

Result<const FrameFeatures*> VideoFeatures::of(int64_t frame, const FrameSource& source) {
  for (const auto& slot : slots_) {
    if (slot->frame != frame) continue;
    slot->used = ++uses_;
    return &slot->features;
  }
  SAMC_ASSIGN(const RgbView pixels, source(frame));
  Slot& slot = slot_for_another();
  slot.frame = -1;
  model_.forget_frame();  // what it keeps belongs to features that may lie where these do
  SAMC_TRY(encode(pixels, slot.features));
  slot.frame = frame;
  slot.used = ++uses_;
  return &slot.features;
}

void VideoFeatures::forget(int64_t frame) {
  for (const auto& slot : slots_) {
    if (slot->frame != frame) continue;
    slot->frame = -1;
    slot->used = 0;
  }
}

void VideoFeatures::forget_all() {
  slots_.clear();
  model_.forget_frame();
}

VideoFeatures::Slot& VideoFeatures::slot_for_another() {
  const auto oldest = std::ranges::min_element(slots_, {}, [](const auto& slot) { return slot->used; });
  const bool is_free = oldest != slots_.end() && (*oldest)->frame == -1;
  if (is_free || static_cast<int64_t>(slots_.size()) >= kept_) return **oldest;
  return *slots_.emplace_back(std::make_unique<Slot>());
}

Status VideoFeatures::encode(const RgbView& pixels, FrameFeatures& features) {
  const int64_t size = model_.shapes().size;
  Tensor image({1, 3, size, size});
  preprocess_video_frame(pixels, size, model_.info().pixel_mean, model_.info().pixel_std, model_.pool(), image.f32());
  SAMC_TRY(model_.encode(image.view(), features));
  if (allow_nonfinite_) return Status::ok();
  const char* name = find_non_finite({{"vision_features", &features.vision_features},
                                      {"image_embed", &features.image_embed},
                                      {"high_res_feats_1", &features.high_res_feats_1},
                                      {"high_res_feats_0", &features.high_res_feats_0}});
  if (name == nullptr) return Status::ok();
  return explain_non_finite(model_, name, [&] { return model_.encode(image.view(), features); });
}

}  // namespace samc
