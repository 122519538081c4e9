// pico through the reference interpreter against what the official PyTorch code gives (golden.npz: see
// tests/data/pico).

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "media/image.h"
#include "media/npz.h"
#include "mlir/IR/MLIRContext.h"
#include "model/build.h"
#include "model/recognise.h"
#include "runtime/postprocess.h"
#include "runtime/preprocess.h"

namespace samc {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";
constexpr double kTolerance = 1e-5;  // of the key's largest value

using Point = std::array<float, 3>;  // x and y in pixels of the picture, label

struct Prediction {
  Tensor low_res;  // (4, S/4, S/4), unclamped
  Tensor iou;      // (1, 4)
};

class Golden : public testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = new Model(); }
  static void TearDownTestSuite() {
    delete model_;
    model_ = nullptr;
  }

  struct Model {
    Model()
        : checkpoint(Checkpoint::open(kData + "pico/pico.pt").value()),
          config(find_model(kData + "pico/pico.pt", tensor_specs(checkpoint), std::nullopt).value().config),
          golden(Npz::read(kData + "pico/golden.npz").value()),
          pool(2) {
      load_dialects(context);
      module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
      Status status = add_image_weights(config, checkpoint, weights);
      SAMC_CHECK(status.is_ok(), "{}", status.to_string());
      GraphBuilder graph(*module, weights);
      for (const Status& built :
           {build_image_encoder(config, graph), build_mask_encoder(config, graph), build_no_mask(config, graph)})
        SAMC_CHECK(built.is_ok(), "{}", built.to_string());

      const Image picture = read_image(kData + "images/truck.jpg").value();
      width = static_cast<float>(picture.width);
      height = static_cast<float>(picture.height);
      image = Tensor({1, 3, config.image_size, config.image_size});
      const float mean[] = {0.485f, 0.456f, 0.406f};
      const float deviation[] = {0.229f, 0.224f, 0.225f};
      preprocess_image(picture, config.image_size, mean, deviation, pool, image.f32());
      features = run("image_encoder", {{"image", image.view()}});
      no_mask = run("no_mask", {});
    }

    NamedTensors run(const std::string& name, const NamedViews& inputs) {
      auto function = module->lookupSymbol<mlir::func::FuncOp>(name);
      SAMC_CHECK(function, "no function {}", name);
      return interpret(function, inputs, weights, {.pool = &pool, .observe = {}}).value();
    }

    // points as the runtime gives them, but for the pad point. mask: (S/4, S/4) logits.
    Prediction predict(std::vector<Point> points, const TensorView* mask) {
      if (!points.empty()) points.push_back({0.0f, 0.0f, -1.0f});
      const int64_t count = static_cast<int64_t>(points.size());
      const std::string name = "mask_decoder_" + std::to_string(count);
      if (!module->lookupSymbol(name)) {
        GraphBuilder graph(*module, weights);
        const Status built = build_mask_decoder(config, count, graph, name);
        SAMC_CHECK(built.is_ok(), "{}", built.to_string());
      }
      Tensor coords({1, count, 2});
      Tensor labels({1, count});
      for (size_t i = 0; i < points.size(); ++i) {
        coords.f32()[2 * i] = points[i][0] / width * static_cast<float>(config.image_size);
        coords.f32()[2 * i + 1] = points[i][1] / height * static_cast<float>(config.image_size);
        labels.f32()[i] = points[i][2];
      }
      NamedTensors encoded_mask;
      if (mask) {
        const int64_t side = config.feature_size(4);
        encoded_mask = run("mask_encoder", {{"mask_input", {DType::kF32, {1, 1, side, side}, mask->data}}});
      }
      NamedViews inputs = {{"dense_embed", (mask ? encoded_mask : no_mask).at("dense_embed").view()}};
      for (const auto& [key, value] : features) inputs[key] = value.view();
      if (count > 0) inputs.insert({{"point_coords", coords.view()}, {"point_labels", labels.view()}});
      NamedTensors outputs = run(name, inputs);
      Prediction prediction{std::move(outputs.at("low_res_logits")), std::move(outputs.at("iou_predictions"))};
      prediction.low_res.reshape({4, config.feature_size(4), config.feature_size(4)});
      return prediction;
    }

    mlir::MLIRContext context;
    Checkpoint checkpoint;
    ModelConfig config;
    Npz golden;
    ThreadPool pool;
    WeightStore weights;
    mlir::OwningOpRef<mlir::ModuleOp> module;
    float width = 0;
    float height = 0;
    Tensor image;
    NamedTensors features;
    NamedTensors no_mask;
  };

  static void expect_close(const std::string& key, std::span<const float> actual, std::span<const float> expected) {
    ASSERT_EQ(actual.size(), expected.size()) << key;
    double worst = 0;
    double largest = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      worst = std::max(worst, static_cast<double>(std::abs(actual[i] - expected[i])));
      largest = std::max(largest, static_cast<double>(std::abs(expected[i])));
    }
    RecordProperty(key, std::to_string(worst / largest));
    EXPECT_LE(worst, kTolerance * largest) << key << ": largest value " << largest;
  }

  // The values at the sampled places of a tensor against the golden ones.
  static void expect_sampled(const std::string& key, const Tensor& tensor) {
    std::vector<float> sampled(4096);
    for (uint64_t k = 0; k < sampled.size(); ++k)
      sampled[k] = tensor.f32()[k * 2654435761u % static_cast<uint64_t>(tensor.count())];
    expect_close(key, sampled, model_->golden.get(key).value()->f32());
  }

  static std::vector<float> clamped(std::span<const float> logits) {
    std::vector<float> result(logits.begin(), logits.end());
    for (float& value : result) value = std::clamp(value, -32.0f, 32.0f);
    return result;
  }

  // Against predict.NAME.multi and .single.
  static void check(const std::string& name, const std::vector<Point>& points, const TensorView* mask = nullptr) {
    const Prediction prediction = model_->predict(points, mask);
    const size_t pixels = static_cast<size_t>(prediction.low_res.count() / 4);
    const std::span<const float> logits = prediction.low_res.f32();
    const std::span<const float> iou = prediction.iou.f32();
    const std::string prefix = "predict." + name;
    if (model_->golden.find(prefix + ".multi.low_res")) {
      expect_close(prefix + ".multi.low_res", clamped(logits.subspan(pixels)),
                   model_->golden.get(prefix + ".multi.low_res").value()->f32());
      expect_close(prefix + ".multi.iou", iou.subspan(1), model_->golden.get(prefix + ".multi.iou").value()->f32());
    }
    const MaskDecoderConfig& decoder = model_->config.mask_decoder;
    const auto chosen = static_cast<size_t>(
        choose_single_mask(logits, iou, static_cast<float>(decoder.dynamic_multimask_stability_delta),
                           static_cast<float>(decoder.dynamic_multimask_stability_thresh)));
    expect_close(prefix + ".single.low_res", clamped(logits.subspan(chosen * pixels, pixels)),
                 model_->golden.get(prefix + ".single.low_res").value()->f32());
    expect_close(prefix + ".single.iou", iou.subspan(chosen, 1),
                 model_->golden.get(prefix + ".single.iou").value()->f32());
  }

  static Model* model_;
};

Golden::Model* Golden::model_ = nullptr;

TEST_F(Golden, ImageEncoder) {
  expect_sampled("input.image", model_->image);
  for (const char* key : {"high_res_feats_0", "high_res_feats_1", "image_embed"})
    expect_sampled(std::string("encoder.") + key, model_->features.at(key));
}

TEST_F(Golden, Point) { check("point", {{500, 375, 1}}); }

TEST_F(Golden, PositiveAndNegativePoints) { check("points_pos_neg", {{500, 375, 1}, {1125, 625, 0}}); }

TEST_F(Golden, Box) { check("box", {{425, 600, 2}, {700, 875, 3}}); }

TEST_F(Golden, BoxAndNegativePoint) { check("box_neg", {{425, 600, 2}, {700, 875, 3}, {575, 750, 0}}); }

TEST_F(Golden, PointAndMask) {
  const Tensor& logits = *model_->golden.get("predict.point.multi.low_res").value();
  const std::span<const float> iou = model_->golden.get("predict.point.multi.iou").value()->f32();
  const auto best = std::max_element(iou.begin(), iou.end()) - iou.begin();
  const TensorView mask = {
      DType::kF32, {logits.shape()[1], logits.shape()[2]}, logits.f32().data() + best * logits.count() / 3};
  check("point_mask", {{500, 375, 1}}, &mask);
}

TEST_F(Golden, FourBoxes) {
  const float boxes[4][4] = {
      {75, 275, 1725, 850}, {425, 600, 700, 875}, {1375, 550, 1650, 800}, {1240, 675, 1400, 750}};
  const Tensor& low_res = *model_->golden.get("predict.boxes4.single.low_res").value();
  const Tensor& scores = *model_->golden.get("predict.boxes4.single.iou").value();
  const size_t pixels = static_cast<size_t>(low_res.count() / 4);
  for (size_t i = 0; i < 4; ++i) {
    const Prediction prediction =
        model_->predict({{boxes[i][0], boxes[i][1], 2}, {boxes[i][2], boxes[i][3], 3}}, nullptr);
    const auto chosen =
        static_cast<size_t>(choose_single_mask(prediction.low_res.f32(), prediction.iou.f32(), 0.05f, 0.98f));
    const std::string key = "predict.boxes4.single[" + std::to_string(i) + "]";
    expect_close(key + ".low_res", clamped(prediction.low_res.f32().subspan(chosen * pixels, pixels)),
                 low_res.f32().subspan(i * pixels, pixels));
    expect_close(key + ".iou", prediction.iou.f32().subspan(chosen, 1), scores.f32().subspan(i, 1));
  }
}

// Without points the decoder runs on its own tokens alone, and a mask alone is a prompt.
TEST_F(Golden, NoPoints) {
  const Prediction nothing = model_->predict({}, nullptr);
  const TensorView mask = {DType::kF32, {64, 64}, nothing.low_res.f32().data()};
  const Prediction with_mask = model_->predict({}, &mask);
  for (const float value : nothing.low_res.f32()) ASSERT_TRUE(std::isfinite(value));
  EXPECT_NE(nothing.iou.f32()[0], with_mask.iou.f32()[0]);
}

}  // namespace
}  // namespace samc
