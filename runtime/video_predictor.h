#pragma once
// Tracks objects through a video by points, boxes and masks: the semantics of SAM2VideoPredictor
// (sam2/sam2_video_predictor.py), without Python. `size` below is the model's image size (1024), `low` its quarter.
//
//   auto predictor = VideoPredictor::create(Module::load("tiny.samc").value());
//   predictor.value().init_state(frames);
//   predictor.value().add_new_points_or_box(0, 1, {.points = {{210, 350, 1}}});
//   auto propagation = predictor.value().propagate_in_video();
//   while (auto masks = propagation.value().next().value()) write(masks->frame, masks->logits);
//
// VideoPredictor knows the whole video: any frame can be prompted, tracking goes both ways, and what was found is kept
// of every frame. VideoStream (video_stream.h) takes one frame after the other and keeps what the next ones need.
//
// Errors are one-line Statuses; no exception leaves this interface. A call that fails changes nothing, missing memory
// (kOutOfMemory) included, with two exceptions that leave what a later call needs: propagate_in_video() may have taken
// over the prompts of some objects, and next() that fails may be called again.
// One predictor serves one thread at a time; any number of predictors may share a module, each on a thread of its own.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "runtime/image_predictor.h"
#include "runtime/module.h"
#include "runtime/rgb_view.h"
#include "runtime/timing.h"

namespace samc {

class VideoModel;
struct VideoState;

// Where a VideoPredictor has its frames from: a folder, a file, memory. Frames are asked for in the order of tracking,
// and again where a prompt or a second direction needs them.
class VideoFrames {
 public:
  virtual ~VideoFrames() = default;
  virtual int64_t count() const = 0;
  virtual int64_t width() const = 0;   // pixels, of every frame
  virtual int64_t height() const = 0;  // pixels
  // The frame, index in [0, count()). Valid until the next call.
  virtual Result<RgbView> frame(int64_t index) = 0;
};

struct VideoOptions {
  int threads = 0;  // 0: one for each core that the process may use
  // Holes of a mask, 8-connected regions of logits <= 0, with at most this many low-res pixels become mask (logit 0.1);
  // 0: none. build_sam2_video_predictor() sets 8. The official code skips this without its CUDA extension.
  int64_t fill_hole_area = 8;
  // Where several objects claim a pixel, all but the one of the greatest logit get at most -10 there: in the logits
  // that are returned, not in what is remembered.
  bool non_overlap_masks = false;
  // The same for the masks of a frame before they are remembered, across its objects; absent: what the model says.
  // The official code encodes each object alone, so that its option of this name changes nothing there.
  std::optional<bool> non_overlap_masks_for_mem_enc;
  // A prompted frame makes an object forget its tracked (not its prompted) frames around it, num_maskmem x
  // memory_temporal_stride_for_eval frames either way. The official code of today stops with an AttributeError here.
  bool clear_non_cond_mem_around_input = false;
  // A prompt on a frame that was tracked already makes it a conditioning frame. Without, as in the official code, it
  // replaces the tracked result; and on a tracked frame that was prompted before it is shown but not remembered.
  bool add_all_frames_to_correct_as_cond = false;
  // Of an object's prompted frames this many, those nearest to the frame at hand, take part in tracking it: in place
  // of the model's max_cond_frames_in_attn. At least 2. 0: what the model says; official models say all.
  int64_t max_conditioning_frames = 0;
  // Features of so many frames are kept for prompts and other objects: some 21 MB each for SAM 2 at 1024 pixels.
  int64_t kept_features = 2;
  // As PredictorOptions::allow_nonfinite.
  bool allow_nonfinite = false;
};

// Points, a box, or both, of one object on one frame. What was found there before goes into the decoder with them.
struct VideoPrompt {
  std::vector<PointPrompt> points;
  std::optional<BoxPrompt> box;
  // false: the points are added to those that the object has on this frame; not with a box, which comes first.
  bool clear_old_points = true;
  bool normalize_coords = true;  // coordinates are pixels of the video; false: they are in [0, 1] already
};

// What the model says of one object on one frame.
struct ObjectOutput {
  Tensor low_res_logits;  // f32 (1, 1, low, low), holes filled; -1024 everywhere where the object is not seen
  Tensor object_score;    // f32 (1, 1): a logit, above 0 where the object is seen; 10 or -10 of a mask prompt
  Tensor object_pointer;  // f32 (1, C)
};

// The masks of one frame.
struct VideoMasks {
  int64_t frame = 0;
  std::vector<int64_t> objects;  // their ids, in the order in which they were added
  Tensor logits;                 // f32 (objects, 1, height, width) of the video: above 0 is mask; no object: empty
  // Of each object; nullptr for one that has no result on this frame, whose logits are -1024.
  std::vector<std::shared_ptr<const ObjectOutput>> outputs;
};

struct PropagateOptions {
  std::optional<int64_t> start_frame;  // absent: the earliest conditioning frame of any object
  std::optional<int64_t> max_frames;   // frames beyond the first one, as max_frame_num_to_track; absent: all
  bool reverse = false;                // from the start frame backwards; from frame 0: nothing, as in the official code
};

// Tracking that goes on frame by frame. Refers to its predictor, which must live, may be moved, and may be prompted:
// but then next() is an error, and propagate_in_video() starts anew from any frame.
class VideoPropagation {
 public:
  // The next frame's masks; nothing when all are done. Stopping earlier needs no call.
  Result<std::optional<VideoMasks>> next();
  int64_t frames() const { return frames_; }  // in all
  int64_t done() const { return done_; }

 private:
  friend struct VideoState;
  VideoPropagation() = default;
  VideoState* state_ = nullptr;
  uint64_t changes_ = 0;  // of the prompts, when this began
  int64_t first_ = 0;
  int64_t frames_ = 0;
  int64_t done_ = 0;
  bool reverse_ = false;
};

class VideoPredictor {
 public:
  // Errors: the module lacks the functions of a video model, or has others of these names.
  static Result<VideoPredictor> create(std::shared_ptr<const Module> module, const VideoOptions& options = {});
  // With a model that runs elsewhere (video_model.h); options.threads is the model's affair then.
  static Result<VideoPredictor> create(std::unique_ptr<VideoModel> model, const VideoOptions& options = {});
  VideoPredictor(VideoPredictor&&) noexcept;
  VideoPredictor& operator=(VideoPredictor&&) noexcept;
  ~VideoPredictor();

  // Begins a video; forgets the one before. A frame becomes what the official code makes of an image in a folder:
  // resized by PIL's bicubic filter to (size, size) bytes, then normalised. Frames are read when they are needed.
  Status init_state(std::shared_ptr<VideoFrames> frames);

  // Prompts one object on one frame; gives the masks of all objects on it. An id that is new is a new object, also
  // while tracking. On a frame that was tracked the object is corrected, with its memories and the mask it had.
  Result<VideoMasks> add_new_points_or_box(int64_t frame, int64_t object, const VideoPrompt& prompt);
  // mask: u8 or bool (height, width), of any size, not 0 where the object is. Takes the place of points on the frame.
  Result<VideoMasks> add_new_mask(int64_t frame, int64_t object, const TensorView& mask);

  // Begins to track all objects. Errors: no object, an object without a prompted frame, no such frame.
  Result<VideoPropagation> propagate_in_video(const PropagateOptions& options = {});

  // Takes an object's prompts on a frame back. What was found there stays as a tracked result. Gives the frame's masks.
  Result<VideoMasks> clear_all_prompts_in_frame(int64_t frame, int64_t object);
  // Forgets an object; gives the frames on which it was prompted, with the masks of the others there. With strict an
  // object that is not there is an error, else nothing happens. Without the last object the video is as at its start.
  Result<std::vector<VideoMasks>> remove_object(int64_t object, bool strict = true);
  // Forgets all objects, prompts and results; the video stays.
  void reset_state();

  // What was found of an object on a frame last; an error where nothing was.
  Result<std::shared_ptr<const ObjectOutput>> output(int64_t frame, int64_t object) const;
  std::vector<int64_t> objects() const;

  const ModelInfo& info() const;
  // Called after every operation of a compiled module: for timing tables.
  void observe(OperationObserver observer);
  // Bytes that the model holds beside weights: arena and scratch memory of the kernels.
  size_t working_bytes() const;

 private:
  explicit VideoPredictor(std::unique_ptr<VideoState> state);
  std::unique_ptr<VideoState> state_;
};

}  // namespace samc
