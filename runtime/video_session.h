#pragma once
// Objects, prompts and results of one video, for VideoPredictor and VideoStream: what a call does to which frame, in
// the order of the official code (sam2_video_predictor.py). Calls that fail leave all as it was, consolidate() aside.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "runtime/video_features.h"
#include "runtime/video_heads.h"
#include "runtime/video_object.h"

namespace samc {

// The model's facts with what the options say in their place. Errors: no video model, options out of their range.
Result<VideoFacts> video_facts(const VideoModel& model, const VideoOptions& options);

class VideoSession {
 public:
  VideoSession(VideoModel& model, const VideoFacts& facts, const VideoOptions& options);

  // Begins a video. source gives the pixels of a frame.
  void begin(int64_t num_frames, int64_t width, int64_t height, FrameSource source);
  // The video has at least so many frames.
  void extend_to(int64_t num_frames) { num_frames_ = std::max(num_frames_, num_frames); }

  Result<VideoMasks> add_points(int64_t frame, int64_t object, const VideoPrompt& prompt);
  Result<VideoMasks> add_mask(int64_t frame, int64_t object, const TensorView& mask);
  Result<VideoMasks> clear_prompts(int64_t frame, int64_t object);
  // Gives the masks of the other objects on these frames. An error when there is no such object.
  Result<std::vector<VideoMasks>> remove(int64_t object, const std::vector<int64_t>& frames);
  void remove_all();
  // What was found of an object on a frame last; an error where nothing was.
  Result<std::shared_ptr<const ObjectOutput>> output(int64_t frame, int64_t object) const;

  // Remembers what was prompted, before tracking begins; objects that were done when it fails stay so. Errors: no
  // object, an object without a prompted frame.
  Status consolidate();
  // Tracks all objects into a frame; those that are prompted there keep their result.
  Result<VideoMasks> track(int64_t frame, bool reverse);
  // Forgets what frames after `current` do not need.
  void forget_before(int64_t current);

  const std::vector<VideoObject>& objects() const { return objects_; }
  const VideoObject* find(int64_t object) const;  // nullptr: none
  std::vector<int64_t> ids() const;
  const VideoFacts& facts() const { return facts_; }
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  VideoFeatures& features() { return features_; }

 private:
  using Outputs = std::vector<std::shared_ptr<const ObjectOutput>>;

  // How a prompt is to be answered: as on a frame of its own, or as a correction.
  struct PromptKind {
    bool is_first;         // the frame was not tracked
    bool reverse;          // it was, backwards
    bool is_conditioning;  // it becomes a conditioning frame
  };
  PromptKind prompt_kind(const VideoObject& object, int64_t frame) const;
  VideoObject copy_or_new(int64_t id) const;
  // Puts an answered prompt in place.
  Result<VideoMasks> finish_prompt(int64_t frame, const PromptKind& kind, VideoObject object, ObjectOutput output);

  // image_embed for the decoder; holder keeps it where it was computed for this object.
  Result<const Tensor*> image_embed(const FrameFeatures& features, const VideoObject& object, int64_t frame,
                                    bool is_first, bool reverse, Tensor& holder);
  // tracked[i]: of object number i, which is in `wanted`; as many of them as go together.
  Status track_objects(std::span<const size_t> wanted, const FrameFeatures& features, int64_t frame, bool reverse,
                       std::vector<ObjectOutput>& tracked);
  Status remember_tracked(const FrameFeatures& features, const std::vector<const ObjectOutput*>& outputs,
                          const std::vector<Tensor*>& memories);
  Status remember_prompt(int64_t frame, const VideoObject& object, FrameResult& result);
  Status consolidate(VideoObject& object);
  Status no_such_object(int64_t id) const;
  std::shared_ptr<FrameResult> finish(ObjectOutput output) const;
  Result<const FrameFeatures*> features_of(int64_t frame) { return features_.of(frame, source_); }
  // What was found of objects on a frame, where there is nothing to compute.
  Result<VideoMasks> show(int64_t frame, const std::vector<const VideoObject*>& objects) const;
  Result<VideoMasks> show(int64_t frame, bool is_conditioning, const std::vector<const VideoObject*>& objects) const;
  // All objects, with this one in its place or behind the others.
  std::vector<const VideoObject*> objects_with(const VideoObject& changed) const;
  Result<VideoMasks> compose(int64_t frame, std::vector<int64_t> ids, Outputs outputs) const;

  VideoModel& model_;
  VideoFacts facts_;
  VideoOptions options_;
  VideoHeads heads_;
  VideoFeatures features_;
  FrameSource source_;
  int64_t num_frames_ = 0;
  int64_t width_ = 0;
  int64_t height_ = 0;
  std::vector<VideoObject> objects_;
};

}  // namespace samc
