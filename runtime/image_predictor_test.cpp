// The predictor's logic on a module small enough to compute by hand.

#include "runtime/image_predictor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "base/limits.h"
#include "base/memory_budget.h"
#include "package/plan.h"
#include "runtime/testing_models.h"

namespace samc {
namespace {

constexpr int64_t kLow = kTinyModelLow;

ImagePredictor predictor_of(const PlanModule& model, PredictorOptions options = {}) {
  options.threads = 1;
  return ImagePredictor::create(Module::from_plan(model).value(), options).value();
}

// Four masks of constant logits, by the numbers given, and their IoU scores.
ImageEmbedding embedding_of(const std::vector<float>& logits, const std::vector<float>& scores, int64_t width = 8,
                            int64_t height = 6) {
  ImageEmbedding embedding;
  embedding.width = width;
  embedding.height = height;
  embedding.high_res_feats_0 = Tensor::zeros({1, 1, 1, 1});
  embedding.high_res_feats_1 = Tensor({1, 1, 1, 4});
  std::copy(scores.begin(), scores.end(), embedding.high_res_feats_1.f32().begin());
  embedding.image_embed = Tensor({1, 4, kLow, kLow});
  for (size_t index = 0; index < 64; ++index) embedding.image_embed.f32()[index] = logits[index / 16];
  return embedding;
}

PredictOptions single() {
  PredictOptions options;
  options.multimask_output = false;
  return options;
}

TEST(ImagePredictor, ThreeMasksOrTheSingleOne) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({1, 2, -3, 4}, {.1f, .2f, .3f, .4f})).is_ok());
  const Prediction three = predictor.predict(ObjectPrompt{}).value();
  EXPECT_EQ(three.masks.shape(), (Shape{1, 3, 6, 8}));
  EXPECT_EQ(three.masks.dtype(), DType::kU8);
  EXPECT_EQ(three.low_res_logits.shape(), (Shape{1, 3, kLow, kLow}));
  EXPECT_EQ(three.iou_predictions.f32()[2], .4f);
  EXPECT_EQ(three.low_res_logits.f32()[0], 2.25f);
  EXPECT_EQ(three.masks.as<uint8_t>()[0], 1);
  EXPECT_EQ(three.masks.as<uint8_t>()[48], 0);

  const Prediction one = predictor.predict(ObjectPrompt{}, single()).value();
  EXPECT_EQ(one.masks.shape(), (Shape{1, 1, 6, 8}));
  EXPECT_EQ(one.low_res_logits.f32()[0], 1.25f);
  EXPECT_EQ(one.iou_predictions.f32()[0], .1f);
}

TEST(ImagePredictor, MasksOfNoQualityAreNotMade) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({1, 2, -3, 4}, {.9f, .2f, .3f, .4f})).is_ok());
  const auto logits_at = [&](std::optional<float> least, bool multimask = true) {
    const PredictOptions wanted{.multimask_output = multimask, .low_res_only = true, .least_iou = least};
    const Prediction result = predictor.predict(ObjectPrompt{}, wanted).value();
    EXPECT_EQ(result.iou_predictions.f32()[0], multimask ? .2f : .9f);
    return result.low_res_logits.f32()[0];
  };
  EXPECT_EQ(logits_at({}), 2.25f);
  EXPECT_EQ(logits_at(.39f), 2.25f) << "one of the three is good";
  EXPECT_EQ(logits_at(.4f), 0.0f) << "the single mask is not among them";
  EXPECT_EQ(logits_at(.95f, false), 1.25f) << "which mask is the single one follows from the logits";
}

TEST(ImagePredictor, AnUnstableSingleMaskGivesWayToTheBestOther) {
  const auto shaky = [] { return embedding_of({-0.25f, 2, -3, 4}, {.9f, .2f, .5f, .4f}); };
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(shaky()).is_ok());
  const Prediction fallen_back = predictor.predict(ObjectPrompt{}, single()).value();
  EXPECT_EQ(fallen_back.iou_predictions.f32()[0], .5f);
  EXPECT_EQ(fallen_back.low_res_logits.f32()[0], -2.75f);

  PlanModule without = tiny_model();
  without.info.dynamic_multimask_via_stability = false;
  ImagePredictor plain = predictor_of(without);
  ASSERT_TRUE(plain.set_embedding(shaky()).is_ok());
  EXPECT_EQ(plain.predict(ObjectPrompt{}, single()).value().iou_predictions.f32()[0], .9f);
}

TEST(ImagePredictor, LowResLogitsAreClampedOnlyWhereReturned) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 100, -100, 31}, {0, 0, 0, 0})).is_ok());
  PredictOptions logits;
  logits.return_logits = true;
  const Prediction result = predictor.predict(ObjectPrompt{}, logits).value();
  EXPECT_EQ(result.masks.dtype(), DType::kF32);
  EXPECT_EQ(result.low_res_logits.f32()[0], 32.0f);
  EXPECT_EQ(result.low_res_logits.f32()[16], -32.0f);
  EXPECT_EQ(result.low_res_logits.f32()[32], 31.25f);
  EXPECT_EQ(result.masks.f32()[0], 100.25f);
  EXPECT_EQ(result.masks.f32()[48], -99.75f);
}

TEST(ImagePredictor, MasksAsNumbersAreThoseAsBytes) {
  for (const double hole : {0.0, 3.0}) {  // with regions filled, masks are made one by one
    PredictorOptions filling;
    filling.max_hole_area = hole;
    ImagePredictor predictor = predictor_of(tiny_model(), filling);
    ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 100, -100, 31}, {0, 0, 0, 0})).is_ok());
    std::vector<ObjectPrompt> prompts(2);
    prompts[1].points = {{4, 3, 1}};
    const Prediction bytes = predictor.predict(prompts).value();
    const Prediction numbers = predictor.predict(prompts, {.masks_as_f32 = true}).value();
    ASSERT_EQ(numbers.masks.dtype(), DType::kF32);
    ASSERT_EQ(numbers.masks.shape(), (Shape{2, 3, 6, 8}));
    EXPECT_TRUE(std::ranges::equal(bytes.masks.as<uint8_t>(), numbers.masks.f32(),
                                   [](uint8_t a, float b) { return static_cast<float>(a) == b; }));
    EXPECT_EQ(numbers.masks.f32()[0], 1.0f);
    EXPECT_EQ(numbers.masks.f32()[48], 0.0f);
  }
}

TEST(ImagePredictor, MasksGivenBackAreWrittenAgain) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 100, -100, 31}, {0, 0, 0, 0})).is_ok());
  Prediction first = predictor.predict(ObjectPrompt{}).value();
  const Tensor expected = Tensor::copy_of(first.masks.view());
  const void* memory = first.masks.data();
  std::ranges::fill(first.masks.as<uint8_t>(), uint8_t{7});
  const size_t before = predictor.working_bytes();
  predictor.reuse(std::move(first.masks));
  EXPECT_EQ(predictor.working_bytes(), before + 3 * 6 * 8);
  // Of another size, or as logits: not into these.
  const Prediction second = predictor.predict(ObjectPrompt{}).value();
  EXPECT_EQ(second.masks.data(), memory);
  EXPECT_TRUE(std::ranges::equal(second.masks.as<uint8_t>(), expected.as<uint8_t>()));
  predictor.reuse(Tensor(DType::kU8, {1, 1, 6, 8}));
  EXPECT_EQ(predictor.predict(ObjectPrompt{}).value().masks.shape(), (Shape{1, 3, 6, 8}));
  predictor.reuse(Tensor(DType::kU8, {1, 3, 6, 8}));
  EXPECT_EQ(predictor.predict(ObjectPrompt{}, {.masks_as_f32 = true}).value().masks.f32()[0], 1.0f);
  predictor.reuse(Tensor());
  EXPECT_EQ(predictor.predict(ObjectPrompt{}).value().masks.count(), 3 * 6 * 8);
}

TEST(ImagePredictor, PointsBoxesAndMasksReachTheDecoder) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
  const auto first_logit = [&](const ObjectPrompt& prompt, const PredictOptions& options = {}) {
    return predictor.predict(prompt, options).value().low_res_logits.f32()[0];
  };
  EXPECT_EQ(first_logit({}), 0.25f);
  ObjectPrompt prompt;
  prompt.points = {{4, 3, 1}, {2, 3, 0}};  // of 8 x 6 pixels, at (8, 8) and (4, 8) of the model's 16
  EXPECT_EQ(first_logit(prompt), 0.25f + 16.0f);
  prompt.box = BoxPrompt{0.5f, 0, 0, 1.5f};
  EXPECT_EQ(first_logit(prompt), 0.25f + 2 * 1 + 3 * 4 + 16);
  PredictOptions fractions;
  fractions.normalize_coords = false;
  ObjectPrompt fraction;
  fraction.points = {{0.5f, 0.25f, 1}};
  EXPECT_EQ(first_logit(fraction, fractions), 0.25f + 12.0f);

  Tensor mask = Tensor::zeros({1, kLow, kLow});
  mask.f32()[0] = 3;
  ObjectPrompt mask_only;
  mask_only.mask_input = mask.view();
  EXPECT_EQ(first_logit(mask_only), 6.0f);
  Tensor misshapen = Tensor::zeros({1, kLow, kLow + 1});
  mask_only.mask_input = misshapen.view();
  const Status status = predictor.predict(mask_only).status();
  EXPECT_NE(status.message().find("(1, 4, 5), f32 (1, 4, 4) expected"), std::string::npos) << status.message();
}

TEST(ImagePredictor, PromptsOfABatchAreIndependent) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
  std::vector<ObjectPrompt> prompts(3);
  prompts[1].points = {{4, 3, 1}};
  prompts[2].points = {{4, 3, 1}, {4, 3, 1}};
  const Prediction result = predictor.predict(prompts, single()).value();
  EXPECT_EQ(result.masks.shape(), (Shape{3, 1, 6, 8}));
  EXPECT_EQ(result.low_res_logits.f32()[0], 0.25f);
  EXPECT_EQ(result.low_res_logits.f32()[16], 16.25f);
  EXPECT_EQ(result.low_res_logits.f32()[32], 32.0f);
  prompts[1].points[0].label = 9;
  EXPECT_EQ(predictor.predict(prompts).status().message().rfind("prompt 1: ", 0), 0u);
  EXPECT_FALSE(predictor.predict(std::span<const ObjectPrompt>()).is_ok());
}

// Prompts of as many points go through the decoder together, those with a mask alone, and threads share them out.
TEST(ImagePredictor, ManyPromptsGiveWhatEachGivesAlone) {
  for (const int threads : {1, 3}) {
    PredictorOptions options;
    options.threads = threads;
    ImagePredictor predictor = predictor_of(tiny_model(), options);
    ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 100, -100, 31}, {0, 0, 0, 0})).is_ok());
    std::vector<ObjectPrompt> prompts(70);
    std::vector<float> mask(16, 0.5f);
    for (size_t i = 0; i < prompts.size(); ++i) {
      prompts[i].points.assign(i * 7 % 3, {static_cast<float>(i % 8), static_cast<float>(i % 5), 1});
      if (i % 11 == 4) prompts[i].mask_input = {DType::kF32, {4, 4}, mask.data()};
    }
    const Prediction all = predictor.predict(prompts).value();
    const size_t count = all.low_res_logits.f32().size() / prompts.size();
    for (size_t i = 0; i < prompts.size(); ++i) {
      const Prediction alone = predictor.predict(prompts[i]).value();
      EXPECT_TRUE(std::ranges::equal(all.low_res_logits.f32().subspan(i * count, count), alone.low_res_logits.f32()))
          << "prompt " << i << ", " << threads << " threads";
    }
  }
}

TEST(ImagePredictor, HolesAreFilledBeforeUpscalingButNotInWhatIsReturned) {
  ImageEmbedding embedding = embedding_of({5, 5, 5, 5}, {0, 0, 0, 0}, 4, 4);
  embedding.image_embed.f32()[16 + 5] = -7;
  PredictorOptions options;
  options.max_hole_area = 1;
  ImagePredictor predictor = predictor_of(tiny_model(), options);
  ASSERT_TRUE(predictor.set_embedding(std::move(embedding)).is_ok());
  const Prediction result = predictor.predict(ObjectPrompt{}).value();
  EXPECT_EQ(result.masks.as<uint8_t>()[5], 1);
  EXPECT_EQ(result.low_res_logits.f32()[5], -6.75f);
}

TEST(ImagePredictor, TheThresholdIsTheCallersOrTheModels) {
  PlanModule model = tiny_model();
  model.info.mask_threshold = 2.0f;
  ImagePredictor by_model = predictor_of(model);
  PredictorOptions options;
  options.mask_threshold = 1.0f;
  ImagePredictor by_caller = predictor_of(model, options);
  for (ImagePredictor* predictor : {&by_model, &by_caller})
    ASSERT_TRUE(predictor->set_embedding(embedding_of({0, 1.5f, 0, 0}, {0, 0, 0, 0})).is_ok());
  EXPECT_EQ(by_model.predict(ObjectPrompt{}).value().masks.as<uint8_t>()[0], 0);
  EXPECT_EQ(by_caller.predict(ObjectPrompt{}).value().masks.as<uint8_t>()[0], 1);
}

TEST(ImagePredictor, PicturesAreSetOneOrMany) {
  ImagePredictor predictor = predictor_of(tiny_model());
  EXPECT_FALSE(predictor.predict(ObjectPrompt{}).is_ok());
  EXPECT_FALSE(predictor.embedding().is_ok());
  Image first(16, 16), second(3, 5);
  std::fill(first.rgb.begin(), first.rgb.end(), uint8_t{10});
  std::fill(second.rgb.begin(), second.rgb.end(), uint8_t{20});
  ASSERT_TRUE(predictor.set_image(first).is_ok());
  EXPECT_NEAR(predictor.embedding().value()->image_embed.f32()[0], 10.0f, 1e-4);
  EXPECT_EQ(predictor.predict(ObjectPrompt{}).value().masks.shape(), (Shape{1, 3, 16, 16}));

  const std::vector<RgbView> both = {first, second};
  ASSERT_TRUE(predictor.set_images(both).is_ok());
  EXPECT_EQ(predictor.pictures(), 2u);
  const std::vector<std::vector<ObjectPrompt>> prompts = {{{}}, {{}, {}}};
  const auto results = predictor.predict_batch(prompts).value();
  EXPECT_EQ(results[0].masks.shape(), (Shape{1, 3, 16, 16}));
  EXPECT_EQ(results[1].masks.shape(), (Shape{2, 3, 5, 3}));
  EXPECT_NEAR(results[1].low_res_logits.f32()[0], 20.25f, 1e-4);
  EXPECT_FALSE(predictor.predict(ObjectPrompt{}, {}, 2).is_ok());
  EXPECT_FALSE(predictor.predict_batch(std::span(prompts).first(1)).is_ok());

  EXPECT_FALSE(predictor.set_image(RgbView(first.rgb.data(), 0, 5, 0)).is_ok());
  EXPECT_EQ(predictor.pictures(), 0u);
  ASSERT_TRUE(predictor.set_image(second).is_ok());
  predictor.reset();
  EXPECT_EQ(predictor.pictures(), 0u);
}

TEST(ImagePredictor, AnEmbeddingOfAnotherModelIsRefused) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ImageEmbedding embedding = embedding_of({0, 0, 0, 0}, {0, 0, 0, 0});
  embedding.image_embed = Tensor::zeros({1, 4, kLow, kLow + 1});
  EXPECT_FALSE(predictor.set_embedding(std::move(embedding)).is_ok());
  EXPECT_FALSE(predictor.set_embedding(ImageEmbedding{}).is_ok());
}

TEST(ImagePredictor, AnEmbeddingOfAnotherEncoderIsRefused) {
  PlanModule model = tiny_model();
  model.info.encoder_id = "a1";
  ImagePredictor predictor = predictor_of(model);
  ImageEmbedding embedding = embedding_of({0, 0, 0, 0}, {0, 0, 0, 0});
  embedding.encoder_id = "b2";
  const Status status = predictor.set_embedding(std::move(embedding));
  EXPECT_NE(status.message().find("another image encoder (b2)"), std::string::npos) << status.message();
  for (const char* fits : {"a1", ""}) {  // the model's own, and one that does not say
    embedding = embedding_of({0, 0, 0, 0}, {0, 0, 0, 0});
    embedding.encoder_id = fits;
    EXPECT_TRUE(predictor.set_embedding(std::move(embedding)).is_ok()) << fits;
  }
  const Image image(16, 16);
  ASSERT_TRUE(predictor.set_image(image).is_ok());
  EXPECT_EQ(predictor.embedding().value()->encoder_id, "a1");
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinite = std::numeric_limits<float>::infinity();

TEST(ImagePredictor, InputsThatAreNoNumbersAreRefused) {
  ImagePredictor predictor = predictor_of(tiny_model());
  PredictorOptions all;
  all.allow_nonfinite = true;
  ImagePredictor lenient = predictor_of(tiny_model(), all);
  for (const float bad : {kNan, kInfinite, -kInfinite}) {
    EXPECT_FALSE(predictor.set_embedding(embedding_of({0, bad, 0, 0}, {0, 0, 0, 0})).is_ok());
    EXPECT_FALSE(predictor.set_embedding(embedding_of({0, 0, 0, 0}, {0, bad, 0, 0})).is_ok());
    EXPECT_TRUE(lenient.set_embedding(embedding_of({0, bad, 0, 0}, {0, 0, 0, 0})).is_ok());

    ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
    ObjectPrompt prompt;
    prompt.points = {{bad, 1, 1}};
    EXPECT_FALSE(predictor.predict(prompt).is_ok());
    prompt.points.clear();
    prompt.box = BoxPrompt{0, 0, 4, bad};
    EXPECT_FALSE(predictor.predict(prompt).is_ok());
    Tensor mask = Tensor::zeros({1, kLow, kLow});
    mask.f32()[5] = bad;
    ObjectPrompt masked;
    masked.mask_input = mask.view();
    const Status status = predictor.predict(masked).status();
    EXPECT_NE(status.message().find("mask input"), std::string::npos) << status.message();
    ASSERT_TRUE(lenient.set_embedding(embedding_of({0, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
    EXPECT_TRUE(lenient.predict(masked).is_ok());
  }
  ObjectPrompt far;
  far.points = {{3e38f, 0, 1}};  // finite, but not in the model's pixels
  PredictOptions fractions;
  fractions.normalize_coords = false;
  EXPECT_FALSE(predictor.predict(far, fractions).is_ok());
}

// A result that is no number is an error, which names the operation that made it.
TEST(ImagePredictor, ResultsThatAreNoNumbersAreErrorsThatNameTheOperation) {
  ObjectPrompt prompt;
  prompt.points = {{4, 3, 1}};
  for (const PlanModule& model : {tiny_model(), tiny_model_in_parts()}) {
    ImagePredictor predictor = predictor_of(model);
    // Finite numbers whose sum is not.
    ASSERT_TRUE(predictor.set_embedding(embedding_of({3.4e38f, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
    ObjectPrompt masked = prompt;
    Tensor mask({1, kLow, kLow});
    std::ranges::fill(mask.f32(), 1.5e38f);
    masked.mask_input = mask.view();
    for (int time = 0; time < 2; ++time) {  // the error leaves nothing behind
      const Status status = predictor.predict(masked).status();
      EXPECT_EQ(status.code(), StatusCode::kInvalidInput);
      EXPECT_NE(status.message().find("gives an infinite value"), std::string::npos) << status.message();
      EXPECT_NE(status.message().find("(binary) of mask_decoder"), std::string::npos) << status.message();
      const Result<Prediction> fine = predictor.predict(ObjectPrompt{});
      ASSERT_TRUE(fine.is_ok()) << fine.status().to_string();
      EXPECT_EQ(fine.value().low_res_logits.f32()[0], 0.25f);
    }
    PredictorOptions all;
    all.allow_nonfinite = true;
    ImagePredictor lenient = predictor_of(model, all);
    ASSERT_TRUE(lenient.set_embedding(embedding_of({3.4e38f, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
    EXPECT_TRUE(lenient.predict(masked).is_ok());
  }
}

TEST(ImagePredictor, AWeightThatIsNoNumberIsNamed) {
  const std::vector<float> bad(kTinyModelLow * kTinyModelLow, kNan);
  PlanModule model = tiny_model();
  WeightData& weight = model.weights[0];  // of no_mask
  ASSERT_EQ(weight.bytes.size(), bad.size() * sizeof(float));
  weight.bytes = std::as_bytes(std::span(bad));
  weight.name = "no_mask_embed";
  ImagePredictor predictor = predictor_of(model);
  ASSERT_TRUE(predictor.set_embedding(embedding_of({0, 0, 0, 0}, {0, 0, 0, 0})).is_ok());
  const Status status = predictor.predict(ObjectPrompt{}).status();
  EXPECT_NE(status.message().find("of no_mask gives NaN; its weight"), std::string::npos) << status.message();

  Tensor mask = Tensor::zeros({1, kLow, kLow});
  ObjectPrompt masked;
  masked.mask_input = mask.view();
  EXPECT_TRUE(predictor.predict(masked).is_ok()) << "no_mask is not part of this result";
}

TEST(ImagePredictor, AModuleWithoutItsFunctionsIsRefused) {
  for (size_t missing = 0; missing < 4; ++missing) {
    PlanModule model = tiny_model();
    model.functions.erase(model.functions.begin() + static_cast<int64_t>(missing));
    const auto module = Module::from_plan(model);
    ASSERT_TRUE(module.is_ok());
    EXPECT_FALSE(ImagePredictor::create(module.value()).is_ok());
  }
  PlanModule model = tiny_model();
  model.info.image_size = 32;
  EXPECT_FALSE(ImagePredictor::create(Module::from_plan(model).value()).is_ok());
}

// What the decoder gives in parts is what it gives whole, in whatever order pictures and prompts come.
TEST(ImagePredictor, ADecoderInPartsIsRunInParts) {
  ImagePredictor whole = predictor_of(tiny_model()), parts = predictor_of(tiny_model_in_parts());
  std::vector<std::string> heard;
  parts.observe([&](const OperationTiming& timing) {
    if (heard.empty() || heard.back() != timing.function) heard.emplace_back(timing.function);
  });
  const auto heard_since = [&heard] { return std::exchange(heard, {}); };
  using Names = std::vector<std::string>;
  Image first(16, 16), second(16, 16);
  std::fill(first.rgb.begin(), first.rgb.end(), uint8_t{10});
  std::fill(second.rgb.begin(), second.rgb.end(), uint8_t{3});
  const std::vector<RgbView> both = {first, second};
  for (ImagePredictor* predictor : {&whole, &parts}) ASSERT_TRUE(predictor->set_images(both).is_ok());
  EXPECT_EQ(heard_since(), (Names{"image_encoder", "no_mask", "mask_decoder_picture", "mask_decoder_dense"}));

  ObjectPrompt points, masked;
  points.points = {{4, 3, 1}, {2, 3, 0}};
  Tensor mask = Tensor::zeros({1, kLow, kLow});
  mask.f32()[3] = 3;
  masked.mask_input = mask.view();
  const auto expect_equal = [&](const std::vector<ObjectPrompt>& prompts, size_t picture) {
    const Prediction wanted = whole.predict(prompts, {}, picture).value(),
                     given = parts.predict(prompts, {}, picture).value();
    EXPECT_TRUE(std::ranges::equal(wanted.low_res_logits.f32(), given.low_res_logits.f32()));
    EXPECT_TRUE(std::ranges::equal(wanted.iou_predictions.f32(), given.iou_predictions.f32()));
  };
  expect_equal({points}, 0);
  EXPECT_EQ(heard_since(), Names{"mask_decoder_prompt"});
  expect_equal({masked, points}, 0);
  EXPECT_EQ(heard_since(), (Names{"mask_encoder", "mask_decoder_dense", "mask_decoder_prompt"}));
  expect_equal({points, masked}, 1);
  EXPECT_EQ(heard_since(), (Names{"mask_decoder_picture", "mask_decoder_dense", "mask_decoder_prompt", "mask_encoder",
                                  "mask_decoder_dense", "mask_decoder_prompt"}));
  expect_equal({{}}, 1);
  for (ImagePredictor* predictor : {&whole, &parts})
    ASSERT_TRUE(predictor->set_embedding(embedding_of({0, 1, 2, 3}, {4, 5, 6, 7})).is_ok());
  expect_equal({points}, 0);
  const size_t with_picture = parts.working_bytes();
  parts.reset();
  EXPECT_LT(parts.working_bytes(), with_picture);
  EXPECT_FALSE(parts.predict(points).is_ok());
}

TEST(ImagePredictor, PartsThatDoNotFitTheDecoderAreRefused) {
  const auto message = [](const PlanModule& model) {
    const auto module = Module::from_plan(model);
    EXPECT_TRUE(module.is_ok()) << module.status().to_string();
    return ImagePredictor::create(module.value()).status().message();
  };
  const PlanModule honest = tiny_model_in_parts();
  EXPECT_EQ(message(honest), "");
  const auto part_of = [](PlanModule& model, const char* name) -> PlanFunction& {
    return *std::ranges::find(model.functions, name, &PlanFunction::name);
  };
  const auto value_of = [&](PlanModule& model, const char* part, const char* name) -> Value& {
    return *std::ranges::find(part_of(model, part).values, name, &Value::name);
  };
  const auto is_refused = [&](const PlanModule& model, const char* why) {
    EXPECT_NE(message(model).find(why), std::string::npos) << message(model) << "\nwanted: " << why;
  };
  for (const char* part : {"mask_decoder_picture", "mask_decoder_dense", "mask_decoder_prompt"}) {
    PlanModule model = honest;
    std::erase_if(model.functions, [part](const PlanFunction& function) { return function.name == part; });
    is_refused(model, "some parts of mask_decoder but not all");
  }
  PlanModule model = honest;
  value_of(model, "mask_decoder_dense", "picture").name = "point_coords";  // known, but not yet
  is_refused(model, "mask_decoder_dense does not fit mask_decoder: point_coords");
  model = honest;
  value_of(model, "mask_decoder_picture", "picture").name = "dense_embed";  // an input of the whole
  is_refused(model, "mask_decoder_picture does not fit mask_decoder: dense_embed");
  model = honest;
  value_of(model, "mask_decoder_dense", "with_dense").name = "picture_again";  // the prompt's part wants with_dense
  is_refused(model, "mask_decoder_prompt does not fit mask_decoder: with_dense");
  model = honest;
  value_of(model, "mask_decoder_prompt", "scores").shape = {1, 1, 2, 4};
  value_of(model, "mask_decoder_prompt", "iou_predictions").shape = {1, 8};
  is_refused(model, "mask_decoder_prompt does not fit mask_decoder: scores");
  model = honest;
  value_of(model, "mask_decoder_prompt", "iou_predictions").shape = {1, 1, 1, 4};
  is_refused(model, "mask_decoder_prompt does not fit mask_decoder: iou_predictions");
  model = honest;
  part_of(model, "mask_decoder_prompt").sizes[0].greatest = 99;
  is_refused(model, "mask_decoder_prompt does not fit mask_decoder: the range of points");
  model = honest;
  part_of(model, "mask_decoder_dense").sizes = {{"points", 0, 5}};
  is_refused(model, "mask_decoder_dense depends on the number of points");
}

TEST(ImagePredictor, ADecoderWithoutPointsIsRefused) {
  PlanModule model = tiny_model();
  std::ranges::find(model.functions, "mask_decoder", &PlanFunction::name)->sizes[0].name = "clicks";
  EXPECT_EQ(ImagePredictor::create(Module::from_plan(model).value()).status().message(),
            "mask_decoder of module by hand does not take any number of points");
}

// The last part a second time, for up to three points.
TEST(ImagePredictor, AFewPointsHaveAPartOfTheirOwn) {
  PlanModule model = tiny_model_in_parts();
  PlanFunction few = *model.find("mask_decoder_prompt");
  few.name = "mask_decoder_few_points";
  few.sizes[0].greatest = 3;
  const auto module_of = [&model](const PlanFunction& function) {
    PlanModule with_few = model;
    with_few.functions.push_back(function);
    return Module::from_plan(std::move(with_few)).value();
  };
  ImagePredictor predictor = ImagePredictor::create(module_of(few)).value();
  ASSERT_TRUE(predictor.set_image(Image(16, 16)).is_ok());
  std::vector<std::string> heard;
  predictor.observe([&heard](const OperationTiming& timing) {
    if (heard.empty() || heard.back() != timing.function) heard.emplace_back(timing.function);
  });
  ObjectPrompt prompt;
  for (int points = 1; points <= 4; ++points) {  // and the padding point
    prompt.points.push_back({2, 2, 1});
    heard.clear();
    ASSERT_TRUE(predictor.predict(prompt).is_ok());
    EXPECT_EQ(heard, std::vector<std::string>{points + 1 <= 3 ? "mask_decoder_few_points" : "mask_decoder_prompt"});
  }

  const auto refused = [&](const PlanFunction& function) {
    return ImagePredictor::create(module_of(function)).status().message();
  };
  PlanFunction other = few;
  other.sizes[0].greatest = 101;
  EXPECT_NE(refused(other).find("mask_decoder_few_points does not fit mask_decoder: the range"), std::string::npos);
  other = few;
  std::ranges::find(other.values, "with_dense", &Value::name)->name = "low_res_mask";
  EXPECT_NE(refused(other).find("mask_decoder_few_points does not fit mask_decoder: low_res_mask"), std::string::npos);
}

TEST(ImagePredictor, ManyPredictorsShareAModule) {
  const auto module = Module::from_plan(tiny_model_in_parts()).value();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([module, thread] {
      PredictorOptions options;
      options.threads = 2;
      ImagePredictor predictor = ImagePredictor::create(module, options).value();
      Image image(20, 10);
      std::fill(image.rgb.begin(), image.rgb.end(), static_cast<uint8_t>(thread));
      for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE(predictor.set_image(image).is_ok());
        ObjectPrompt prompt;
        prompt.points.resize(static_cast<size_t>(round % 5), {10, 5, 1});
        const Prediction result = predictor.predict(prompt).value();
        ASSERT_NEAR(result.low_res_logits.f32()[0],
                    std::min(32.0f, static_cast<float>(thread + 16 * (round % 5)) + 0.25f), 1e-4);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// docs/limits.md: what the predictor refuses for its size.
TEST(ImagePredictorLimits, TheSidesAndTheAreaOfAnImage) {
  ImagePredictor predictor = predictor_of(tiny_model());
  const std::vector<uint8_t> row(3 * (static_cast<size_t>(kLongestSide) + 1));
  const auto message_for = [&](int64_t width, int64_t height) {
    return predictor.set_image(RgbView(row.data(), width, height, 3 * width)).message();
  };
  EXPECT_EQ(message_for(kLongestSide, 1), "");
  EXPECT_EQ(message_for(1, kLongestSide), "");
  EXPECT_NE(message_for(kLongestSide + 1, 1).find("65536 x 1 pixels, more than the limits"), std::string::npos);
  EXPECT_NE(message_for(1, kLongestSide + 1).find("1 x 65536 pixels, more than the limits"), std::string::npos);
  EXPECT_NE(message_for(20'000, 20'000).find("more than the limits of 65535 on a side and 178956970 in all"),
            std::string::npos);
}

TEST(ImagePredictorLimits, TheSizeThatAnEmbeddingSays) {
  ImagePredictor predictor = predictor_of(tiny_model());
  const auto status_for = [&](int64_t width, int64_t height) {
    return predictor.set_embedding(embedding_of({1, 2, -3, 4}, {.1f, .2f, .3f, .4f}, width, height));
  };
  EXPECT_TRUE(status_for(1, kLongestSide).is_ok());
  EXPECT_EQ(predictor.predict(ObjectPrompt{}).value().masks.shape(), (Shape{1, 3, kLongestSide, 1}));
  EXPECT_TRUE(status_for(kLongestSide, 1).is_ok());
  EXPECT_EQ(predictor.predict(ObjectPrompt{}).value().masks.shape(), (Shape{1, 3, 1, kLongestSide}));
  for (const auto& [width, height] : std::initializer_list<std::pair<int64_t, int64_t>>{
           {1, kMostPixels}, {kMostPixels, 1}, {20'000, 20'000}, {int64_t{1} << 62, int64_t{1} << 62}})
    EXPECT_NE(status_for(width, height).message().find("the image of the embedding has"), std::string::npos);
}

TEST(ImagePredictorLimits, TheMasksOfOneCall) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({1, 2, -3, 4}, {.1f, .2f, .3f, .4f}, 12'000, 12'000)).is_ok());
  EXPECT_EQ(predictor.predict(std::vector<ObjectPrompt>(40)).status().message(),
            "120 masks of 12000 x 12000 pixels take more than 16 GB");
  // One prompt less would do, where the memory is.
  set_memory_limit(int64_t{1} << 30);
  EXPECT_EQ(predictor.predict(std::vector<ObjectPrompt>(39)).status().code(), StatusCode::kOutOfMemory);
  set_memory_limit(0);
}

TEST(ImagePredictorLimits, PointsOfAPromptAndWhichPrompt) {
  ImagePredictor predictor = predictor_of(tiny_model());
  ASSERT_TRUE(predictor.set_embedding(embedding_of({1, 2, -3, 4}, {.1f, .2f, .3f, .4f})).is_ok());
  std::vector<ObjectPrompt> prompts(2);
  prompts[1].points.assign(99, {4, 3, 1});
  EXPECT_TRUE(predictor.predict(prompts).is_ok());
  prompts[1].points.push_back({4, 3, 1});
  EXPECT_EQ(predictor.predict(prompts).status().message(),
            "prompt 1: a prompt of 100 points, more than the model's 99");
  prompts[1].points.resize(98);
  prompts[1].box = BoxPrompt{1, 1, 2, 2};
  EXPECT_EQ(predictor.predict(prompts).status().message(),
            "prompt 1: a prompt of 100 points, more than the model's 99");
  EXPECT_EQ(predictor.predict(prompts[1]).status().message(), "a prompt of 100 points, more than the model's 99");
}

}  // namespace
}  // namespace samc
