// The clip of golden.npz: object 1 by two points and object 2 by a box on frame 0, then tracked forward.

#include <fmt/format.h>

#include <memory>

#include "media/npz.h"
#include "runtime/resize_pil.h"
#include "runtime/video_predictor.h"
#include "tests/support/golden.h"
#include "tests/support/image_clip.h"

namespace samc::test {
namespace {

class VideoComparison {
 public:
  VideoComparison(const Npz& golden, std::string prefix) : golden_(golden), prefix_(std::move(prefix)) {}

  void check(const std::string& key, std::span<const float> given, bool sampled) {
    const Tensor* wanted = golden_.find(prefix_ + key);
    if (wanted == nullptr) return;
    const bool is_part = wanted->count() < static_cast<int64_t>(given.size());
    rows.push_back(compare_values(prefix_ + key, wanted->f32(), given, sampled || is_part));
  }
  void check(const VideoMasks& masks) {
    const int64_t pixels = masks.logits.count() / static_cast<int64_t>(masks.objects.size());
    for (size_t i = 0; i < masks.objects.size(); ++i) {
      const std::string name = fmt::format("frame{}.obj{}.", masks.frame, masks.objects[i]);
      check(name + "low_res", masks.outputs[i]->low_res_logits.f32(), false);
      check(name + "object_score", masks.outputs[i]->object_score.f32(), false);
      check(name + "obj_ptr", masks.outputs[i]->object_pointer.f32(), false);
      check(name + "video_res",
            masks.logits.f32().subspan(i * static_cast<size_t>(pixels), static_cast<size_t>(pixels)), true);
    }
  }
  std::vector<GoldenRow> rows;

 private:
  const Npz& golden_;
  std::string prefix_;
};

// How many frames the archive has results of.
int64_t frames_of(const Npz& golden, const std::string& prefix) {
  int64_t frames = 0;
  while (golden.find(fmt::format("{}frame{}.obj1.low_res", prefix, frames)) != nullptr) ++frames;
  return frames;
}

}  // namespace

Status track_golden_objects(const std::shared_ptr<const Module>& module, const std::shared_ptr<VideoFrames>& clip,
                            const std::function<void(const VideoMasks&)>& use) {
  VideoOptions options;
  options.fill_hole_area = 0;  // as the official code on a CPU
  SAMC_ASSIGN(VideoPredictor predictor, VideoPredictor::create(module, options));
  SAMC_TRY(predictor.init_state(clip));
  VideoPrompt points, box;
  points.points = {{210, 350, 1}, {250, 220, 1}};
  box.box = BoxPrompt{300, 0, 500, 400};
  SAMC_TRY(predictor.add_new_points_or_box(0, 1, points).status());
  SAMC_TRY(predictor.add_new_points_or_box(0, 2, box).status());
  SAMC_ASSIGN(VideoPropagation propagation, predictor.propagate_in_video());
  for (;;) {
    SAMC_ASSIGN(const std::optional<VideoMasks> masks, propagation.next());
    if (!masks.has_value()) return Status::ok();
    use(*masks);
  }
}

Result<std::vector<GoldenRow>> compare_video_with_golden(const std::string& module_path, const std::string& golden_path,
                                                         const std::string& frames, const std::string& prefix) {
  SAMC_ASSIGN(const Npz golden, Npz::read(golden_path));
  const int64_t count = frames_of(golden, prefix);
  if (count == 0) return invalid_input(fmt::format("{} has nothing of a video", golden_path));
  SAMC_ASSIGN(const std::shared_ptr<ImageClip> clip, ImageClip::read(frames, count));
  SAMC_ASSIGN(const std::shared_ptr<const Module> module, Module::load(module_path));
  VideoComparison comparison(golden, prefix);
  ThreadPool pool;
  const ModelInfo& info = module->info();
  Tensor input({1, 3, info.image_size, info.image_size});
  SAMC_ASSIGN(const RgbView first, clip->frame(0));
  preprocess_video_frame(first, info.image_size, info.pixel_mean, info.pixel_std, pool, input.f32());
  comparison.check("input0", input.f32(), true);
  SAMC_TRY(track_golden_objects(module, clip, [&](const VideoMasks& masks) { comparison.check(masks); }));
  return std::move(comparison.rows);
}

}  // namespace samc::test
