// samc_video_predictor, propagation, masks of frames.

#include <algorithm>

#include "app/whole_video.h"
#include "base/limits.h"
#include "capi/handles.h"

using namespace samc;
using namespace samc::capi;

namespace {

// Frames from the caller's function.
class SourceFrames : public VideoFrames {
 public:
  explicit SourceFrames(const samc_frame_source& source) : source_(source) {}
  SourceFrames(const SourceFrames&) = delete;
  SourceFrames& operator=(const SourceFrames&) = delete;
  ~SourceFrames() override {
    if (source_.release != nullptr) source_.release(source_.context);
  }

  int64_t count() const override { return source_.count; }
  int64_t width() const override { return source_.width; }
  int64_t height() const override { return source_.height; }
  Result<RgbView> frame(int64_t index) override {
    samc_image image{};
    if (source_.read(source_.context, index, &image) != 0)
      return invalid_input("the caller's function could not read it");
    SAMC_ASSIGN(const RgbView view, view_of(image));
    if (view.width != source_.width || view.height != source_.height)
      return invalid_input(fmt::format("it has {} x {} pixels, the video {} x {}", view.width, view.height,
                                       source_.width, source_.height));
    return view;
  }

 private:
  samc_frame_source source_;
};

Status give_masks(Result<VideoMasks> found, samc_video_masks** masks) {
  SAMC_TRY(found.status());
  give(std::move(found).value(), masks);
  return Status::ok();
}

// body(predictor) as a Status, while no other thread uses the video.
template <class Body>
samc_status border_of_video(samc_video_predictor* predictor, const Body& body) noexcept {
  return border_of_one(predictor == nullptr ? nullptr : predictor->video.get(), "predictor",
                       [&](samc_tracked_video& video) { return body(video.predictor); });
}

}  // namespace

samc_status samc_video_predictor_create(const samc_model* model, const samc_video_options* options,
                                        samc_video_predictor** predictor) {
  clear(predictor);
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(predictor);
    SAMC_ASSIGN(const samc_video_options given, read_options(options));
    SAMC_ASSIGN(const VideoOptions wanted, options_of(given));
    SAMC_ASSIGN(VideoPredictor made, VideoPredictor::create(model->module, wanted));
    give(std::make_shared<samc_tracked_video>(std::move(made)), predictor);
    return Status::ok();
  });
}

void samc_video_predictor_free(samc_video_predictor* predictor) { delete predictor; }

samc_status samc_video_predictor_init(samc_video_predictor* predictor, const samc_frame_source* frames) {
  return border([&]() -> Status {
    SAMC_NEED(frames);
    // It releases what it is given, whatever becomes of the rest.
    auto source = std::make_shared<SourceFrames>(*frames);
    SAMC_NEED(predictor);
    SAMC_NEED(frames->read);
    const InUse use(predictor->video->in_use);
    if (!use.is_clear()) return used_by_another_thread();
    return predictor->video->predictor.init_state(std::move(source));
  });
}

samc_status samc_video_predictor_init_path(samc_video_predictor* predictor, const char* path) {
  return border_of_video(predictor, [&](VideoPredictor& self) -> Status {
    SAMC_NEED(path);
    SAMC_ASSIGN(std::shared_ptr<VideoFrames> frames, open_whole_video(path));
    return self.init_state(std::move(frames));
  });
}

samc_status samc_video_predictor_add_points_or_box(samc_video_predictor* predictor, int64_t frame, int64_t object,
                                                   const samc_video_prompt* prompt, samc_video_masks** masks) {
  clear(masks);
  return border_of_video(predictor, [&](VideoPredictor& self) -> Status {
    SAMC_NEED(prompt);
    SAMC_NEED(masks);
    SAMC_ASSIGN(const VideoPrompt wanted, prompt_of(*prompt));
    return give_masks(self.add_new_points_or_box(frame, object, wanted), masks);
  });
}

samc_status samc_video_predictor_add_mask(samc_video_predictor* predictor, int64_t frame, int64_t object,
                                          const uint8_t* mask, int64_t width, int64_t height,
                                          samc_video_masks** masks) {
  clear(masks);
  return border_of_video(predictor, [&](VideoPredictor& self) -> Status {
    SAMC_NEED(masks);
    SAMC_ASSIGN(const TensorView view, mask_of(mask, width, height));
    return give_masks(self.add_new_mask(frame, object, view), masks);
  });
}

samc_status samc_video_predictor_clear_prompts_in_frame(samc_video_predictor* predictor, int64_t frame, int64_t object,
                                                        samc_video_masks** masks) {
  clear(masks);
  return border_of_video(predictor, [&](VideoPredictor& self) -> Status {
    SAMC_NEED(masks);
    return give_masks(self.clear_all_prompts_in_frame(frame, object), masks);
  });
}

samc_status samc_video_predictor_remove_object(samc_video_predictor* predictor, int64_t object, int strict) {
  return border_of_video(predictor,
                         [&](VideoPredictor& self) { return self.remove_object(object, strict != 0).status(); });
}

samc_status samc_video_predictor_reset(samc_video_predictor* predictor) {
  return border_of_video(predictor, [](VideoPredictor& self) {
    self.reset_state();
    return Status::ok();
  });
}

samc_status samc_video_predictor_objects(samc_video_predictor* predictor, int64_t* ids, size_t capacity,
                                         size_t* count) {
  return border_of_video(predictor, [&](VideoPredictor& self) -> Status {
    SAMC_NEED(count);
    *count = 0;
    if (ids == nullptr && capacity > 0) return is_null("ids");
    const std::vector<int64_t> objects = self.objects();
    *count = objects.size();
    std::copy_n(objects.begin(), std::min(capacity, objects.size()), ids);
    return Status::ok();
  });
}

samc_status samc_video_predictor_propagate(samc_video_predictor* predictor, const samc_propagate_options* options,
                                           samc_propagation** propagation) {
  clear(propagation);
  return border_of_video(predictor, [&](VideoPredictor& self) -> Status {
    SAMC_NEED(propagation);
    SAMC_ASSIGN(const samc_propagate_options given, read_options(options));
    PropagateOptions wanted;
    if (given.start_frame != nullptr) wanted.start_frame = *given.start_frame;
    if (given.max_frames != nullptr) wanted.max_frames = *given.max_frames;
    wanted.reverse = given.reverse != 0;
    SAMC_ASSIGN(VideoPropagation begun, self.propagate_in_video(wanted));
    *propagation = std::make_unique<samc_propagation>(samc_propagation{predictor->video, begun}).release();
    return Status::ok();
  });
}

samc_status samc_propagation_next(samc_propagation* propagation, samc_video_masks** masks) {
  clear(masks);
  return border_of_one(propagation == nullptr ? nullptr : propagation->video.get(), "propagation",
                       [&](samc_tracked_video&) -> Status {
                         SAMC_NEED(masks);
                         SAMC_ASSIGN(std::optional<VideoMasks> found, propagation->propagation.next());
                         if (found.has_value()) give(std::move(*found), masks);
                         return Status::ok();
                       });
}

void samc_propagation_free(samc_propagation* propagation) { delete propagation; }

samc_status samc_video_masks_get(const samc_video_masks* masks, samc_video_masks_view* view) {
  return border([&]() -> Status {
    SAMC_NEED(masks);
    SAMC_NEED(view);
    const VideoMasks& found = masks->masks;
    samc_video_masks_view all{};
    all.frame = found.frame;
    all.object_count = found.objects.size();
    if (!found.objects.empty()) {
      all.objects = found.objects.data();
      all.logits = found.logits.f32().data();
      all.height = found.logits.shape()[2];
      all.width = found.logits.shape()[3];
    }
    return give_view(all, view);
  });
}

samc_status samc_video_masks_get_object(const samc_video_masks* masks, size_t place, samc_object_view* view) {
  return border([&]() -> Status {
    SAMC_NEED(masks);
    SAMC_NEED(view);
    const auto& outputs = masks->masks.outputs;
    if (place >= outputs.size())
      return usage_error(fmt::format("object {} of {}", place, outputs.size()), "they are counted from 0");
    samc_object_view all{};
    if (const ObjectOutput* output = outputs[place].get()) {
      all.low_size = output->low_res_logits.shape().back();
      all.channels = output->object_pointer.shape().back();
      all.low_res_logits = output->low_res_logits.f32().data();
      all.object_score = output->object_score.f32().data();
      all.object_pointer = output->object_pointer.f32().data();
    }
    return give_view(all, view);
  });
}

void samc_video_masks_free(samc_video_masks* masks) { delete masks; }
