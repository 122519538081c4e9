// ImagePredictor: images in, masks out; prompts are arrays that Python has brought into shape.

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <span>
#include <tuple>

#include "base/thread_pool.h"
#include "python/src/module.h"
#include "python/src/support.h"
#include "runtime/image_predictor.h"

namespace samc::python {
namespace {

using Array = nb::ndarray<nb::numpy, float>;

struct Predictor {
  Predictor(ImagePredictor made, float threshold) : predictor(std::move(made)), mask_threshold(threshold) {}

  ImagePredictor predictor;
  float mask_threshold;
  std::atomic_flag in_use;
};

void make(Predictor* self, const LoadedModule& loaded, int threads, float mask_threshold, double max_hole_area,
          double max_sprinkle_area) {
  PredictorOptions options;
  options.threads = threads;
  options.mask_threshold = mask_threshold;
  options.max_hole_area = max_hole_area;
  options.max_sprinkle_area = max_sprinkle_area;
  new (self) Predictor(take(unlocked([&] { return ImagePredictor::create(loaded.module, options); })), mask_threshold);
}

void set_images(Predictor& self, const std::vector<ByteImage>& images) {
  const InUse use(self.in_use);
  self.predictor.reset();
  std::vector<RgbView> views;
  for (const ByteImage& image : images) views.push_back(view_of(image));
  check(unlocked([&] { return self.predictor.set_images(views); }));
}

void set_float_images(Predictor& self, const std::vector<FloatImage>& images) {
  const InUse use(self.in_use);
  self.predictor.reset();
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

// Logits to 0 or 1, as f32, which the official code gives: where they are, which costs less than bytes made into
// floats.
void threshold(std::span<float> logits, float threshold, ThreadPool& pool) {
  constexpr size_t kPiece = size_t{1} << 17;
  pool.run(static_cast<int64_t>((logits.size() + kPiece - 1) / kPiece), [&](int64_t piece, int) {
    const size_t first = static_cast<size_t>(piece) * kPiece;
    for (float& logit : logits.subspan(first, std::min(kPiece, logits.size() - first)))
      logit = logit > threshold ? 1.0f : 0.0f;
  });
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
  options.return_logits = true;
  options.normalize_coords = normalize_coords;
  Prediction prediction = take(unlocked([&]() -> Result<Prediction> {
    SAMC_ASSIGN(Prediction found, self.predictor.predict(prompts, options, image));
    if (!return_logits) threshold(found.masks.f32(), self.mask_threshold, self.predictor.pool());
    return found;
  }));
  return {array_of(std::move(prediction.masks)), array_of(std::move(prediction.iou_predictions)),
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
