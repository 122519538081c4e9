// ImagePredictor: images in, masks out; prompts are arrays that Python has brought into shape.

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <memory>
#include <optional>
#include <tuple>

#include "python/src/module.h"
#include "python/src/support.h"
#include "runtime/image_predictor.h"

namespace samc::python {
namespace {

using Array = nb::ndarray<nb::numpy, float>;

// The memory of masks that Python has collected, on whatever thread, for the next call to write into. One result's.
class GivenBack {
 public:
  GivenBack() = default;
  ~GivenBack() { delete kept_.load(); }
  GivenBack(const GivenBack&) = delete;
  GivenBack& operator=(const GivenBack&) = delete;

  void give(std::unique_ptr<Tensor> masks) {
    if (masks->bytes() > ImagePredictor::kMostReusedBytes) return;
    const std::unique_ptr<Tensor> before(kept_.exchange(masks.release()));
  }
  Tensor take() {
    const std::unique_ptr<Tensor> masks(kept_.exchange(nullptr));
    return masks == nullptr ? Tensor() : std::move(*masks);
  }

 private:
  std::atomic<Tensor*> kept_{nullptr};  // without a lock, which a fork() could leave locked
};

struct Predictor {
  explicit Predictor(ImagePredictor made) : predictor(std::move(made)) {}

  ImagePredictor predictor;
  std::shared_ptr<GivenBack> given_back = std::make_shared<GivenBack>();
  std::atomic_flag in_use;
};

// An array that owns the masks, and gives them back.
Array array_of_masks(Tensor tensor, const std::shared_ptr<GivenBack>& given_back) {
  struct Owned {
    std::unique_ptr<Tensor> masks;
    std::shared_ptr<GivenBack> given_back;
  };
  const std::vector<size_t> shape(tensor.shape().begin(), tensor.shape().end());
  auto owned = std::make_unique<Owned>(Owned{std::make_unique<Tensor>(std::move(tensor)), given_back});
  void* data = owned->masks->data();
  const nb::capsule owner(owned.get(), [](void* memory) noexcept {
    const std::unique_ptr<Owned> held(static_cast<Owned*>(memory));
    held->given_back->give(std::move(held->masks));
  });
  (void)owned.release();
  return {data, shape.size(), shape.data(), owner};
}

void make(Predictor* self, const LoadedModule& loaded, int threads, float mask_threshold, double max_hole_area,
          double max_sprinkle_area) {
  PredictorOptions options;
  options.threads = threads;
  options.mask_threshold = mask_threshold;
  options.max_hole_area = max_hole_area;
  options.max_sprinkle_area = max_sprinkle_area;
  new (self) Predictor(take(unlocked([&] { return ImagePredictor::create(loaded.module, options); })));
}

void set_images(Predictor& self, const std::vector<ByteImage>& images) {
  const InUse use(self.in_use);
  std::vector<RgbView> views;
  for (const ByteImage& image : images) views.push_back(view_of(image));
  check(unlocked([&] { return self.predictor.set_images(views); }));
}

void set_float_images(Predictor& self, const std::vector<FloatImage>& images) {
  const InUse use(self.in_use);
  std::vector<RgbFloatView> views;
  for (const FloatImage& image : images) views.push_back(view_of(image));
  check(unlocked([&] { return self.predictor.set_images(views); }));
}

// The prompts of a call: all arrays that are there have the same first extent, but masks may have 1.
struct PromptArrays {
  std::optional<Floats<3>> points;    // (prompts, points, 2)
  std::optional<Integers<2>> labels;  // (prompts, points)
  std::optional<Floats<2>> boxes;     // (prompts, 4)
  std::optional<Floats<4>> masks;     // (prompts or 1, 1, low, low)
};

std::vector<ObjectPrompt> prompts_of(const PromptArrays& arrays) {
  size_t count = 1;
  if (arrays.points) count = arrays.points->shape(0);
  if (arrays.boxes) count = arrays.boxes->shape(0);
  if (!arrays.points && !arrays.boxes && arrays.masks) count = arrays.masks->shape(0);
  const bool fit =
      (!arrays.points || (arrays.labels && arrays.points->shape(0) == count && arrays.points->shape(2) == 2 &&
                          arrays.labels->shape(0) == count && arrays.labels->shape(1) == arrays.points->shape(1))) &&
      (!arrays.boxes || arrays.boxes->shape(1) == 4) &&
      (!arrays.masks || arrays.masks->shape(0) == count || arrays.masks->shape(0) == 1);
  if (!fit) raise(invalid_input("the prompts' arrays do not belong together"));
  std::vector<ObjectPrompt> prompts(count);
  for (size_t i = 0; i < count; ++i) {
    ObjectPrompt& prompt = prompts[i];
    const size_t points = arrays.points ? arrays.points->shape(1) : 0;
    for (size_t k = 0; k < points; ++k) {
      const size_t at = i * points + k;
      prompt.points.push_back(
          {arrays.points->data()[2 * at], arrays.points->data()[2 * at + 1], arrays.labels->data()[at]});
    }
    if (arrays.boxes) {
      const float* box = arrays.boxes->data() + 4 * i;
      prompt.box = BoxPrompt{box[0], box[1], box[2], box[3]};
    }
    if (arrays.masks) {
      const auto height = static_cast<int64_t>(arrays.masks->shape(2)),
                 width = static_cast<int64_t>(arrays.masks->shape(3));
      const size_t which = arrays.masks->shape(0) == 1 ? 0 : i;
      const float* mask = arrays.masks->data() + which * static_cast<size_t>(height * width);
      if (arrays.masks->shape(1) != 1) raise(invalid_input("mask_input has more than one mask for a prompt"));
      prompt.mask_input = {DType::kF32, {1, 1, height, width}, mask};
    }
  }
  return prompts;
}

std::tuple<Array, Array, Array> predict(Predictor& self, std::optional<Floats<3>> points,
                                        std::optional<Integers<2>> labels, std::optional<Floats<2>> boxes,
                                        std::optional<Floats<4>> masks, bool multimask_output, bool return_logits,
                                        bool normalize_coords, size_t image) {
  const InUse use(self.in_use);
  const PromptArrays arrays{std::move(points), std::move(labels), std::move(boxes), std::move(masks)};
  const std::vector<ObjectPrompt> prompts = prompts_of(arrays);
  PredictOptions options;
  options.multimask_output = multimask_output;
  options.return_logits = return_logits;
  options.masks_as_f32 = true;  // what the official code gives
  options.normalize_coords = normalize_coords;
  self.predictor.reuse(self.given_back->take());
  Prediction prediction = take(unlocked([&] { return self.predictor.predict(prompts, options, image); }));
  return {array_of_masks(std::move(prediction.masks), self.given_back), array_of(std::move(prediction.iou_predictions)),
          array_of(std::move(prediction.low_res_logits))};
}

// Copies: (high_res_feats_0, high_res_feats_1, image_embed, width, height, encoder_id)
using Features = std::tuple<Array, Array, Array, int64_t, int64_t, std::string>;

Features features(Predictor& self, size_t image) {
  const InUse use(self.in_use);
  const ImageEmbedding* embedding = take(self.predictor.embedding(image));
  return {array_of(Tensor::copy_of(embedding->high_res_feats_0.view())),
          array_of(Tensor::copy_of(embedding->high_res_feats_1.view())),
          array_of(Tensor::copy_of(embedding->image_embed.view())),
          embedding->width,
          embedding->height,
          embedding->encoder_id};
}

void set_features(Predictor& self, const Floats<4>& high_res_feats_0, const Floats<4>& high_res_feats_1,
                  const Floats<4>& image_embed, int64_t width, int64_t height, const std::string& encoder_id) {
  const InUse use(self.in_use);
  self.predictor.reset();
  const auto copy = [](const Floats<4>& array) {
    Shape shape;
    for (size_t i = 0; i < 4; ++i) shape.push_back(static_cast<int64_t>(array.shape(i)));
    return Tensor::copy_of({DType::kF32, shape, array.data()});
  };
  ImageEmbedding embedding{
      copy(high_res_feats_0), copy(high_res_feats_1), copy(image_embed), width, height, encoder_id};
  check(unlocked([&] { return self.predictor.set_embedding(std::move(embedding)); }));
}

}  // namespace

void add_images(nb::module_& module) {
  nb::class_<Predictor>(module, "ImagePredictor")
      .def("__init__", &make, nb::arg("module"), nb::arg("threads"), nb::arg("mask_threshold"),
           nb::arg("max_hole_area"), nb::arg("max_sprinkle_area"))
      .def("set_images", &set_images, nb::arg("images"))
      .def("set_float_images", &set_float_images, nb::arg("images"))
      .def("predict", &predict, nb::arg("points").none(), nb::arg("labels").none(), nb::arg("boxes").none(),
           nb::arg("masks").none(), nb::arg("multimask_output"), nb::arg("return_logits"), nb::arg("normalize_coords"),
           nb::arg("image"))
      .def("features", &features, nb::arg("image"))
      .def("set_features", &set_features, nb::arg("high_res_feats_0"), nb::arg("high_res_feats_1"),
           nb::arg("image_embed"), nb::arg("width"), nb::arg("height"), nb::arg("encoder_id"))
      .def("reset", [](Predictor& self) {
        const InUse use(self.in_use);
        self.predictor.reset();
      });
}

}  // namespace samc::python
