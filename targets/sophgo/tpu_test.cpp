// pico through tpuc-opt and the simulator, both chips. Skipped where there is no tpuc-opt.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "media/image.h"
#include "runtime/image_predictor.h"
#include "targets/cpu/compile_model.h"
#include "targets/sophgo/bmodel.h"
#include "targets/sophgo/bmodel_model.h"
#include "targets/sophgo/similarity.h"
#include "targets/sophgo/simulate.h"
#include "targets/sophgo/transform.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

const std::string kPico = std::string(SAMC_SOURCE_DIR) + "/tests/data/pico/";

// One .mlir of each part, with inputs and the f32 outputs for them, for all tests.
struct Prepared {
  std::string mlir;
  NamedTensors inputs, outputs;
};

class Pico : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto found = find_tpu_mlir({});
    if (!found.is_ok()) {
      reason_ = found.status().to_string();
      return;
    }
    tools_ = found.value();
    folder_ = fs::temp_directory_path() / fmt::format("tpu_test-{}", ::getpid());
    fs::create_directories(folder_);
    prepare(ModelPart::kEncoder, encoder_);
    prepare(ModelPart::kDecoder, decoder_);
  }
  static void TearDownTestSuite() {
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  void SetUp() override {
    if (!reason_.empty()) GTEST_SKIP() << "SKIPPED: " << reason_;
  }

  static NamedViews views_of(const NamedTensors& tensors) {
    NamedViews views;
    for (const auto& [name, tensor] : tensors) views[name] = tensor.view();
    return views;
  }

  static void prepare(ModelPart part, Prepared& prepared) {
    TransformOptions options;
    options.model_name = part == ModelPart::kEncoder ? "pico_encoder" : "pico_decoder";
    options.model = kPico + "pico.pt";
    options.part = part;
    const auto made = TransformedModel::make(options);
    ASSERT_TRUE(made.is_ok()) << made.status().to_string();
    const TransformedModel& model = *made.value();
    prepared.mlir = (folder_ / (options.model_name + ".mlir")).string();
    const Status written = model.write(prepared.mlir);
    ASSERT_TRUE(written.is_ok()) << written.to_string();
    for (const NamedShape& input : model.inputs()) {
      Tensor tensor = Tensor::zeros(input.shape);
      if (const auto given = encoder_.outputs.find(input.name); given != encoder_.outputs.end())
        tensor = Tensor::copy_of(given->second.view());
      prepared.inputs[input.name] = std::move(tensor);
    }
    if (part == ModelPart::kEncoder) {
      Tensor& image = prepared.inputs["image"];  // noise of about the extent that normalised pictures have
      for (int64_t i = 0; i < image.count(); ++i)
        image.f32()[static_cast<size_t>(i)] = static_cast<float>(((i * 2654435761u) >> 7) % 1000) / 250.0f - 2.0f;
    } else {
      const float side = static_cast<float>(4 * prepared.inputs["mask_input"].shape().back());
      const float coords[] = {0.3f * side, 0.4f * side, 0.6f * side, 0.5f * side, 0.0f, 0.0f};
      const float labels[] = {1, 0, -1};
      std::copy_n(coords, 6, prepared.inputs["point_coords"].f32().data());
      std::fill_n(prepared.inputs["point_labels"].f32().data(), kDefaultMaxPoints, kAbsentPoint);
      std::copy_n(labels, 3, prepared.inputs["point_labels"].f32().data());
    }
    auto outputs = model.run(views_of(prepared.inputs), nullptr);
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    prepared.outputs = std::move(outputs).value();
  }

  static std::string deployed(const Prepared& part, const std::string& chip, const std::string& mode, int cores = 1) {
    DeployOptions options;
    options.mlir = part.mlir;
    options.chip = chip;
    options.quantize = mode;
    options.cores = cores;
    options.output = fmt::format("{}.{}.{}.{}.bmodel", part.mlir, chip, mode, cores);
    const auto report = deploy(options);
    EXPECT_TRUE(report.is_ok()) << report.status().to_string();
    EXPECT_TRUE(report.is_ok() && report.value().cores.front().total_cycles > 0);
    return options.output;
  }

  static void check(const Prepared& part, const std::string& chip, const std::string& mode, double cosine,
                    int cores = 1) {
    const std::string bmodel = deployed(part, chip, mode, cores);
    if (HasFailure()) return;
    const auto outputs = simulate(*tools_, *find_chip(chip).value(), bmodel, views_of(part.inputs),
                                  {.runner = SAMC_RUN_BMODEL, .waiting = {}});
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    const auto list = compare_outputs(part.outputs, outputs.value());
    ASSERT_TRUE(list.is_ok()) << list.status().to_string();
    for (const auto& output : list.value()) {
      EXPECT_GE(output.similarity.cosine, cosine) << part.mlir << " " << chip << " " << mode << " " << output.name;
      RecordProperty(fmt::format("{}_{}_{}_{}", chip, mode, cores, output.name),
                     fmt::format("{}", output.similarity.cosine));
      if (std::getenv("SAMC_PRINT") != nullptr)
        fmt::print("{} {} {} {}: cosine {:.7f}, Euclidean {:.6f}, max |d| {:.3g}\n",
                   fs::path(part.mlir).stem().string(), chip, mode, output.name, output.similarity.cosine,
                   output.similarity.euclidean, output.similarity.largest_difference);
    }
  }

  static inline std::string reason_;
  static inline std::optional<TpuMlir> tools_;
  static inline fs::path folder_;
  static inline Prepared encoder_, decoder_;
};

TEST_F(Pico, EncoderBm1688) {
  check(encoder_, "bm1688", "F32", 0.9999);
  check(encoder_, "bm1688", "F16", 0.999);
  check(encoder_, "bm1688", "BF16", 0.99);
}

TEST_F(Pico, EncoderBm1684x) {
  check(encoder_, "bm1684x", "F32", 0.9999);
  check(encoder_, "bm1684x", "F16", 0.999);
  check(encoder_, "bm1684x", "BF16", 0.99);
}

TEST_F(Pico, DecoderBm1688) {
  check(decoder_, "bm1688", "F32", 0.9999);
  check(decoder_, "bm1688", "F16", 0.999);
  check(decoder_, "bm1688", "BF16", 0.99);
}

TEST_F(Pico, DecoderBm1684x) {
  check(decoder_, "bm1684x", "F32", 0.9999);
  check(decoder_, "bm1684x", "F16", 0.999);
  check(decoder_, "bm1684x", "BF16", 0.99);
}

TEST_F(Pico, TwoCores) {
  check(encoder_, "bm1688", "F16", 0.999, 2);
  check(decoder_, "bm1688", "F16", 0.999, 2);
}

// Picture -> bmodels in the simulator -> masks, against the masks of the CPU target.
TEST_F(Pico, MasksAreThoseOfTheProcessor) {
  CompileOptions compile;
  compile.model = kPico + "pico.pt";
  const std::string compiled = (folder_ / "pico.samc").string();
  ASSERT_TRUE(compile_model(compile, compiled).is_ok());
  auto module = Module::load(compiled);
  ASSERT_TRUE(module.is_ok());
  auto processor = ImagePredictor::create(std::shared_ptr<const Module>(module.value()));
  const auto picture = read_image(std::string(SAMC_SOURCE_DIR) + "/tests/data/images/truck.jpg");
  ASSERT_TRUE(processor.is_ok() && picture.is_ok());
  ASSERT_TRUE(processor.value().set_image(picture.value()).is_ok());
  ObjectPrompt prompt{{{500, 375, 1}, {1125, 625, 0}}, BoxPrompt{425, 300, 1700, 875}, {}};
  const auto first = processor.value().predict(prompt);
  ASSERT_TRUE(first.is_ok()) << first.status().to_string();
  // Mask 1 of that as the mask input of the prompt that is compared.
  const int64_t low = first.value().low_res_logits.shape().back();
  prompt.mask_input = {DType::kF32, {1, low, low}, first.value().low_res_logits.f32().data() + low * low};
  const auto expected = processor.value().predict(prompt);
  ASSERT_TRUE(expected.is_ok()) << expected.status().to_string();

  for (const auto& [mode, least] : {std::pair{"F32", 0.999}, {"F16", 0.98}}) {
    BmodelModelOptions options;
    options.encoder = deployed(encoder_, "bm1688", mode);
    options.decoder = deployed(decoder_, "bm1688", mode);
    options.device = "sim";
    options.runner = SAMC_RUN_BMODEL;
    if (HasFailure()) return;
    BmodelDevice device;
    auto model = make_bmodel_model(options, &device);
    ASSERT_TRUE(model.is_ok()) << model.status().to_string();
    EXPECT_EQ(device.description, "the simulator of bm1688");
    auto chip = ImagePredictor::create(std::move(model).value());
    ASSERT_TRUE(chip.is_ok()) << chip.status().to_string();
    const Status encoded = chip.value().set_image(picture.value());
    ASSERT_TRUE(encoded.is_ok()) << encoded.to_string();
    const auto masks = chip.value().predict(prompt);
    ASSERT_TRUE(masks.is_ok()) << masks.status().to_string();
    const auto a = expected.value().masks.as<uint8_t>(), b = masks.value().masks.as<uint8_t>();
    ASSERT_EQ(a.size(), b.size());
    const size_t pixels = a.size() / 3;
    for (size_t mask = 0; mask < 3; ++mask) {
      int64_t common = 0, either = 0;
      for (size_t i = mask * pixels; i < (mask + 1) * pixels; ++i) {
        common += (a[i] & b[i]);
        either += (a[i] | b[i]);
      }
      ASSERT_GT(either, 0);
      EXPECT_GE(static_cast<double>(common) / static_cast<double>(either), least) << mode << " mask " << mask;
      if (std::getenv("SAMC_PRINT") != nullptr)
        fmt::print("{} mask {}: IoU {:.6f} of {} pixels\n", mode, mask,
                   static_cast<double>(common) / static_cast<double>(either), either);
    }
    // More points than places.
    ObjectPrompt many;
    for (int i = 0; i < 9; ++i) many.points.push_back({10.0f * static_cast<float>(i), 10, 1});
    const auto refused = chip.value().predict(many);
    ASSERT_FALSE(refused.is_ok());
    EXPECT_NE(refused.status().to_string().find("--max_points"), std::string::npos) << refused.status().to_string();
  }
}

TEST_F(Pico, QuantizedWeightsBuild) {
  for (const char* mode : {"W8F16", "W8BF16", "W4F16", "W4BF16"}) deployed(encoder_, "bm1688", mode);
}

TEST_F(Pico, TheBmodelDescribesItself) {
  const auto model = Bmodel::read(deployed(decoder_, "bm1688", "F16"));
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  EXPECT_EQ(model.value().chip, "BM1688");
  ASSERT_EQ(model.value().networks.size(), 1u);
  ASSERT_EQ(model.value().networks[0].stages.size(), 1u);
  const BmodelStage& stage = model.value().networks[0].stages[0];
  EXPECT_EQ(stage.inputs.size(), 7u);
  EXPECT_EQ(stage.outputs.size(), 3u);
  EXPECT_GT(stage.weight_bytes, 100000u);
}

TEST_F(Pico, AWrongChipIsRefusedByTheSimulator) {
  const std::string bmodel = deployed(encoder_, "bm1688", "F16");
  const auto outputs = simulate(*tools_, *find_chip("bm1684x").value(), bmodel, views_of(encoder_.inputs),
                                {.runner = SAMC_RUN_BMODEL, .waiting = {}});
  ASSERT_FALSE(outputs.is_ok());
  EXPECT_NE(outputs.status().message().find("refuses"), std::string::npos) << outputs.status().message();
}

}  // namespace
}  // namespace samc::sophgo
