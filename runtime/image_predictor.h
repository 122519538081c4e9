#pragma once
// Segments pictures by points, boxes and masks: the semantics of SAM2ImagePredictor (sam2/sam2_image_predictor.py),
// without Python. `size` below is the model's image size (1024), `low` its quarter (256).
//
//   auto module = Module::load("tiny.samc");
//   auto predictor = ImagePredictor::create(module.value());
//   predictor.value().set_image(picture);
//   auto result = predictor.value().predict({{.points = {{500, 375, 1}}}});
//
// Errors are one-line Statuses; no exception leaves this interface. Missing memory is one of them (kOutOfMemory): the
// object is as it was or as reset() leaves it, and later calls are right. memory_budget.h sets a limit of memory.
// One predictor serves one thread at a time; any
// number of predictors may share a module, each on a thread of its own.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "runtime/module.h"
#include "runtime/rgb_view.h"
#include "runtime/timing.h"

namespace samc {

class DeviceEmbedding;
class ImageModel;
class ThreadPool;

struct PredictorOptions {
  int threads = 0;                      // 0: one for each core that the process may use
  std::optional<float> mask_threshold;  // logits above it are mask; absent: the model's, 0
  // Regions of at most this many low-res pixels are filled (holes) or removed (sprinkles) before the mask is upscaled;
  // 0: none. The official code skips both without its CUDA extension.
  double max_hole_area = 0;
  double max_sprinkle_area = 0;
  // What the encoder took is given back before prompts are decoded, and taken anew for the next image.
  bool spare_memory = false;
  // NaN and infinite values are errors: in a result (the error names the first operation that made one), in an
  // embedding, in a mask input. With this they are taken and returned like other numbers.
  bool allow_nonfinite = false;
};

// What the image encoder makes of a picture: all that predict() needs of it. For the model sizes of SAM 2, C is 256.
struct ImageEmbedding {
  Tensor high_res_feats_0;  // (1, C / 8, size / 4, size / 4)
  Tensor high_res_feats_1;  // (1, C / 4, size / 8, size / 8)
  Tensor image_embed;       // (1, C, size / 16, size / 16)
  int64_t width = 0;        // of the picture, pixels
  int64_t height = 0;
  // ModelInfo::encoder_id of the model that made it. Empty: not known, and then not compared.
  std::string encoder_id = {};
  // The same where the model that made it keeps it for its decoder, as on a chip. Never set by others.
  std::shared_ptr<const DeviceEmbedding> on_device = {};
};

// x to the right, y down, in pixels of the picture, (0, 0) being its upper left corner; or in [0, 1] of its width and
// height when normalize_coords is false. May lie outside.
struct PointPrompt {
  float x = 0;
  float y = 0;
  int label = 1;  // 1 object, 0 background; also -1 no point, 2 and 3 upper left and lower right corner of a box
};
struct BoxPrompt {
  float x0 = 0, y0 = 0;  // upper left
  float x1 = 0, y1 = 0;  // lower right
};

// What names one object: any mixture, or nothing at all.
struct ObjectPrompt {
  std::vector<PointPrompt> points;
  std::optional<BoxPrompt> box;
  // Logits of an earlier call, f32 (low, low), (1, low, low) or (1, 1, low, low). Without data: none.
  TensorView mask_input = {};
};

struct PredictOptions {
  bool multimask_output = true;  // three masks for each prompt; else one
  bool return_logits = false;    // masks as logits, not thresholded
  bool masks_as_f32 = false;     // masks in f32, 0 or 1, as the official predict() gives them; else in u8
  bool normalize_coords = true;  // coordinates are pixels of the picture; false: they are in [0, 1] already
  // Only what the decoder gives: masks stays empty, and low_res_logits are not clamped. No region is filled.
  bool low_res_only = false;
  // With low_res_only and multimask_output: where none of a prompt's iou_predictions is above this, its low_res_logits
  // are not computed, which takes a third of the time or more, and are 0.
  std::optional<float> least_iou = {};
};

// masks: 3 or 1, in the model's order (not by score).
struct Prediction {
  Tensor masks;            // (prompts, masks, height, width): u8 0 or 1; f32 with return_logits or masks_as_f32
  Tensor iou_predictions;  // (prompts, masks): the model's guess of each mask's quality
  Tensor low_res_logits;   // (prompts, masks, low, low), clamped to [-32, 32]: mask_input of a later call
};

class ImagePredictor {
 public:
  // Errors: the module lacks the functions of an image model, or has others of these names.
  static Result<ImagePredictor> create(std::shared_ptr<const Module> module, const PredictorOptions& options = {});
  // With a model that runs elsewhere (image_model.h); options.threads is the model's affair then.
  static Result<ImagePredictor> create(std::unique_ptr<ImageModel> model, const PredictorOptions& options = {});
  ImagePredictor(ImagePredictor&&) noexcept;
  ImagePredictor& operator=(ImagePredictor&&) noexcept;
  ~ImagePredictor();

  // Stretches the picture to (size, size), normalises it and runs the image encoder and the part of the mask decoder
  // that follows from the picture alone. Replaces what was set before, also when it fails. The pixels are not needed
  // afterwards.
  Status set_image(const RgbView& picture);
  // The same for several pictures, of any sizes: set_image_batch() of the official code. The decoder keeps its part of
  // one picture at a time: some 3 ms go to each change of picture.
  Status set_images(std::span<const RgbView> pictures);
  // The same for pictures in f32, which must be finite unless allow_nonfinite.
  Status set_images(std::span<const RgbFloatView> pictures);
  // Instead of running the encoder: what embedding() gave for this model, here or in an earlier process. An error when
  // another encoder made it.
  Status set_embedding(ImageEmbedding embedding);

  // Whether the model can compute this at all, whatever the picture: a chip's may take a certain number of points only.
  Status check(const ObjectPrompt& prompt, const PredictOptions& options = {}) const;

  // How many pictures are set.
  size_t pictures() const;
  // The embedding of a picture that is set; valid until another is set.
  Result<const ImageEmbedding*> embedding(size_t picture = 0) const;

  // Masks for each prompt of a picture that is set. Prompts are independent of each other, and results are the same
  // bits as those of a call for each. Several at once take less time, as threads decode different prompts. Memory does
  // not grow with their number beyond that of the result.
  Result<Prediction> predict(std::span<const ObjectPrompt> prompts, const PredictOptions& options = {},
                             size_t picture = 0);
  Result<Prediction> predict(const ObjectPrompt& prompt, const PredictOptions& options = {}, size_t picture = 0) {
    return predict(std::span(&prompt, 1), options, picture);
  }
  // One list of prompts for each picture that is set: predict_batch() of the official code.
  Result<std::vector<Prediction>> predict_batch(std::span<const std::vector<ObjectPrompt>> prompts,
                                                const PredictOptions& options = {});

  // Gives back the masks of a result: the next call that makes as many writes into their memory, where memory that is
  // new to the process takes longer to come by than to write. One result's are kept, if they are not larger than this.
  static constexpr int64_t kMostReusedBytes = int64_t{128} << 20;
  void reuse(Tensor masks);

  // Forgets the pictures.
  void reset();

  const ModelInfo& info() const;
  // The threads that it computes on, for what is done with its results between two calls.
  ThreadPool& pool();
  // Called after every operation of a compiled module: for timing tables.
  void observe(OperationObserver observer);
  // Bytes that this predictor holds beside embeddings: arena and scratch memory of the kernels, and what the mask
  // decoder keeps of a picture.
  size_t working_bytes() const;

 private:
  struct State;
  explicit ImagePredictor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace samc
