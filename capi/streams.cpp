// samc_video_stream.

#include "capi/handles.h"

using namespace samc;
using namespace samc::capi;

namespace {

// body(stream) as a Result<VideoMasks>, given to the caller.
template <class Body>
samc_status give_from(samc_video_stream* stream, samc_video_masks** masks, const Body& body) noexcept {
  clear(masks);
  return border_of_one(stream, "stream", [&](samc_video_stream& self) -> Status {
    SAMC_NEED(masks);
    SAMC_ASSIGN(VideoMasks found, body(self.stream));
    give(std::move(found), masks);
    return Status::ok();
  });
}

}  // namespace

samc_status samc_video_stream_create(const samc_model* model, const samc_video_options* options, int64_t frames,
                                     samc_video_stream** stream) {
  clear(stream);
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(stream);
    if (frames < 0) return usage_error(fmt::format("{} frames", frames), "0: not known");
    SAMC_ASSIGN(const samc_video_options given, read_options(options));
    SAMC_ASSIGN(const VideoOptions wanted, options_of(given));
    SAMC_ASSIGN(VideoStream made, VideoStream::create(model->module, wanted, {.num_frames = frames}));
    *stream = std::make_unique<samc_video_stream>(std::move(made)).release();
    return Status::ok();
  });
}

void samc_video_stream_free(samc_video_stream* stream) { delete stream; }

samc_status samc_video_stream_push(samc_video_stream* stream, const samc_image* frame, samc_video_masks** masks) {
  return give_from(stream, masks, [&](VideoStream& self) -> Result<VideoMasks> {
    SAMC_NEED(frame);
    SAMC_ASSIGN(const RgbView view, view_of(*frame));
    return self.push(view);
  });
}

samc_status samc_video_stream_add_points_or_box(samc_video_stream* stream, int64_t object,
                                                const samc_video_prompt* prompt, samc_video_masks** masks) {
  return give_from(stream, masks, [&](VideoStream& self) -> Result<VideoMasks> {
    SAMC_NEED(prompt);
    SAMC_ASSIGN(const VideoPrompt wanted, prompt_of(*prompt));
    return self.add_new_points_or_box(object, wanted);
  });
}

samc_status samc_video_stream_add_mask(samc_video_stream* stream, int64_t object, const uint8_t* mask, int64_t width,
                                       int64_t height, samc_video_masks** masks) {
  return give_from(stream, masks, [&](VideoStream& self) -> Result<VideoMasks> {
    SAMC_ASSIGN(const TensorView view, mask_of(mask, width, height));
    return self.add_new_mask(object, view);
  });
}

samc_status samc_video_stream_clear_prompts(samc_video_stream* stream, int64_t object, samc_video_masks** masks) {
  return give_from(stream, masks, [&](VideoStream& self) { return self.clear_all_prompts_in_frame(object); });
}

samc_status samc_video_stream_remove_object(samc_video_stream* stream, int64_t object, samc_video_masks** masks) {
  return give_from(stream, masks, [&](VideoStream& self) { return self.remove_object(object); });
}

samc_status samc_video_stream_reset(samc_video_stream* stream) {
  return border_of_one(stream, "stream", [](samc_video_stream& self) {
    self.stream.reset();
    return Status::ok();
  });
}
