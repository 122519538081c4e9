#pragma once
// The image encoder's features of frames: computed once for all objects, the last few kept.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/status.h"
#include "runtime/rgb_view.h"
#include "runtime/video_model.h"

namespace samc {

using FrameSource = std::function<Result<RgbView>(int64_t frame)>;

class VideoFeatures {
 public:
  // kept: frames, at least 1.
  VideoFeatures(VideoModel& model, int64_t kept, bool allow_nonfinite)
      : model_(model), kept_(kept), allow_nonfinite_(allow_nonfinite) {}

  // Valid until features of another frame are asked for, or forgotten.
  Result<const FrameFeatures*> of(int64_t frame, const FrameSource& source);
  void forget(int64_t frame);
  void forget_all();

 private:
  struct Slot {
    int64_t frame = -1;
    uint64_t used = 0;
    FrameFeatures features;
  };
  Slot& slot_for_another();
  Status encode(const RgbView& pixels, FrameFeatures& features);

  VideoModel& model_;
  int64_t kept_;
  bool allow_nonfinite_;
  uint64_t uses_ = 0;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace samc
