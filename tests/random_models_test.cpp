// Twenty official architectures chosen at random, each small: compiled, and run by a predictor, they give what the
// reference interpreter gives. Chosen with a fixed seed, so the test says the same twice. SAMC_RANDOM_MODELS=SEED,COUNT
// tries others.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/image.h"
#include "model/recognise.h"
#include "runtime/image_predictor.h"
#include "runtime/preprocess.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/hash_weights.h"
#include "tests/support/interpreter_model.h"
#include "tests/support/official_yaml.h"

namespace samc::test {
namespace {

constexpr double kTolerance = 1e-4;  // of the output's largest value

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  // std::uniform_int_distribution differs between libraries.
  int64_t below(int64_t limit) { return static_cast<int64_t>(engine_() % static_cast<uint32_t>(limit)); }
  int64_t from(int64_t least, int64_t most) { return least + below(most - least + 1); }
  bool flag() { return below(2) == 1; }
  template <class T>
  T one_of(const std::vector<T>& values) {
    return values[static_cast<size_t>(below(static_cast<int64_t>(values.size())))];
  }

 private:
  std::mt19937 engine_;
};

// d_model: the widths at which the number of points once decided differently within one group of witnesses come first.
ModelConfig random_config(Random& random, size_t index) {
  const std::vector<int64_t> widths = {128, 144, 160, 288, 320, 352};
  ModelConfig config = *find_official_config(random.flag() ? "sam2_hiera_tiny" : "sam2.1_hiera_tiny");
  config.name = "random";
  HieraConfig& trunk = config.trunk;
  trunk.num_heads = random.from(1, 2);
  trunk.embed_dim = trunk.num_heads * random.from(3, 16);
  trunk.head_mul = random.one_of<double>({1.0, 2.0});
  trunk.dim_mul = trunk.embed_dim % 2 == 0 && trunk.head_mul == 1.0 && random.below(3) == 0 ? 3.0 : 2.0;
  for (int64_t& blocks : trunk.stages) blocks = random.from(1, 2);
  trunk.global_att_blocks.clear();
  for (int64_t block = 0; block < trunk.depth(); ++block)
    if (random.below(4) == 0) trunk.global_att_blocks.push_back(block);
  const bool is_large = index < widths.size();
  config.image_size = is_large ? 256 : 32 * random.from(2, 7);
  const int64_t side = config.feature_size(4);
  std::vector<int64_t> first_windows;
  for (int64_t window = 2; window <= 16; window += 2)
    if (side % window == 0) first_windows.push_back(window);
  trunk.window_spec = {random.one_of(first_windows), 2 * random.from(1, 5), 2 * random.from(1, 7), random.from(2, 7)};
  trunk.window_pos_embed_bkg_spatial_size = {random.from(3, 14), random.from(3, 14)};

  config.neck.d_model = is_large ? widths[index] : 16 * random.from(1, 12);
  config.neck.backbone_channel_list.clear();
  for (const HieraBlock& block : trunk.blocks())
    if (block.ends_stage)
      config.neck.backbone_channel_list.insert(config.neck.backbone_channel_list.begin(), block.dim_out);
  config.neck.fpn_top_down_levels.clear();
  for (int64_t level = 0; level < 4; ++level)
    if (random.flag()) config.neck.fpn_top_down_levels.push_back(level);
  const int64_t c = config.neck.d_model;
  config.memory_attention.d_model = c;
  config.memory_attention.dim_feedforward = 16;
  config.memory_attention.num_layers = 1;
  config.memory_attention.self_attention.embedding_dim = config.memory_attention.cross_attention.embedding_dim = c;
  config.memory_attention.self_attention.kv_in_dim = c;
  config.memory_encoder.in_dim = config.memory_encoder.mask_embed_dim = config.memory_encoder.fuser_dim = c;
  config.memory_encoder.fuser_layers = 1;

  config.pred_obj_scores = config.fixed_no_obj_ptr = index != 0 && random.below(3) > 0;  // 128: without
  config.pred_obj_scores_mlp = config.pred_obj_scores && random.flag();
  config.iou_prediction_use_sigmoid = random.flag();
  config.directly_add_no_mem_embed = random.flag();
  config.mask_decoder.dynamic_multimask_via_stability = random.flag();
  return config;
}

// The largest difference, of the largest value; infinite where one is not a number.
double error_of(std::span<const float> given, std::span<const float> wanted) {
  SAMC_CHECK(given.size() == wanted.size() && !wanted.empty(), "{} and {} values", given.size(), wanted.size());
  double error = 0, largest = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double difference = static_cast<double>(given[i]) - static_cast<double>(wanted[i]);
    if (std::isnan(difference)) return INFINITY;
    error = std::max(error, std::abs(difference));
    largest = std::max(largest, std::abs(static_cast<double>(wanted[i])));
  }
  return error / largest;
}

Image made_up_image(Random& random) {
  Image image(static_cast<int>(random.from(40, 300)), static_cast<int>(random.from(40, 300)));
  for (size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = static_cast<uint8_t>((i / 3 % 97 + i / 700 + static_cast<size_t>(random.below(64))) % 256);
  return image;
}

class OneModel {
 public:
  OneModel(const ModelConfig& config, Random& random) : config_(config), random_(random) {}

  void compare() {
    const std::string checkpoint = folder_.path("random.pt");
    std::vector<NamedShape> shapes;
    for (const TensorSpec& tensor : expected_tensors(config_)) shapes.push_back({tensor.name, tensor.shape});
    ASSERT_TRUE(write_hash_checkpoint(checkpoint, shapes).is_ok());
    ASSERT_TRUE(write_file(folder_.path("random.yaml"), official_yaml(config_)).is_ok());
    CompileOptions options;
    options.model = checkpoint;
    const Result<CompileReport> report = compile_model(options, folder_.path("random.samc"));
    ASSERT_TRUE(report.is_ok()) << report.status().to_string();
    const auto module = Module::load(folder_.path("random.samc"));
    ASSERT_TRUE(module.is_ok()) << module.status().to_string();
    PredictorOptions predictor_options;
    predictor_options.threads = 2;
    Result<ImagePredictor> predictor = ImagePredictor::create(module.value(), predictor_options);
    ASSERT_TRUE(predictor.is_ok()) << predictor.status().to_string();
    Result<InterpreterModel> interpreter = InterpreterModel::open(checkpoint, config_, {0, 2, 4, 6});
    ASSERT_TRUE(interpreter.is_ok()) << interpreter.status().to_string();
    compare_encoder(predictor.value(), interpreter.value());
    if (testing::Test::HasFatalFailure()) return;
    // A point, a box and a point, five points: with the pad point 2, 4 and 6. And nothing but a mask.
    for (const int64_t points : {0, 2, 4, 6}) compare_decoder(predictor.value(), interpreter.value(), points);
  }

 private:
  void compare_encoder(ImagePredictor& predictor, const InterpreterModel& interpreter) {
    const Image image = made_up_image(random_);
    const Status set = predictor.set_image(image);
    ASSERT_TRUE(set.is_ok()) << set.to_string();
    Tensor input({1, 3, config_.image_size, config_.image_size});
    preprocess_image(image, config_.image_size, predictor.info().pixel_mean, predictor.info().pixel_std, pool_,
                     input.f32());
    Result<NamedTensors> features = interpreter.run("image_encoder", 0, {{"image", input.view()}}, pool_);
    ASSERT_TRUE(features.is_ok()) << features.status().to_string();
    features_ = std::move(features).value();
    const ImageEmbedding& embedding = *predictor.embedding().value();
    for (const auto& [name, given] : {std::pair{"high_res_feats_0", &embedding.high_res_feats_0},
                                      {"high_res_feats_1", &embedding.high_res_feats_1},
                                      {"image_embed", &embedding.image_embed}})
      EXPECT_LE(error_of(given->f32(), features_.at(name).f32()), kTolerance) << name;
    no_mask_ = interpreter.run("no_mask", 0, {}, pool_).value();
  }

  void compare_decoder(ImagePredictor& predictor, const InterpreterModel& interpreter, int64_t points) {
    SCOPED_TRACE(fmt::format("{} points", points));
    const int64_t low = config_.feature_size(4);
    const auto size = static_cast<float>(config_.image_size);
    ObjectPrompt prompt;
    Tensor coordinates({1, points, 2}), labels({1, points});
    size_t at = 0;
    const auto add = [&](float x, float y, float label) {
      coordinates.f32()[2 * at] = x * size;
      coordinates.f32()[2 * at + 1] = y * size;
      labels.f32()[at++] = label;
    };
    if (points == 4) {
      prompt.box = BoxPrompt{0.25f, 0.125f, 0.75f, 0.5f};
      add(0.25f, 0.125f, 2);
      add(0.75f, 0.5f, 3);
    }
    while (static_cast<int64_t>(at) + 1 < points) {
      const float x = static_cast<float>(random_.below(64)) / 64, y = static_cast<float>(random_.below(64)) / 64;
      const int label = random_.below(3) > 0 ? 1 : 0;
      prompt.points.push_back({x, y, label});
      add(x, y, static_cast<float>(label));
    }
    if (points > 0) add(0, 0, -1);
    NamedViews inputs;
    for (const auto& [name, tensor] : features_) inputs.emplace(name, tensor.view());
    NamedTensors mask_embedding;
    Tensor mask({1, 1, low, low});
    if (points == 0) {
      for (float& value : mask.f32()) value = static_cast<float>(random_.below(200)) / 10 - 10;
      prompt.mask_input = mask.view();
      mask_embedding = interpreter.run("mask_encoder", 0, {{"mask_input", mask.view()}}, pool_).value();
      inputs.emplace("dense_embed", mask_embedding.at("dense_embed").view());
    } else {
      inputs.emplace("dense_embed", no_mask_.at("dense_embed").view());
      inputs.emplace("point_coords", coordinates.view());
      inputs.emplace("point_labels", labels.view());
    }
    const Result<NamedTensors> wanted = interpreter.run("mask_decoder", points, inputs, pool_);
    ASSERT_TRUE(wanted.is_ok()) << wanted.status().to_string();
    const Result<Prediction> given = predictor.predict(prompt, {.normalize_coords = false});
    ASSERT_TRUE(given.is_ok()) << given.status().to_string();
    std::vector<float> logits(wanted.value().at("low_res_logits").f32().begin() + low * low,
                              wanted.value().at("low_res_logits").f32().end());
    for (float& value : logits) value = std::clamp(value, -32.0f, 32.0f);
    EXPECT_LE(error_of(given.value().low_res_logits.f32(), logits), kTolerance);
    EXPECT_LE(error_of(given.value().iou_predictions.f32(), wanted.value().at("iou_predictions").f32().subspan(1)),
              kTolerance);
  }

  const TestFolder folder_;
  const ModelConfig& config_;
  Random& random_;
  ThreadPool pool_{2};
  NamedTensors features_, no_mask_;
};

TEST(RandomModels, GiveWhatTheInterpreterGives) {
  unsigned seed = 1, count = 20;
  if (const char* given = std::getenv("SAMC_RANDOM_MODELS"); given != nullptr) {
    ASSERT_EQ(std::sscanf(given, "%u,%u", &seed, &count), 2) << "SAMC_RANDOM_MODELS=SEED,COUNT";
  }
  Random random(seed);
  for (size_t index = 0; index < count; ++index) {
    const ModelConfig config = random_config(random, index);
    SCOPED_TRACE(fmt::format("model {} of seed {}:\n{}", index, seed, official_yaml(config)));
    ASSERT_TRUE(check_config(config).is_ok()) << check_config(config).to_string();
    const Result<ModelConfig> read = parse_config(official_yaml(config), config.name);
    ASSERT_TRUE(read.is_ok()) << read.status().to_string();
    EXPECT_TRUE(read.value() == config) << "the YAML reads as another config";
    OneModel(config, random).compare();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace samc::test
