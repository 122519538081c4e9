// A picture through bmodels in the simulators of both chips, in F32 and F16: embeddings, logits and masks against those
// of the CPU target. Skipped where there is no tpuc-opt.

#include "media/image.h"
#include "runtime/image_predictor.h"
#include "targets/cpu/compile_model.h"
#include "targets/sophgo/device/bmodel_model.h"
#include "targets/sophgo/tpu_fixture.h"
#include "tests/support/pico_export.h"

namespace samc::sophgo {
namespace {

struct Precision {
  const char* mode;
  double cosine, iou;  // at least
};
constexpr Precision kF32 = {"F32", 0.9999, 0.999};
constexpr Precision kF16 = {"F16", 0.999, 0.98};

const ObjectPrompt kTwoPoints{{{500, 375, 1}, {1125, 625, 0}}, {}, {}};
const ObjectPrompt kBox{{}, BoxPrompt{425, 300, 1700, 875}, {}};

class Masks : public TpuTest {
 protected:
  static void SetUpTestSuite() {
    TpuTest::SetUpTestSuite();
    if (!has_tools()) return;
    for (const auto& [name, part] : {std::pair{"encoder", ModelPart::kEncoder}, {"decoder", ModelPart::kDecoder}}) {
      TransformOptions options;
      options.model_name = name;
      options.model = kPico + "pico.pt";
      options.part = part;
      ASSERT_NE(transformed(options), nullptr);
    }
    CompileOptions compile;
    compile.model = kPico + "pico.pt";
    ASSERT_TRUE(compile_model(compile, file("pico.samc")).is_ok());
    auto module = Module::load(file("pico.samc"));
    ASSERT_TRUE(module.is_ok());
    auto processor = ImagePredictor::create(std::shared_ptr<const Module>(module.value()));
    auto picture = read_image(std::string(SAMC_SOURCE_DIR) + "/tests/data/images/truck.jpg");
    ASSERT_TRUE(processor.is_ok() && picture.is_ok());
    picture_ = std::move(picture).value();
    processor_.emplace(std::move(processor).value());
    ASSERT_TRUE(processor_->set_image(picture_).is_ok());
  }
  static void TearDownTestSuite() {
    processor_.reset();
    TpuTest::TearDownTestSuite();
  }

  static Prediction expected(const ObjectPrompt& prompt) {
    auto prediction = processor_->predict(prompt);
    EXPECT_TRUE(prediction.is_ok()) << prediction.status().to_string();
    return std::move(prediction).value();
  }

  // Mask 1 of a prediction as a prompt's mask input; valid as long as the prediction.
  static TensorView as_mask_input(const Prediction& prediction) {
    const int64_t low = prediction.low_res_logits.shape().back();
    return {DType::kF32, {1, low, low}, prediction.low_res_logits.f32().data() + low * low};
  }

  static NamedTensors copies(const ImageEmbedding& embedding) {
    NamedTensors tensors;
    tensors["high_res_feats_0"] = Tensor::copy_of(embedding.high_res_feats_0.view());
    tensors["high_res_feats_1"] = Tensor::copy_of(embedding.high_res_feats_1.view());
    tensors["image_embed"] = Tensor::copy_of(embedding.image_embed.view());
    return tensors;
  }

  static ImageEmbedding processors_embedding() {
    const ImageEmbedding& from = *processor_->embedding().value();
    return {Tensor::copy_of(from.high_res_feats_0.view()), Tensor::copy_of(from.high_res_feats_1.view()),
            Tensor::copy_of(from.image_embed.view()), from.width, from.height};
  }

  static Result<ImagePredictor> on_chip(const std::string& encoder, const std::string& decoder) {
    BmodelModelOptions options;
    options.encoder = encoder;
    options.decoder = decoder;
    options.device = "sim";
    options.runner = SAMC_RUN_BMODEL;
    SAMC_ASSIGN(auto model, make_bmodel_model(options, nullptr));
    return ImagePredictor::create(std::move(model));
  }

  static void expect_same_masks(const Prediction& wanted, const Prediction& given, const Precision& precision,
                                const std::string& what) {
    NamedTensors a, b;
    for (const auto& [from, to] : {std::pair{&wanted, &a}, {&given, &b}}) {
      (*to)["low_res_logits"] = Tensor::copy_of(from->low_res_logits.view());
      (*to)["iou_predictions"] = Tensor::copy_of(from->iou_predictions.view());
    }
    expect_near(a, b, precision.cosine, what);
    const auto first = wanted.masks.as<uint8_t>(), second = given.masks.as<uint8_t>();
    ASSERT_EQ(first.size(), second.size());
    const size_t pixels = first.size() / 3;
    for (size_t mask = 0; mask < 3; ++mask) {
      int64_t common = 0, either = 0;
      for (size_t i = mask * pixels; i < (mask + 1) * pixels; ++i) {
        common += (first[i] & second[i]);
        either += (first[i] | second[i]);
      }
      ASSERT_GT(either, 0);
      const double iou = static_cast<double>(common) / static_cast<double>(either);
      EXPECT_GE(iou, precision.iou) << what << " mask " << mask;
      if (std::getenv("SAMC_PRINT") != nullptr) fmt::print("{} mask {}: IoU {:.6f}\n", what, mask, iou);
    }
  }

  // The whole way, with every kind of prompt at once.
  static void expect_those_of_the_processor(const std::string& chip, const Precision& precision) {
    const std::string what = fmt::format("{} {}", chip, precision.mode);
    const std::string encoder = deployed("encoder", chip, precision.mode);
    const std::string decoder = deployed("decoder", chip, precision.mode);
    if (HasFailure()) return;
    auto predictor = on_chip(encoder, decoder);
    ASSERT_TRUE(predictor.is_ok()) << predictor.status().to_string();
    const Status encoded = predictor.value().set_image(picture_);
    ASSERT_TRUE(encoded.is_ok()) << encoded.to_string();
    expect_near(copies(*processor_->embedding().value()), copies(*predictor.value().embedding().value()),
                precision.cosine, what);
    const Prediction earlier = expected(kTwoPoints);
    ObjectPrompt prompt{kTwoPoints.points, kBox.box, as_mask_input(earlier)};
    const auto given = predictor.value().predict(prompt);
    ASSERT_TRUE(given.is_ok()) << given.status().to_string();
    expect_same_masks(expected(prompt), given.value(), precision, what);
  }

  static inline Image picture_;
  static inline std::optional<ImagePredictor> processor_;
};

TEST_F(Masks, Bm1688F32) { expect_those_of_the_processor("bm1688", kF32); }
TEST_F(Masks, Bm1688F16) { expect_those_of_the_processor("bm1688", kF16); }
TEST_F(Masks, Bm1684xF32) { expect_those_of_the_processor("bm1684x", kF32); }
TEST_F(Masks, Bm1684xF16) { expect_those_of_the_processor("bm1684x", kF16); }

TEST_F(Masks, MorePointsThanPlacesAreRefused) {
  auto predictor = on_chip(deployed("encoder", "bm1688", "F32"), deployed("decoder", "bm1688", "F32"));
  ASSERT_TRUE(predictor.is_ok()) << predictor.status().to_string();
  ObjectPrompt many;
  for (int i = 0; i < 8; ++i) many.points.push_back({10.0f * static_cast<float>(i), 10, 1});
  const Status refused = predictor.value().check(many);
  EXPECT_NE(refused.to_string().find("--max_points"), std::string::npos) << refused.to_string();
  many.points.pop_back();
  EXPECT_TRUE(predictor.value().check(many).is_ok());
}

// decoder.onnx as it is, with the shapes of two points: for two clicks or a box it is exact, with a mask input or
// without.
TEST_F(Masks, ADecoderOfAnExportServesItsNumberOfPoints) {
  ASSERT_TRUE(test::write_pico_export(file("export")).is_ok());
  TransformOptions options;
  options.model_name = "exported";
  options.model = file("export/decoder.onnx");
  options.input_shapes = {{1, 64, 16, 16}, {1, 8, 64, 64}, {1, 16, 32, 32}, {1, 2, 2}, {1, 2}, {1, 1, 64, 64}, {1}};
  ASSERT_NE(transformed(options), nullptr);
  for (const Precision& precision : {kF32, kF16}) {
    auto predictor =
        on_chip(deployed("encoder", "bm1688", precision.mode), deployed("exported", "bm1688", precision.mode));
    ASSERT_TRUE(predictor.is_ok()) << predictor.status().to_string();
    ASSERT_TRUE(predictor.value().set_embedding(processors_embedding()).is_ok());
    const Prediction earlier = expected(kBox);
    for (const ObjectPrompt& prompt : {kTwoPoints, kBox, ObjectPrompt{{}, kBox.box, as_mask_input(earlier)}}) {
      const auto given = predictor.value().predict(prompt);
      ASSERT_TRUE(given.is_ok()) << given.status().to_string();
      expect_same_masks(expected(prompt), given.value(), precision, fmt::format("export {}", precision.mode));
    }
    ObjectPrompt one = kTwoPoints, three = kTwoPoints;
    one.points.pop_back();
    three.points.push_back({1, 1, 1});
    for (const ObjectPrompt& prompt : {one, three, ObjectPrompt{}}) {
      const std::string refused = predictor.value().check(prompt).to_string();
      EXPECT_NE(refused.find("serves exactly 2"), std::string::npos) << refused;
      EXPECT_FALSE(predictor.value().predict(prompt).is_ok());
    }
    PredictOptions single;
    single.multimask_output = false;
    EXPECT_FALSE(predictor.value().predict(kTwoPoints, single).is_ok());
  }
}

// --part decoder of the same export: any prompt.
TEST_F(Masks, APromptDecoderOfAnExportServesAnyPrompt) {
  ASSERT_TRUE(test::write_pico_export(file("export")).is_ok());
  TransformOptions options;
  options.model_name = "any";
  options.model = file("export");
  options.part = ModelPart::kDecoder;
  ASSERT_NE(transformed(options), nullptr);
  auto predictor = on_chip(deployed("encoder", "bm1688", "F32"), deployed("any", "bm1688", "F32"));
  ASSERT_TRUE(predictor.is_ok()) << predictor.status().to_string();
  ASSERT_TRUE(predictor.value().set_embedding(processors_embedding()).is_ok());
  const Prediction earlier = expected(kBox);
  const ObjectPrompt mask_alone{{}, {}, as_mask_input(earlier)};
  for (const ObjectPrompt& prompt : {ObjectPrompt{kTwoPoints.points, kBox.box, {}}, mask_alone}) {
    const auto given = predictor.value().predict(prompt);
    ASSERT_TRUE(given.is_ok()) << given.status().to_string();
    expect_same_masks(expected(prompt), given.value(), kF32, "export, any prompt");
  }
}

}  // namespace
}  // namespace samc::sophgo
