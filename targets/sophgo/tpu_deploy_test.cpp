// tpuc-opt and the simulators on single parts: BF16, two cores, quantised weights, inputs and outputs of 16 bits, fused
// preprocessing, what TPU-MLIR wrote itself. F32 and F16 are tpu_masks_test's. Skipped where there is no tpuc-opt.

#include <functional>
#include <map>

#include "base/files.h"
#include "targets/sophgo/calibrate/calibrate.h"
#include "targets/sophgo/device/bmodel.h"
#include "targets/sophgo/tools/fused_picture.h"
#include "targets/sophgo/tpu_fixture.h"

namespace samc::sophgo {
namespace {

// A part with inputs and the f32 outputs for them.
struct Prepared {
  std::string name;
  NamedTensors inputs, outputs;
};

class Deploy : public TpuTest {
 protected:
  static void SetUpTestSuite() {
    TpuTest::SetUpTestSuite();
    if (!has_tools()) return;
    prepare("encoder", ModelPart::kEncoder, encoder_);
    prepare("decoder", ModelPart::kDecoder, decoder_);
  }

  static void prepare(const char* name, ModelPart part, Prepared& prepared) {
    TransformOptions options;
    options.model_name = prepared.name = name;
    options.model = kPico + "pico.pt";
    options.part = part;
    options.preprocess.mean = {123.675, 116.28, 103.53};
    options.preprocess.scale = {0.01712475, 0.017507, 0.01742919};
    options.preprocess.pixel_format = "rgb";
    const auto model = transformed(options);
    ASSERT_NE(model, nullptr);
    for (const NamedShape& input : model->inputs()) {
      Tensor tensor = Tensor::zeros(input.shape);
      if (const auto given = encoder_.outputs.find(input.name); given != encoder_.outputs.end())
        tensor = Tensor::copy_of(given->second.view());
      prepared.inputs[input.name] = std::move(tensor);
    }
    if (part == ModelPart::kEncoder) {
      // Noise of about the extent that normalised pictures have; of whole pixels, for fused preprocessing.
      Tensor& image = prepared.inputs["image"];
      for (int64_t i = 0; i < image.count(); ++i)
        image.f32()[static_cast<size_t>(i)] = static_cast<float>(((i * 2654435761u) >> 7) % 1000) / 250.0f - 2.0f;
      auto picture = fuse_picture(image.view(), options.preprocess, "RGB_PLANAR", image.shape());
      ASSERT_TRUE(picture.is_ok()) << picture.status().to_string();
      image = std::move(picture.value().normalised);
      preprocess_ = options.preprocess;
    } else {
      const float side = static_cast<float>(4 * prepared.inputs["mask_input"].shape().back());
      const float coords[] = {0.3f * side, 0.4f * side, 0.6f * side, 0.5f * side, 0.0f, 0.0f};
      const float labels[] = {1, 0, -1};
      std::copy_n(coords, 6, prepared.inputs["point_coords"].f32().data());
      std::fill_n(prepared.inputs["point_labels"].f32().data(), kDefaultMaxPoints, kAbsentPoint);
      std::copy_n(labels, 3, prepared.inputs["point_labels"].f32().data());
    }
    auto outputs = model->run(views_of(prepared.inputs), nullptr);
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    prepared.outputs = std::move(outputs).value();
  }

  static void check(const Prepared& part, const DeployOptions& options, double cosine) {
    const std::string bmodel = deployed(part.name, options);
    if (HasFailure()) return;
    const auto outputs = simulated(bmodel, options.chip, views_of(part.inputs));
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    expect_near(part.outputs, outputs.value(), cosine, std::filesystem::path(bmodel).stem().string());
  }
  static void check(const Prepared& part, const std::string& chip, const std::string& mode, double cosine,
                    int cores = 1) {
    DeployOptions options;
    options.chip = chip;
    options.quantize = mode;
    options.cores = cores;
    check(part, options, cosine);
  }

  // tests/data/tpu_mlir/block.mlir, which TPU-MLIR wrote, and something that it takes.
  static std::string block() { return std::string(SAMC_SOURCE_DIR) + "/tests/data/tpu_mlir/block.mlir"; }
  static NamedTensors block_inputs() {
    NamedTensors inputs;
    Tensor& image = inputs["image"] = Tensor({1, 3, 16, 16});
    for (int64_t i = 0; i < image.count(); ++i)
      image.f32()[static_cast<size_t>(i)] = static_cast<float>(i % 17) / 8.0f - 1.0f;
    return inputs;
  }
  static Result<NamedTensors> simulated_block(DeployOptions options) {
    options.mlir = block();
    options.output = file("block.bmodel");
    SAMC_TRY(deploy(options).status());
    return simulated(options.output, options.chip, views_of(block_inputs()));
  }
  static void check_block(const DeployOptions& options, double cosine) {
    const auto model = TransformedModel::read(block());
    ASSERT_TRUE(model.is_ok()) << model.status().to_string();
    const auto expected = model.value()->run(views_of(block_inputs()), nullptr);
    ASSERT_TRUE(expected.is_ok()) << expected.status().to_string();
    const auto outputs = simulated_block(options);
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    expect_near(expected.value(), outputs.value(), cosine, fmt::format("block {}", options.quantize));
  }

  static BmodelStage stage_of(const std::string& bmodel) {
    const auto model = Bmodel::read(bmodel);
    EXPECT_TRUE(model.is_ok()) << model.status().to_string();
    EXPECT_EQ(model.value().networks.size(), 1u);
    EXPECT_EQ(model.value().networks.at(0).stages.size(), 1u);
    return model.value().networks.at(0).stages.at(0);
  }

  static inline Prepared encoder_, decoder_;
  static inline Preprocess preprocess_;
};

TEST_F(Deploy, Bf16) {
  for (const char* chip : {"bm1688", "bm1684x"}) {
    check(encoder_, chip, "BF16", 0.99);
    check(decoder_, chip, "BF16", 0.99);
  }
}

TEST_F(Deploy, TwoCores) {
  check(encoder_, "bm1688", "F16", 0.999, 2);
  check(decoder_, "bm1688", "F16", 0.999, 2);
}

TEST_F(Deploy, QuantizedWeightsBuild) {
  for (const char* mode : {"W8F16", "W8BF16", "W4F16", "W4BF16"}) deployed("encoder", "bm1688", mode);
}

TEST_F(Deploy, InputsAndOutputsOf16Bits) {
  DeployOptions options;
  options.quantize_input = options.quantize_output = true;
  check(decoder_, options, 0.999);
  const BmodelStage stage = stage_of(deployed("decoder", options));
  // What tpuc-opt computes in f32 anyway, such as labels, stays so.
  std::map<std::string, std::string> types;
  for (const auto& list : {stage.inputs, stage.outputs})
    for (const BmodelTensor& tensor : list) types[tensor.name] = bmodel_type_name(tensor.type);
  for (const char* name : {"image_embed", "high_res_feats_0", "high_res_feats_1", "low_res_logits"})
    EXPECT_EQ(types[name], "f16") << name;
}

TEST_F(Deploy, FusedPreprocessingTakesPixels) {
  for (const char* format : {"", "BGR_PACKED"}) {
    DeployOptions options;
    options.chip = "bm1688";  // the simulator that is quick in F32
    options.quantize = "F32";
    options.fuse_preprocess = true;
    options.customization_format = format;
    std::filesystem::remove(file("encoder.bm1688.F32.1.pixels.bmodel"));
    const std::string bmodel = deployed("encoder", options);
    if (HasFailure()) return;
    const BmodelStage stage = stage_of(bmodel);
    ASSERT_EQ(stage.inputs.size(), 1u);
    EXPECT_EQ(stage.inputs[0].name, "image_raw");
    EXPECT_EQ(bmodel_type_name(stage.inputs[0].type), "u8");
    EXPECT_EQ(stage.inputs[0].shape, *format == 0 ? (Shape{1, 3, 256, 256}) : (Shape{1, 256, 256, 3}));
    const auto picture =
        fuse_picture(encoder_.inputs.at("image").view(), preprocess_,
                     *format == 0 ? default_customization_format("rgb") : format, stage.inputs[0].shape);
    ASSERT_TRUE(picture.is_ok()) << picture.status().to_string();
    const auto outputs = simulated(bmodel, options.chip, {{"image_raw", picture.value().pixels.view()}});
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    expect_near(encoder_.outputs, outputs.value(), 0.9999, fmt::format("pixels {}", format));
  }
}

// Ops that only tpuc-opt writes included; deployed, computed and compared like our own.
TEST_F(Deploy, WhatTpuMlirWroteItself) {
  for (const auto& [chip, mode, cosine] : {std::tuple{"bm1684x", "F32", 0.99999}, {"bm1688", "F16", 0.999}}) {
    DeployOptions options;
    options.chip = chip;
    options.quantize = mode;
    check_block(options, cosine);
  }
}

// Thresholds a tenth as large cut most of every value, which shows that it is our table that tpuc-opt follows.
TEST_F(Deploy, TpucOptFollowsOurCalibrationTable) {
  const auto model = TransformedModel::read(block());
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  ThreadPool pool(1);
  auto calibration = PartCalibration::make(*model.value(), pool);
  ASSERT_TRUE(calibration.is_ok()) << calibration.status().to_string();
  const auto expected = calibration.value()->add(block_inputs());
  ASSERT_TRUE(expected.is_ok()) << expected.status().to_string();
  DeployOptions options;
  options.chip = "bm1688";
  options.quantize = "INT8";
  options.calibration_table = file("calibration_table");
  std::map<double, double> least;  // cosine, by factor
  for (const double factor : {1.0, 0.1}) {
    CalibrationTable table = {calibration.value()->table({})};
    for (CalibrationLine& line : table[0].lines) {
      line.threshold *= factor;
      line.min *= factor;
      line.max *= factor;
    }
    ASSERT_TRUE(write_file(options.calibration_table, print_calibration_table(table, {"of a test"})).is_ok());
    const auto outputs = simulated_block(options);
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    const auto compared = compare_outputs(expected.value(), outputs.value());
    ASSERT_TRUE(compared.is_ok()) << compared.status().to_string();
    least[factor] = 1;
    for (const auto& output : compared.value()) least[factor] = std::min(least[factor], output.similarity.cosine);
  }
  EXPECT_GT(least[1.0], 0.9999);
  EXPECT_GT(1 - least[0.1], 100 * (1 - least[1.0]));
  if (std::getenv("SAMC_PRINT") != nullptr) fmt::print("block INT8: cosine {} and {}\n", least[1.0], least[0.1]);
}

// model_deploy.py's options for how tpuc-opt compiles: other bmodels, the same numbers.
TEST_F(Deploy, CompilerOptionsKeepTheResult) {
  const std::pair<const char*, std::function<void(CompilerOptions&)>> cases[] = {
      {"opt 1", [](CompilerOptions& c) { c.opt = 1; }},
      {"no layer groups", [](CompilerOptions& c) { c.layer_groups = false; }},
      {"order and affine", [](CompilerOptions& c) { c.topological_sort = c.affine = false; }},
      {"longer search", [](CompilerOptions& c) { c.shape_secs_search_strategy = 2, c.structure_detection = false; }},
      {"compressed", [](CompilerOptions& c) { c.compress_mode = "weight", c.group_by_cores = "true"; }},
      {"equal weights once", [](CompilerOptions& c) { c.weight_deduplicate = true, c.addr_mode = "io_alone"; }}};
  for (const auto& [name, change] : cases) {
    SCOPED_TRACE(name);
    DeployOptions options;
    options.chip = "bm1688";
    change(options.compiler);
    check_block(options, 0.999);
  }
}

TEST_F(Deploy, OnlyTheOutputsOfTheListAreOf16Bits) {
  DeployOptions options;
  options.mlir = mlir("encoder");
  options.output = file("list.bmodel");
  options.quantize_output = true;
  options.quantized_outputs = {1};
  ASSERT_TRUE(deploy(options).is_ok());
  const BmodelStage stage = stage_of(options.output);
  ASSERT_EQ(stage.outputs.size(), 3u);
  EXPECT_EQ(bmodel_type_name(stage.outputs[0].type), "f16");
  EXPECT_EQ(bmodel_type_name(stage.outputs[1].type), "f32");
  options.quantize_output = false;
  options.quantized_outputs = {};
  options.bf16_output = true;
  ASSERT_TRUE(deploy(options).is_ok());
  EXPECT_EQ(bmodel_type_name(stage_of(options.output).outputs[0].type), "bf16");
}

TEST_F(Deploy, TheBmodelDescribesItself) {
  const std::string bmodel = deployed("decoder", "bm1688", "BF16");
  const auto model = Bmodel::read(bmodel);
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  EXPECT_EQ(model.value().chip, "BM1688");
  const BmodelStage stage = stage_of(bmodel);
  EXPECT_EQ(stage.inputs.size(), 7u);
  EXPECT_EQ(stage.outputs.size(), 3u);
  EXPECT_GT(stage.weight_bytes, 100000u);
}

TEST_F(Deploy, AWrongChipIsRefusedByTheSimulator) {
  const auto outputs = simulated(deployed("encoder", "bm1688", "BF16"), "bm1684x", views_of(encoder_.inputs));
  ASSERT_FALSE(outputs.is_ok());
  EXPECT_NE(outputs.status().message().find("refuses"), std::string::npos) << outputs.status().message();
}

}  // namespace
}  // namespace samc::sophgo
