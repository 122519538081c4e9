#pragma once
// What the handles of samc.h hold, and conversions of its plain structs.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "capi/border.h"
#include "media/image.h"
#include "runtime/automatic_masks.h"
#include "runtime/image_predictor.h"
#include "runtime/module.h"
#include "runtime/video_predictor.h"
#include "runtime/video_stream.h"

struct samc_picture {
  samc::Image image;
};

struct samc_model {
  std::shared_ptr<const samc::Module> module;
};

struct samc_image_predictor {
  explicit samc_image_predictor(samc::ImagePredictor made) : predictor(std::move(made)) {}
  samc::ImagePredictor predictor;
  std::atomic_flag in_use;
};

struct samc_masks {
  samc::Prediction prediction;
};

struct samc_embedding {
  samc::ImageEmbedding embedding;
};

struct samc_automatic_masks_generator {
  explicit samc_automatic_masks_generator(samc::AutomaticMaskGenerator made) : generator(std::move(made)) {}
  samc::AutomaticMaskGenerator generator;
  std::atomic_flag in_use;
};

struct samc_automatic_masks {
  std::vector<samc::AutomaticMask> masks;
};

struct samc_video_masks {
  samc::VideoMasks masks;
};

// Propagations hold it too.
struct samc_tracked_video {
  explicit samc_tracked_video(samc::VideoPredictor made) : predictor(std::move(made)) {}
  samc::VideoPredictor predictor;
  std::atomic_flag in_use;
};

struct samc_video_predictor {
  std::shared_ptr<samc_tracked_video> video;
};

struct samc_propagation {
  std::shared_ptr<samc_tracked_video> video;
  samc::VideoPropagation propagation;
};

struct samc_video_stream {
  explicit samc_video_stream(samc::VideoStream made) : stream(std::move(made)) {}
  samc::VideoStream stream;
  std::atomic_flag in_use;
};

namespace samc::capi {

// The side of low-res logits.
inline int64_t low_size(const ModelInfo& info) { return info.image_size / 4; }

Result<RgbView> view_of(const samc_image& image);
// low: the side of the mask. The prompt's arrays are copied, the mask is borrowed.
Result<ObjectPrompt> prompt_of(const samc_prompt& prompt, int64_t low);
Result<VideoPrompt> prompt_of(const samc_video_prompt& prompt);
Result<VideoOptions> options_of(const samc_video_options& options);
// Any bytes (height, width) as a mask.
Result<TensorView> mask_of(const uint8_t* mask, int64_t width, int64_t height);

// A handle of its own for a result.
template <class Handle, class Value>
void give(Value value, Handle** result) {
  *result = std::make_unique<Handle>(Handle{std::move(value)}).release();
}

}  // namespace samc::capi
