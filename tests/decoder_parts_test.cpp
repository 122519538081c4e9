// The mask decoder in parts gives the bits that the whole function gives, for every kind of prompt and any number of
// threads, and what follows from the picture alone is computed once for each picture.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/image.h"
#include "model/config.h"
#include "model/recognise.h"
#include "package/model_names.h"
#include "package/reader.h"
#include "runtime/image_predictor.h"
#include "runtime/module_model.h"
#include "runtime/prompt_points.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/hash_weights.h"

namespace samc {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data";

const PredictOptions kFractions = {.multimask_output = true, .return_logits = false, .normalize_coords = false};

bool is_part(std::string_view function) {
  return function == kDecoderPicture || function == kDecoderDense || function == kDecoderPrompt ||
         function == kDecoderFewPoints;
}

class DecoderParts : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const TestFolder folder;
    CompileOptions options;
    options.model = kData + "/pico/pico.pt";
    const Result<CompileReport> report = compile_model(options, folder.path("pico.samc"));
    ASSERT_TRUE(report.is_ok()) << report.status().to_string();
    plan_ = new PlanModule(read_module(folder.path("pico.samc")).value());
    PlanModule without_parts = *plan_;
    std::erase_if(without_parts.functions, [](const PlanFunction& function) { return is_part(function.name); });
    in_parts_ = Module::from_plan(*plan_).value();
    whole_ = Module::from_plan(std::move(without_parts)).value();
    ImagePredictor encoder = predictor(in_parts_, 2);
    const Image truck = read_image(kData + "/images/truck.jpg").value(),
                groceries = read_image(kData + "/images/groceries.jpg").value();
    const RgbView pictures[] = {RgbView(truck), RgbView(groceries)};
    ASSERT_TRUE(encoder.set_images(pictures).is_ok());
    for (size_t picture = 0; picture < 2; ++picture) {
      embeddings_[picture] = copy(*encoder.embedding(picture).value());
      embeddings_[picture].width /= 10;  // masks of small pictures take little time
      embeddings_[picture].height /= 10;
    }
  }
  static void TearDownTestSuite() {
    in_parts_.reset();
    whole_.reset();
    delete plan_;
  }

  static ImagePredictor predictor(const std::shared_ptr<Module>& module, int threads) {
    PredictorOptions options;
    options.threads = threads;
    return ImagePredictor::create(module, options).value();
  }
  static ImageEmbedding copy(const ImageEmbedding& embedding) {
    return {Tensor::copy_of(embedding.high_res_feats_0.view()), Tensor::copy_of(embedding.high_res_feats_1.view()),
            Tensor::copy_of(embedding.image_embed.view()), embedding.width, embedding.height};
  }
  // In fractions of the picture.
  static ObjectPrompt prompt(int points, bool box, const TensorView& mask = {}) {
    ObjectPrompt result;
    for (int i = 0; i < points; ++i)
      result.points.push_back(
          {0.3f + 0.07f * static_cast<float>(i), 0.4f + 0.05f * static_cast<float>(i), i % 3 == 2 ? 0 : 1});
    if (box) result.box = BoxPrompt{0.25f, 0.25f, 0.5f, 0.75f};
    result.mask_input = mask;
    return result;
  }

  static PlanModule* plan_;
  static std::shared_ptr<Module> in_parts_, whole_;
  static ImageEmbedding embeddings_[2];
};

PlanModule* DecoderParts::plan_ = nullptr;
std::shared_ptr<Module> DecoderParts::in_parts_, DecoderParts::whole_;
ImageEmbedding DecoderParts::embeddings_[2];

void expect_same_bits(const Prediction& wanted, const Prediction& given) {
  const auto expect_same = [](const char* what, const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.shape(), b.shape()) << what;
    EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<size_t>(a.bytes())), 0) << what << " differ";
  };
  expect_same("masks", wanted.masks, given.masks);
  expect_same("scores", wanted.iou_predictions, given.iou_predictions);
  expect_same("low-res logits", wanted.low_res_logits, given.low_res_logits);
}

// What video reads of the decoder beside masks and scores.
TEST_F(DecoderParts, give_object_score_and_mask_tokens) {
  const DecoderPoints points = decoder_points(prompt(1, true), 1, 1, in_parts_->info().image_size, false).value();
  DecoderOutputs outputs[2];
  for (const int which : {0, 1}) {
    const auto model = make_module_model(which == 0 ? whole_ : in_parts_, 1).value();
    ASSERT_TRUE(model->set_picture(embeddings_[0]).is_ok());
    ASSERT_TRUE(model->decode(embeddings_[0], points, {}, outputs[which]).is_ok());
  }
  EXPECT_EQ(outputs[0].object_score.shape(), (Shape{1, 1}));
  EXPECT_EQ(outputs[0].mask_tokens.shape(), (Shape{1, 4, outputs[0].mask_tokens.shape().back()}));
  EXPECT_TRUE(std::ranges::any_of(outputs[0].mask_tokens.f32(), [](float number) { return number != 0; }));
  for (Tensor DecoderOutputs::*member : {&DecoderOutputs::object_score, &DecoderOutputs::mask_tokens,
                                         &DecoderOutputs::low_res_logits, &DecoderOutputs::iou_predictions}) {
    const Tensor &wanted = outputs[0].*member, &given = outputs[1].*member;
    ASSERT_EQ(wanted.shape(), given.shape());
    EXPECT_EQ(std::memcmp(wanted.data(), given.data(), static_cast<size_t>(given.bytes())), 0);
  }
}

TEST_F(DecoderParts, give_the_bits_of_the_whole) {
  ImagePredictor wanted = predictor(whole_, 1);
  ASSERT_TRUE(wanted.set_embedding(copy(embeddings_[0])).is_ok());
  const Tensor earlier = Tensor::copy_of(wanted.predict(prompt(1, true), kFractions).value().low_res_logits.view());
  const int64_t low = earlier.shape().back();
  const TensorView mask = {DType::kF32, {1, low, low}, earlier.data()};
  for (const int threads : {1, 2, 3}) {
    ImagePredictor given = predictor(in_parts_, threads);
    ASSERT_TRUE(given.set_embedding(copy(embeddings_[0])).is_ok());
    for (int points = 0; points <= 5; ++points)
      for (const bool box : {false, true})
        for (const bool has_mask : {false, true})
          for (const bool multimask : {false, true}) {
            SCOPED_TRACE(fmt::format("{} threads, {} points{}{}{}", threads, points, box ? ", box" : "",
                                     has_mask ? ", mask" : "", multimask ? ", three masks" : ""));
            const ObjectPrompt object = prompt(points, box, has_mask ? mask : TensorView{});
            PredictOptions options = kFractions;
            options.multimask_output = multimask;
            options.return_logits = true;
            const auto a = wanted.predict(object, options), b = given.predict(object, options);
            ASSERT_TRUE(a.is_ok() && b.is_ok());
            expect_same_bits(a.value(), b.value());
          }
  }
}

// Two predictors on one module, each with two pictures, asked in turns.
TEST_F(DecoderParts, follow_the_picture) {
  ImagePredictor wanted = predictor(whole_, 2), given = predictor(in_parts_, 2);
  const Image truck = read_image(kData + "/images/truck.jpg").value(),
              groceries = read_image(kData + "/images/groceries.jpg").value();
  const RgbView pictures[] = {RgbView(truck), RgbView(groceries)};
  ASSERT_TRUE(wanted.set_images(pictures).is_ok());
  ASSERT_TRUE(given.set_images(pictures).is_ok());
  for (const size_t picture : {1u, 0u, 0u, 1u})
    expect_same_bits(wanted.predict(prompt(2, false), kFractions, picture).value(),
                     given.predict(prompt(2, false), kFractions, picture).value());
  // Another picture in the place of the first, and after reset() the first again.
  for (const size_t picture : {1u, 0u}) {
    ASSERT_TRUE(wanted.set_embedding(copy(embeddings_[picture])).is_ok());
    ASSERT_TRUE(given.set_embedding(copy(embeddings_[picture])).is_ok());
    expect_same_bits(wanted.predict(prompt(1, false), kFractions).value(),
                     given.predict(prompt(1, false), kFractions).value());
    given.reset();
    EXPECT_FALSE(given.predict(prompt(1, false), kFractions).is_ok());
  }
}

// Which operations run when. Together the parts do what the whole does, each operation once.
TEST_F(DecoderParts, run_when_their_inputs_change) {
  std::multiset<std::string> whole_operations;
  for (const Operation& operation : plan_->find(kMaskDecoder)->operations) whole_operations.insert(operation.name);
  ImagePredictor predictor = DecoderParts::predictor(in_parts_, 1);
  std::map<std::string, std::multiset<std::string>> heard;
  predictor.observe(
      [&](const OperationTiming& timing) { heard[std::string(timing.function)].insert(std::string(timing.name)); });
  const auto functions = [&heard] {
    std::set<std::string> names;
    for (const auto& [function, operations] : heard) names.insert(function);
    heard.clear();
    return names;
  };
  using Names = std::set<std::string>;
  const std::string picture(kDecoderPicture), dense(kDecoderDense), per_prompt(kDecoderPrompt);

  ASSERT_TRUE(predictor.set_embedding(copy(embeddings_[0])).is_ok());
  std::multiset<std::string> in_parts = heard[picture];
  in_parts.merge(heard[dense]);
  EXPECT_FALSE(heard.contains(per_prompt));
  functions();
  ASSERT_TRUE(predictor.predict(prompt(1, false), kFractions).is_ok());
  // The first layer's projections of the image and the features' permutes are not among what a prompt costs.
  EXPECT_LE(heard[per_prompt].size() + 6, whole_operations.size());
  in_parts.merge(heard[per_prompt]);
  EXPECT_EQ(in_parts, whole_operations);
  EXPECT_EQ(functions(), Names{per_prompt});

  const Tensor logits = Tensor::zeros({1, 64, 64});
  ASSERT_TRUE(predictor.predict(prompt(1, false, logits.view()), kFractions).is_ok());
  EXPECT_EQ(functions(), (Names{"mask_encoder", dense, per_prompt}));
  ASSERT_TRUE(predictor.predict(prompt(3, true), kFractions).is_ok());
  EXPECT_EQ(functions(), Names{per_prompt});
}

// The parts name the weights of the whole: no weight is there for them alone.
TEST_F(DecoderParts, have_no_weights_of_their_own) {
  std::set<int32_t> of_the_whole, of_the_parts;
  for (const PlanFunction& function : plan_->functions)
    for (const Value& value : function.values)
      if (value.place == Place::kWeight) (is_part(function.name) ? of_the_parts : of_the_whole).insert(value.weight);
  EXPECT_FALSE(of_the_parts.empty());
  EXPECT_TRUE(std::ranges::includes(of_the_whole, of_the_parts));
  EXPECT_EQ(of_the_whole.size(), plan_->weights.size());
}

// Pico's architecture with as many channels behind its trunk as the official models have: heads of 16 dimensions.
void write_wide_pico(const TestFolder& folder) {
  std::string yaml = read_text_file(kData + "/pico/pico.yaml", 1 << 16).value();
  for (size_t at = 0; (at = yaml.find(": 64\n", at)) != std::string::npos;) yaml.replace(at, 4, ": 256");
  std::ofstream(folder.path("wide.yaml")) << yaml;
  const Result<ModelConfig> config = parse_config(yaml, "wide");
  ASSERT_TRUE(config.is_ok()) << config.status().to_string();
  std::vector<test::NamedShape> shapes;
  for (const TensorSpec& tensor : expected_tensors(config.value())) shapes.push_back({tensor.name, tensor.shape});
  ASSERT_TRUE(test::write_hash_checkpoint(folder.path("wide.pt"), shapes).is_ok());
}

// For a few points the last part computes the same in fewer multiplications.
TEST(FewPoints, give_what_many_points_give) {
  const TestFolder folder;
  write_wide_pico(folder);
  CompileOptions options;
  options.model = folder.path("wide.pt");
  const Result<CompileReport> report = compile_model(options, folder.path("wide.samc"));
  ASSERT_TRUE(report.is_ok()) << report.status().to_string();
  const PlanModule plan = read_module(folder.path("wide.samc")).value();
  const PlanFunction* few = plan.find(kDecoderFewPoints);
  ASSERT_NE(few, nullptr);
  const auto count = [](const PlanFunction& function, const char* kernel) {
    return std::ranges::count(function.operations, kernel, &Operation::kernel);
  };
  EXPECT_EQ(count(*few, "token_attention"), 2);
  EXPECT_EQ(count(*plan.find(kDecoderPrompt), "token_attention"), 0);

  PlanModule without = plan;
  std::erase_if(without.functions, [](const PlanFunction& function) { return function.name == kDecoderFewPoints; });
  PredictorOptions threads;
  threads.threads = 2;
  ImagePredictor given = ImagePredictor::create(Module::from_plan(plan).value(), threads).value(),
                 wanted = ImagePredictor::create(Module::from_plan(std::move(without)).value(), threads).value();
  const Image truck = read_image(kData + "/images/truck.jpg").value();
  ASSERT_TRUE(given.set_image(RgbView(truck)).is_ok());
  ASSERT_TRUE(wanted.set_image(RgbView(truck)).is_ok());
  ObjectPrompt prompt;
  for (int points = 0; points <= 5; ++points) {
    SCOPED_TRACE(fmt::format("{} points", points));
    const Prediction a = given.predict(prompt, kFractions).value(), b = wanted.predict(prompt, kFractions).value();
    const std::span<const float> few_logits = a.low_res_logits.f32(), logits = b.low_res_logits.f32();
    double greatest = 0, difference = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      greatest = std::max(greatest, static_cast<double>(std::abs(logits[i])));
      difference = std::max(difference, static_cast<double>(std::abs(logits[i] - few_logits[i])));
    }
    EXPECT_LE(difference, 1e-5 * greatest);
    EXPECT_EQ(difference == 0, points + 1 > few->sizes[0].greatest);  // it was the other function
    for (size_t i = 0; i < a.iou_predictions.f32().size(); ++i)
      EXPECT_NEAR(a.iou_predictions.f32()[i], b.iou_predictions.f32()[i], 1e-6);
    prompt.points.push_back({0.2f + 0.1f * static_cast<float>(points), 0.4f, points % 2});
  }
}

}  // namespace
}  // namespace samc
