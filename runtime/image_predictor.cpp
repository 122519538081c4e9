#include "runtime/image_predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/guard.h"
#include "base/limits.h"
#include "base/memory_budget.h"
#include "package/model_names.h"
#include "runtime/finite.h"
#include "runtime/image_model.h"
#include "runtime/module_model.h"
#include "runtime/picture_check.h"
#include "runtime/postprocess.h"
#include "runtime/preprocess.h"
#include "runtime/prompt_points.h"

namespace samc {
namespace {

constexpr float kReturnedLogitLimit = 32.0f;
constexpr int64_t kMostResultBytes = int64_t{1} << 34;

const char* find_non_finite_part(const ImageEmbedding& embedding) {
  return find_non_finite({{kImageEmbed, &embedding.image_embed},
                          {kHighResFeats1, &embedding.high_res_feats_1},
                          {kHighResFeats0, &embedding.high_res_feats_0}});
}

}  // namespace

struct ImagePredictor::State {
  State(std::unique_ptr<ImageModel> model_in, const PredictorOptions& options_in)
      : model(std::move(model_in)), shapes(model->shapes()), options(options_in) {}

  std::unique_ptr<ImageModel> model;
  ImageModelShapes shapes;
  PredictorOptions options;
  std::vector<ImageEmbedding> embeddings;
  std::optional<size_t> prepared;  // the picture that the model is set to
  Tensor given_back;               // masks of an earlier result

  const ModelInfo& info() const { return model->info(); }
  float mask_threshold() const { return options.mask_threshold.value_or(info().mask_threshold); }

  Status check_embedding(const ImageEmbedding& embedding) const {
    const auto check = [](const Tensor& tensor, const Shape& expected, const char* name) {
      if (!tensor.empty() && tensor.dtype() == DType::kF32 && tensor.shape() == expected) return Status::ok();
      return invalid_input(fmt::format("embedding: {} is {} {}, f32 {} expected", name, dtype_name(tensor.dtype()),
                                       shape_to_string(tensor.shape()), shape_to_string(expected)),
                           "encode the image with this model");
    };
    SAMC_TRY(check(embedding.high_res_feats_0, shapes.high_res_feats_0, kHighResFeats0));
    SAMC_TRY(check(embedding.high_res_feats_1, shapes.high_res_feats_1, kHighResFeats1));
    SAMC_TRY(check(embedding.image_embed, shapes.image_embed, kImageEmbed));
    if (embedding.width < 1 || embedding.height < 1)
      return invalid_input(fmt::format("embedding: an image of {} x {} pixels", embedding.width, embedding.height));
    if (!is_image_size(embedding.width, embedding.height))
      return too_large("the image of the embedding", embedding.width, embedding.height);
    if (!embedding.encoder_id.empty() && !info().encoder_id.empty() && embedding.encoder_id != info().encoder_id)
      return invalid_input(fmt::format("embedding: made by another image encoder ({}) than that of {} ({})",
                                       embedding.encoder_id, info().name, info().encoder_id),
                           "use the model that made it, or encode the image with this one");
    if (options.allow_nonfinite) return Status::ok();
    if (const char* name = find_non_finite_part(embedding))
      return invalid_input(fmt::format("embedding: {} holds values that are not finite", name), kNonFiniteHint);
    return Status::ok();
  }

  // NaN in a picture would be reported as made by the encoder.
  Status check_finite(const RgbView&) const { return Status::ok(); }
  Status check_finite(const RgbFloatView& picture) const {
    for (int64_t y = 0; y < picture.height && !options.allow_nonfinite; ++y)
      if (first_non_finite({picture.row(y), static_cast<size_t>(3 * picture.width)}) != nullptr)
        return invalid_input(fmt::format("row {} of the image holds values that are not finite", y));
    return Status::ok();
  }

  template <class View>
  Result<ImageEmbedding> encode(const View& picture) {
    SAMC_TRY(check_picture(picture));
    SAMC_TRY(check_finite(picture));
    Tensor image({1, 3, shapes.size, shapes.size});
    preprocess_image(picture, shapes.size, info().pixel_mean, info().pixel_std, model->pool(), image.f32());
    ImageEmbedding embedding;
    embedding.width = picture.width;
    embedding.height = picture.height;
    embedding.encoder_id = info().encoder_id;
    SAMC_TRY(model->encode(image.view(), embedding));
    if (const char* name = options.allow_nonfinite ? nullptr : find_non_finite_part(embedding))
      return explain_non_finite(*model, name, [&] { return model->encode(image.view(), embedding); });
    if (options.spare_memory) model->release_memory();
    return embedding;
  }

  // Lets the model compute what follows from the picture, unless it is the one that it had last.
  Status prepare(size_t picture) {
    if (prepared == picture) return Status::ok();
    prepared.reset();
    SAMC_TRY(model->set_picture(embeddings[picture]));
    prepared = picture;
    return Status::ok();
  }

  Status set_embeddings(std::vector<ImageEmbedding> pictures) {
    prepared.reset();
    embeddings = std::move(pictures);
    Status status = prepare(0);
    if (!status.is_ok()) embeddings.clear();
    return status;
  }

  template <class View>
  Status set_pictures(std::span<const View> pictures) {
    embeddings.clear();
    return guarded([&]() -> Status {
      if (pictures.empty()) return invalid_input("no images", "give at least one");
      std::vector<ImageEmbedding> made;
      for (size_t index = 0; index < pictures.size(); ++index) {
        Result<ImageEmbedding> embedding = encode(pictures[index]);
        if (!embedding.is_ok())
          return pictures.size() == 1 ? embedding.status() : embedding.status().at(fmt::format("image {}", index));
        made.push_back(std::move(embedding).value());
      }
      return set_embeddings(std::move(made));
    });
  }

  Status check_mask_input(const TensorView& mask) const {
    if (mask.data == nullptr) return Status::ok();
    const Shape expected = {1, 1, shapes.low_height, shapes.low_width};
    const size_t rank = mask.shape.size();
    if (mask.dtype == DType::kF32 && rank >= 2 && rank <= 4 &&
        std::equal(mask.shape.begin(), mask.shape.end(), expected.end() - static_cast<int64_t>(rank))) {
      if (options.allow_nonfinite || is_finite(mask)) return Status::ok();
      return invalid_input("the mask input holds values that are not finite", kNonFiniteHint);
    }
    return invalid_input(fmt::format("the mask input is {} {}, f32 (1, {}, {}) expected", dtype_name(mask.dtype),
                                     shape_to_string(mask.shape), shapes.low_height, shapes.low_width),
                         "give one of the low-res logits of an earlier call");
  }

  Status check(const ObjectPrompt& prompt, const PredictOptions& wanted) const {
    if (!wanted.multimask_output && !shapes.single_mask)
      return unsupported("one mask for each prompt: this decoder has the three of different extents only",
                         "ask for three masks and take the one of the highest score");
    const int64_t points = static_cast<int64_t>(prompt.points.size()) + (prompt.box.has_value() ? 2 : 0);
    return model->check_points(points == 0 ? 0 : points + 1);
  }

  Result<PromptInputs> inputs_of(const ObjectPrompt& prompt, const ImageEmbedding& embedding,
                                 bool normalize_coords) const {
    SAMC_ASSIGN(DecoderPoints points,
                decoder_points(prompt, embedding.width, embedding.height, shapes.size, normalize_coords));
    SAMC_TRY(check_mask_input(prompt.mask_input));
    return PromptInputs{std::move(points), prompt.mask_input};
  }

  static const char* find_non_finite_output(const DecoderOutputs& decoded) {
    return find_non_finite({{kLowResLogits, &decoded.low_res_logits}, {kIouPredictions, &decoded.iou_predictions}});
  }

  // The error of a prompt whose output of this name is not finite.
  Status explain(const char* name, const PromptInputs& inputs, const ImageEmbedding& embedding) {
    DecoderOutputs decoded;
    return explain_non_finite(*model, name, [&]() -> Status {
      prepared.reset();
      model->forget_picture();
      SAMC_TRY(model->set_picture(embedding));
      return model->decode(embedding, inputs.points, inputs.mask, decoded);
    });
  }

  // The first mask to return, of as many as the request wants.
  int64_t first_mask(const DecoderOutputs& decoded, bool multimask) const {
    if (multimask) return shapes.single_mask ? 1 : 0;
    if (!info().dynamic_multimask_via_stability) return 0;
    return choose_single_mask(decoded.low_res_logits.f32(), decoded.iou_predictions.f32(), info().stability_delta,
                              info().stability_threshold);
  }

  // In the memory that was given back where that fits.
  Result<Tensor> new_masks(const ImageEmbedding& embedding, DType dtype, int64_t prompts, int64_t of_each) {
    Tensor masks = std::exchange(given_back, Tensor());
    Shape shape = {prompts, of_each, embedding.height, embedding.width};
    if (!masks.empty() && masks.dtype() == dtype && masks.shape() == shape) return masks;
    masks = Tensor();  // before the new one is there
    SAMC_TRY(check_result_size(embedding, dtype, prompts * of_each));
    return Tensor(dtype, std::move(shape));
  }

  // All masks from their logits, which are changed on the way: regions are filled, and what is returned is clamped.
  void finish_masks(const ImageEmbedding& embedding, bool as_logits, Prediction& result) {
    const std::span<float> logits = result.low_res_logits.f32();
    const int64_t height = embedding.height, width = embedding.width;
    const auto enlarge = [&](std::span<const float> low, size_t first, size_t count) {
      const auto to = [&]<class Pixel>(std::span<Pixel> all) {
        return all.subspan(first * static_cast<size_t>(height * width), count * static_cast<size_t>(height * width));
      };
      if (as_logits) {
        upscale_logits(low, shapes.low_height, shapes.low_width, height, width, model->pool(), to(result.masks.f32()));
      } else if (result.masks.dtype() == DType::kF32) {
        upscale_mask(low, shapes.low_height, shapes.low_width, height, width, mask_threshold(), model->pool(),
                     to(result.masks.f32()));
      } else {
        upscale_mask(low, shapes.low_height, shapes.low_width, height, width, mask_threshold(), model->pool(),
                     to(result.masks.as<uint8_t>()));
      }
    };
    const auto low_pixels = static_cast<size_t>(shapes.low_height * shapes.low_width);
    const size_t masks = logits.size() / low_pixels;
    if (options.max_hole_area > 0 || options.max_sprinkle_area > 0) {
      std::vector<float> filled;
      for (size_t mask = 0; mask < masks; ++mask) {
        const std::span<const float> one = logits.subspan(mask * low_pixels, low_pixels);
        filled.assign(one.begin(), one.end());
        fill_small_regions(filled, shapes.low_height, shapes.low_width, mask_threshold(), options.max_hole_area,
                           options.max_sprinkle_area);
        enlarge(filled, mask, 1);
      }
    } else {
      enlarge(logits, 0, masks);
    }
    for (float& logit : logits) logit = std::clamp(logit, -kReturnedLogitLimit, kReturnedLogitLimit);
  }

  static Status check_result_size(const ImageEmbedding& embedding, DType dtype, int64_t masks) {
    const int64_t pixel_bytes = dtype_size(dtype);
    if (embedding.width > kMostResultBytes / embedding.height ||
        embedding.width * embedding.height * pixel_bytes > kMostResultBytes / masks)
      return invalid_input(fmt::format("{} masks of {} x {} pixels take more than {} GB", masks, embedding.width,
                                       embedding.height, kMostResultBytes >> 30),
                           "give fewer prompts at once");
    return check_memory(
        masks * embedding.height * embedding.width * pixel_bytes,
        fmt::format("the result, {} masks of {} x {} pixels,", masks, embedding.width, embedding.height));
  }

  Result<Prediction> predict(std::span<const ObjectPrompt> prompts, const PredictOptions& wanted, size_t picture) {
    if (embeddings.empty()) return invalid_input("no image is set", "call set_image first");
    if (picture >= embeddings.size())
      return invalid_input(fmt::format("image {} of {}", picture, embeddings.size()), "they are counted from 0");
    if (prompts.empty()) return invalid_input("no prompts", "give at least one; it may be empty");
    const ImageEmbedding& embedding = embeddings[picture];
    const auto count = static_cast<int64_t>(prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i)
      if (Status status = check(prompts[i], wanted); !status.is_ok())
        return prompts.size() == 1 ? status : status.at(fmt::format("prompt {}", i));
    const int64_t masks = !wanted.multimask_output ? 1 : shapes.masks - (shapes.single_mask ? 1 : 0);
    const DType dtype = wanted.return_logits || wanted.masks_as_f32 ? DType::kF32 : DType::kU8;
    Prediction result;
    if (!wanted.low_res_only) {
      SAMC_ASSIGN(result.masks, new_masks(embedding, dtype, count, masks));
    }
    result.iou_predictions = Tensor({count, masks});
    result.low_res_logits = Tensor({count, masks, shapes.low_height, shapes.low_width});
    std::vector<PromptInputs> inputs;
    std::function<bool(std::span<const float>)> wants_logits;
    if (wanted.least_iou.has_value() && wanted.low_res_only && wanted.multimask_output)
      wants_logits = [&](std::span<const float> ious) {
        // What is not finite is to be found, and told of.
        return std::ranges::any_of(ious.subspan(shapes.single_mask ? 1 : 0),
                                   [&](float iou) { return !std::isfinite(iou) || iou > *wanted.least_iou; });
      };
    const auto place = [&](size_t prompt, const Status& status) {
      return count == 1 ? status : status.at(fmt::format("prompt {}", prompt));
    };
    for (size_t prompt = 0; prompt < prompts.size(); ++prompt) {
      Result<PromptInputs> given = inputs_of(prompts[prompt], embedding, wanted.normalize_coords);
      if (!given.is_ok()) return place(prompt, given.status());
      inputs.push_back(std::move(given).value());
      if (wants_logits) inputs.back().wants_logits = wants_logits;
    }
    SAMC_TRY(prepare(picture));
    const auto low_pixels = static_cast<size_t>(shapes.low_height * shapes.low_width);
    const auto of_each = static_cast<size_t>(masks);
    std::vector<const char*> non_finite(prompts.size(), nullptr);
    const Status status = model->decode_all(embedding, inputs, [&](size_t prompt, const DecoderOutputs& decoded) {
      const bool has_logits = !wants_logits || wants_logits(decoded.iou_predictions.f32());
      if (!options.allow_nonfinite && has_logits) non_finite[prompt] = find_non_finite_output(decoded);
      const auto first = static_cast<size_t>(first_mask(decoded, wanted.multimask_output));
      const std::span<float> logits = result.low_res_logits.f32().subspan(prompt * of_each * low_pixels);
      if (has_logits) {
        std::ranges::copy(decoded.low_res_logits.f32().subspan(first * low_pixels, of_each * low_pixels),
                          logits.begin());
      } else {
        std::ranges::fill(logits.first(of_each * low_pixels), 0.0f);
      }
      std::ranges::copy(decoded.iou_predictions.f32().subspan(first, of_each),
                        result.iou_predictions.f32().subspan(prompt * of_each).begin());
    });
    SAMC_TRY(status);
    for (size_t prompt = 0; prompt < prompts.size(); ++prompt)
      if (non_finite[prompt] != nullptr) return place(prompt, explain(non_finite[prompt], inputs[prompt], embedding));
    if (!wanted.low_res_only) finish_masks(embedding, wanted.return_logits, result);
    return result;
  }
};

ImagePredictor::ImagePredictor(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImagePredictor::ImagePredictor(ImagePredictor&&) noexcept = default;
ImagePredictor& ImagePredictor::operator=(ImagePredictor&&) noexcept = default;
ImagePredictor::~ImagePredictor() = default;

Result<ImagePredictor> ImagePredictor::create(std::shared_ptr<const Module> module, const PredictorOptions& options) {
  return guarded([&]() -> Result<ImagePredictor> {
    if (module == nullptr) return invalid_input("no module");
    SAMC_ASSIGN(std::unique_ptr<ImageModel> model, make_module_model(std::move(module), options.threads));
    return create(std::move(model), options);
  });
}

Result<ImagePredictor> ImagePredictor::create(std::unique_ptr<ImageModel> model, const PredictorOptions& options) {
  return guarded([&]() -> Result<ImagePredictor> {
    if (model == nullptr) return invalid_input("no model");
    if (std::isnan(options.max_hole_area) || std::isnan(options.max_sprinkle_area) ||
        !std::isfinite(options.mask_threshold.value_or(0.0f)))
      return invalid_input("an area or the threshold is not a number");
    return ImagePredictor(std::make_unique<State>(std::move(model), options));
  });
}

Status ImagePredictor::set_images(std::span<const RgbView> pictures) { return state_->set_pictures(pictures); }
Status ImagePredictor::set_images(std::span<const RgbFloatView> pictures) { return state_->set_pictures(pictures); }
Status ImagePredictor::set_image(const RgbView& picture) { return set_images(std::span(&picture, 1)); }

Status ImagePredictor::set_embedding(ImageEmbedding embedding) {
  state_->embeddings.clear();
  return guarded([&]() -> Status {
    SAMC_TRY(state_->check_embedding(embedding));
    std::vector<ImageEmbedding> embeddings;
    embeddings.push_back(std::move(embedding));
    return state_->set_embeddings(std::move(embeddings));
  });
}

Status ImagePredictor::check(const ObjectPrompt& prompt, const PredictOptions& options) const {
  return guarded([&] { return state_->check(prompt, options); });
}

size_t ImagePredictor::pictures() const { return state_->embeddings.size(); }

Result<const ImageEmbedding*> ImagePredictor::embedding(size_t picture) const {
  return guarded([&]() -> Result<const ImageEmbedding*> {
    if (picture >= state_->embeddings.size()) return invalid_input("no such image is set", "call set_image first");
    return &state_->embeddings[picture];
  });
}

Result<Prediction> ImagePredictor::predict(std::span<const ObjectPrompt> prompts, const PredictOptions& options,
                                           size_t picture) {
  return guarded([&] { return state_->predict(prompts, options, picture); });
}

Result<std::vector<Prediction>> ImagePredictor::predict_batch(std::span<const std::vector<ObjectPrompt>> prompts,
                                                              const PredictOptions& options) {
  return guarded([&]() -> Result<std::vector<Prediction>> {
    if (prompts.size() != pictures())
      return invalid_input(fmt::format("{} lists of prompts for {} images", prompts.size(), pictures()));
    std::vector<Prediction> results;
    for (size_t picture = 0; picture < prompts.size(); ++picture) {
      Result<Prediction> result = state_->predict(prompts[picture], options, picture);
      if (!result.is_ok()) return result.status().at(fmt::format("image {}", picture));
      results.push_back(std::move(result).value());
    }
    return results;
  });
}

void ImagePredictor::reuse(Tensor masks) {
  if (masks.bytes() <= kMostReusedBytes) state_->given_back = std::move(masks);
}

void ImagePredictor::reset() {
  state_->embeddings.clear();
  state_->prepared.reset();
  state_->model->forget_picture();
}
const ModelInfo& ImagePredictor::info() const { return state_->info(); }
ThreadPool& ImagePredictor::pool() { return state_->model->pool(); }
void ImagePredictor::observe(OperationObserver observer) { state_->model->observe(std::move(observer)); }
size_t ImagePredictor::working_bytes() const {
  return state_->model->working_bytes() +
         static_cast<size_t>(state_->given_back.empty() ? 0 : state_->given_back.bytes());
}

}  // namespace samc
