#include "runtime/image_predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

#include "runtime/postprocess.h"
#include "runtime/preprocess.h"
#include "runtime/prompt_decoder.h"
#include "runtime/prompt_points.h"

namespace samc {
namespace {

constexpr float kReturnedLogitLimit = 32.0f;
constexpr int64_t kMostResultBytes = int64_t{1} << 34;

// Shapes that the functions of a module have; the names are the contract with model/.
struct Contract {
  Shape high_res_feats_0;
  Shape high_res_feats_1;
  Shape image_embed;
  Shape dense_embed;
  int64_t size = 0;        // of the picture that the encoder takes
  int64_t masks = 0;       // of the decoder, the single-mask one first
  int64_t low_height = 0;  // of the low-res logits
  int64_t low_width = 0;
};

class ContractReader {
 public:
  explicit ContractReader(const Module& module) : module_(module) {}

  Result<Contract> read() {
    Contract contract;
    contract.size = module_.info().image_size;
    const int64_t size = contract.size;
    expect("image_encoder", "image", Place::kInput, {1, 3, size, size});
    contract.high_res_feats_0 = shape("image_encoder", "high_res_feats_0", Place::kOutput, 4);
    contract.high_res_feats_1 = shape("image_encoder", "high_res_feats_1", Place::kOutput, 4);
    contract.image_embed = shape("image_encoder", "image_embed", Place::kOutput, 4);
    contract.dense_embed = shape("no_mask", "dense_embed", Place::kOutput, 4);
    const Shape low_res = shape("mask_decoder", "low_res_logits", Place::kOutput, 4);
    if (!status_.is_ok()) return status_;
    contract.masks = low_res[1];
    contract.low_height = low_res[2];
    contract.low_width = low_res[3];
    if (low_res[0] != 1 || contract.masks < 2 || contract.low_height < 1 || contract.low_width < 1)
      return invalid_input(fmt::format("mask_decoder gives low_res_logits {}", shape_to_string(low_res)));
    expect("mask_encoder", "mask_input", Place::kInput, {1, 1, contract.low_height, contract.low_width});
    expect("mask_encoder", "dense_embed", Place::kOutput, contract.dense_embed);
    expect("mask_decoder", "image_embed", Place::kInput, contract.image_embed);
    expect("mask_decoder", "high_res_feats_0", Place::kInput, contract.high_res_feats_0);
    expect("mask_decoder", "high_res_feats_1", Place::kInput, contract.high_res_feats_1);
    expect("mask_decoder", "dense_embed", Place::kInput, contract.dense_embed);
    expect("mask_decoder", "iou_predictions", Place::kOutput, {1, contract.masks});
    if (!status_.is_ok()) return status_;
    return contract;
  }

 private:
  // Empty, and status_ set, when there is no such value or its shape depends on the number of points.
  Shape shape(const char* function_name, const char* value_name, Place place, size_t rank) {
    const PlanFunction* function = module_.plan().find(function_name);
    const Value* found = nullptr;
    if (function != nullptr)
      for (const Value& value : function->values)
        if (value.place == place && value.name == value_name) found = &value;
    const bool fixed =
        found != nullptr && found->shape.size() == rank && found->dtype == DType::kF32 &&
        std::all_of(found->shape.begin(), found->shape.end(), [](const Extent& extent) { return extent.step == 0; });
    if (fixed) return found->shape_at(0);
    if (status_.is_ok())
      status_ = invalid_input(fmt::format("module {} has no {} of {} as an image model has", module_.info().name,
                                          value_name, function_name),
                              "it was made for another purpose or by another version of samc");
    return {};
  }

  void expect(const char* function_name, const char* value_name, Place place, const Shape& expected) {
    const Shape found = shape(function_name, value_name, place, expected.size());
    if (status_.is_ok() && found != expected)
      status_ = invalid_input(fmt::format("{} of {} is {}, {} expected", value_name, function_name,
                                          shape_to_string(found), shape_to_string(expected)));
  }

  const Module& module_;
  Status status_;
};

Status check_picture(const RgbView& picture) {
  if (picture.pixels == nullptr || picture.width < 1 || picture.height < 1 || picture.stride < 3 * picture.width)
    return invalid_input(fmt::format("a picture of {} x {} pixels with rows of {} bytes", picture.width, picture.height,
                                     picture.stride));
  return Status::ok();
}

// Memory can run out in a container or a std::function; at this border that is an error like others.
template <class Body>
auto without_exceptions(const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return io_error(fmt::format("out of memory or threads: {}", error.what()));
  }
}

}  // namespace

struct ImagePredictor::State {
  State(Executor executor_in, PromptDecoder decoder_in, Contract contract_in, const PredictorOptions& options_in)
      : executor(std::move(executor_in)),
        decoder(std::move(decoder_in)),
        contract(std::move(contract_in)),
        options(options_in) {}

  Executor executor;
  PromptDecoder decoder;
  Contract contract;
  PredictorOptions options;
  std::vector<ImageEmbedding> embeddings;
  std::optional<size_t> prepared;  // the picture that the decoder is set to
  // Of the prompt at hand, kept to spare their allocation.
  Tensor low_res;
  Tensor iou;

  const ModelInfo& info() const { return executor.module().info(); }
  float mask_threshold() const { return options.mask_threshold.value_or(info().mask_threshold); }

  Status check_embedding(const ImageEmbedding& embedding) const {
    const auto check = [](const Tensor& tensor, const Shape& expected, const char* name) {
      if (!tensor.empty() && tensor.dtype() == DType::kF32 && tensor.shape() == expected) return Status::ok();
      return invalid_input(fmt::format("embedding: {} is {} {}, f32 {} expected", name, dtype_name(tensor.dtype()),
                                       shape_to_string(tensor.shape()), shape_to_string(expected)),
                           "encode the picture with this model");
    };
    SAMC_TRY(check(embedding.high_res_feats_0, contract.high_res_feats_0, "high_res_feats_0"));
    SAMC_TRY(check(embedding.high_res_feats_1, contract.high_res_feats_1, "high_res_feats_1"));
    SAMC_TRY(check(embedding.image_embed, contract.image_embed, "image_embed"));
    if (embedding.width < 1 || embedding.height < 1)
      return invalid_input(fmt::format("embedding: a picture of {} x {} pixels", embedding.width, embedding.height));
    return Status::ok();
  }

  Result<ImageEmbedding> encode(const RgbView& picture) {
    SAMC_TRY(check_picture(picture));
    Tensor image({1, 3, contract.size, contract.size});
    preprocess_image(picture, contract.size, info().pixel_mean, info().pixel_std, executor.pool(), image.f32());
    ImageEmbedding embedding;
    embedding.width = picture.width;
    embedding.height = picture.height;
    const std::array<NamedInput, 1> inputs = {{{"image", image.view()}}};
    const std::array<NamedOutput, 3> outputs = {{{"high_res_feats_0", &embedding.high_res_feats_0},
                                                 {"high_res_feats_1", &embedding.high_res_feats_1},
                                                 {"image_embed", &embedding.image_embed}}};
    SAMC_TRY(executor.run("image_encoder", 0, inputs, outputs));
    return embedding;
  }

  // As the decoder takes it; without data when the prompt has none.
  Result<TensorView> check_mask(const TensorView& mask) const {
    if (mask.data == nullptr) return TensorView{};
    TensorView input = mask;
    input.shape = {1, 1, contract.low_height, contract.low_width};
    const size_t rank = mask.shape.size();
    if (mask.dtype != DType::kF32 || rank < 2 || rank > 4 ||
        !std::equal(mask.shape.begin(), mask.shape.end(), input.shape.end() - static_cast<int64_t>(rank)))
      return invalid_input(fmt::format("the mask input is {} {}, f32 (1, {}, {}) expected", dtype_name(mask.dtype),
                                       shape_to_string(mask.shape), contract.low_height, contract.low_width),
                           "give one of the low-res logits of an earlier call");
    return input;
  }

  // Lets the decoder compute what follows from the picture, unless it is the one that it had last.
  Status prepare(size_t picture) {
    if (prepared == picture) return Status::ok();
    prepared.reset();
    SAMC_TRY(decoder.set_picture(executor, embeddings[picture]));
    prepared = picture;
    return Status::ok();
  }

  Status set_embeddings(std::vector<ImageEmbedding> pictures) {
    prepared.reset();
    embeddings = std::move(pictures);
    const Status status = prepare(0);
    if (!status.is_ok()) embeddings.clear();
    return status;
  }

  // Fills low_res (1, masks, low, low) and iou (1, masks).
  Status decode(const ObjectPrompt& prompt, const ImageEmbedding& embedding, bool normalize_coords) {
    SAMC_ASSIGN(const DecoderPoints points,
                decoder_points(prompt, embedding.width, embedding.height, contract.size, normalize_coords));
    SAMC_ASSIGN(const TensorView mask, check_mask(prompt.mask_input));
    return decoder.decode(executor, embedding, points, mask, low_res, iou);
  }

  // The first mask to return, of as many as the request wants.
  int64_t first_mask(bool multimask) const {
    if (multimask) return 1;
    if (!info().dynamic_multimask_via_stability) return 0;
    return choose_single_mask(low_res.f32(), iou.f32(), info().stability_delta, info().stability_threshold);
  }

  // One mask from its logits, which are changed on the way: regions are filled, and what is returned is clamped.
  void finish_mask(std::span<float> logits, const ImageEmbedding& embedding, Tensor& masks, int64_t index) {
    std::vector<float> filled;
    std::span<const float> upscaled = logits;
    if (options.max_hole_area > 0 || options.max_sprinkle_area > 0) {
      filled.assign(logits.begin(), logits.end());
      fill_small_regions(filled, contract.low_height, contract.low_width, mask_threshold(), options.max_hole_area,
                         options.max_sprinkle_area);
      upscaled = filled;
    }
    const auto pixels = static_cast<size_t>(embedding.width * embedding.height);
    const size_t first = static_cast<size_t>(index) * pixels;
    if (masks.dtype() == DType::kF32) {
      upscale_logits(upscaled, contract.low_height, contract.low_width, embedding.height, embedding.width,
                     executor.pool(), masks.f32().subspan(first, pixels));
    } else {
      upscale_mask(upscaled, contract.low_height, contract.low_width, embedding.height, embedding.width,
                   mask_threshold(), executor.pool(), masks.as<uint8_t>().subspan(first, pixels));
    }
    for (float& logit : logits) logit = std::clamp(logit, -kReturnedLogitLimit, kReturnedLogitLimit);
  }

  Result<Prediction> predict(std::span<const ObjectPrompt> prompts, const PredictOptions& wanted, size_t picture) {
    if (embeddings.empty()) return invalid_input("no picture is set", "call set_image first");
    if (picture >= embeddings.size())
      return invalid_input(fmt::format("picture {} of {}", picture, embeddings.size()), "they are counted from 0");
    if (prompts.empty()) return invalid_input("no prompts", "an ObjectPrompt may be empty, the list may not");
    const ImageEmbedding& embedding = embeddings[picture];
    const auto count = static_cast<int64_t>(prompts.size());
    const int64_t masks = wanted.multimask_output ? contract.masks - 1 : 1;
    const DType dtype = wanted.return_logits ? DType::kF32 : DType::kU8;
    if (embedding.width > kMostResultBytes / embedding.height ||
        embedding.width * embedding.height * dtype_size(dtype) > kMostResultBytes / masks / count)
      return invalid_input(fmt::format("{} masks of {} x {} pixels take more than {} GB", masks * count,
                                       embedding.width, embedding.height, kMostResultBytes >> 30),
                           "give fewer prompts at once");
    Prediction result;
    result.masks = Tensor(dtype, {count, masks, embedding.height, embedding.width});
    result.iou_predictions = Tensor({count, masks});
    result.low_res_logits = Tensor({count, masks, contract.low_height, contract.low_width});
    SAMC_TRY(prepare(picture));
    const auto low_pixels = static_cast<size_t>(contract.low_height * contract.low_width);
    for (int64_t prompt = 0; prompt < count; ++prompt) {
      Status status = decode(prompts[static_cast<size_t>(prompt)], embedding, wanted.normalize_coords);
      if (!status.is_ok()) return count == 1 ? status : status.at(fmt::format("prompt {}", prompt));
      const int64_t first = first_mask(wanted.multimask_output);
      for (int64_t mask = 0; mask < masks; ++mask) {
        const auto source = static_cast<size_t>(first + mask);
        const int64_t target = prompt * masks + mask;
        const auto logits = result.low_res_logits.f32().subspan(static_cast<size_t>(target) * low_pixels, low_pixels);
        const auto decoded = low_res.f32().subspan(source * low_pixels, low_pixels);
        std::copy(decoded.begin(), decoded.end(), logits.begin());
        result.iou_predictions.f32()[static_cast<size_t>(target)] = iou.f32()[source];
        finish_mask(logits, embedding, result.masks, target);
      }
    }
    return result;
  }
};

ImagePredictor::ImagePredictor(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImagePredictor::ImagePredictor(ImagePredictor&&) noexcept = default;
ImagePredictor& ImagePredictor::operator=(ImagePredictor&&) noexcept = default;
ImagePredictor::~ImagePredictor() = default;

Result<ImagePredictor> ImagePredictor::create(std::shared_ptr<const Module> module, const PredictorOptions& options) {
  return without_exceptions([&]() -> Result<ImagePredictor> {
    if (module == nullptr) return invalid_input("no module");
    if (std::isnan(options.max_hole_area) || std::isnan(options.max_sprinkle_area) ||
        !std::isfinite(options.mask_threshold.value_or(0.0f)))
      return invalid_input("an area or the threshold is not a number");
    SAMC_ASSIGN(Contract contract, ContractReader(*module).read());
    SAMC_ASSIGN(PromptDecoder decoder, PromptDecoder::create(*module));
    SAMC_ASSIGN(Executor executor, Executor::create(std::move(module), options.threads));
    return ImagePredictor(
        std::make_unique<State>(std::move(executor), std::move(decoder), std::move(contract), options));
  });
}

Status ImagePredictor::set_image(const RgbView& picture) { return set_images(std::span(&picture, 1)); }

Status ImagePredictor::set_images(std::span<const RgbView> pictures) {
  state_->embeddings.clear();
  return without_exceptions([&]() -> Status {
    if (pictures.empty()) return invalid_input("no pictures");
    std::vector<ImageEmbedding> embeddings;
    for (size_t index = 0; index < pictures.size(); ++index) {
      Result<ImageEmbedding> embedding = state_->encode(pictures[index]);
      if (!embedding.is_ok())
        return pictures.size() == 1 ? embedding.status() : embedding.status().at(fmt::format("picture {}", index));
      embeddings.push_back(std::move(embedding).value());
    }
    return state_->set_embeddings(std::move(embeddings));
  });
}

Status ImagePredictor::set_embedding(ImageEmbedding embedding) {
  state_->embeddings.clear();
  return without_exceptions([&]() -> Status {
    SAMC_TRY(state_->check_embedding(embedding));
    std::vector<ImageEmbedding> embeddings;
    embeddings.push_back(std::move(embedding));
    return state_->set_embeddings(std::move(embeddings));
  });
}

size_t ImagePredictor::pictures() const { return state_->embeddings.size(); }

Result<const ImageEmbedding*> ImagePredictor::embedding(size_t picture) const {
  if (picture >= state_->embeddings.size()) return invalid_input("no such picture is set", "call set_image first");
  return &state_->embeddings[picture];
}

Result<Prediction> ImagePredictor::predict(std::span<const ObjectPrompt> prompts, const PredictOptions& options,
                                           size_t picture) {
  return without_exceptions([&] { return state_->predict(prompts, options, picture); });
}

Result<std::vector<Prediction>> ImagePredictor::predict_batch(std::span<const std::vector<ObjectPrompt>> prompts,
                                                              const PredictOptions& options) {
  return without_exceptions([&]() -> Result<std::vector<Prediction>> {
    if (prompts.size() != pictures())
      return invalid_input(fmt::format("{} lists of prompts for {} pictures", prompts.size(), pictures()));
    std::vector<Prediction> results;
    for (size_t picture = 0; picture < prompts.size(); ++picture) {
      Result<Prediction> result = state_->predict(prompts[picture], options, picture);
      if (!result.is_ok()) return result.status().at(fmt::format("picture {}", picture));
      results.push_back(std::move(result).value());
    }
    return results;
  });
}

void ImagePredictor::reset() {
  state_->embeddings.clear();
  state_->prepared.reset();
  state_->decoder.forget_picture();
}
const Module& ImagePredictor::module() const { return state_->executor.module(); }
void ImagePredictor::observe(OperationObserver observer) { state_->executor.observe(std::move(observer)); }
size_t ImagePredictor::working_bytes() const {
  return state_->executor.arena_bytes() + state_->executor.scratch_bytes() + state_->decoder.bytes();
}

}  // namespace samc
