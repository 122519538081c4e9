// The stage without tpuc-opt: text, judging logs, estimates, the bmodel reader, similarity, rewrites.

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "base/test_folder.h"
#include "base/test_waves.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "media/npz.h"
#include "targets/sophgo/device/bmodel.h"
#include "targets/sophgo/device/device.h"
#include "targets/sophgo/device/manifest.h"
#include "targets/sophgo/device/similarity.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/tools/child_process.h"
#include "targets/sophgo/tools/deploy.h"
#include "targets/sophgo/tools/fused_picture.h"
#include "targets/sophgo/transform.h"
#include "tests/support/pico_export.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

const std::string kPico = std::string(SAMC_SOURCE_DIR) + "/tests/data/pico/";

TransformOptions pico(ModelPart part) {
  TransformOptions options;
  options.model_name = "pico";
  options.model = kPico + "pico.pt";
  options.part = part;
  return options;
}

NamedViews views_of(const NamedTensors& tensors) {
  NamedViews views;
  for (const auto& [name, tensor] : tensors) views[name] = tensor.view();
  return views;
}

TEST(Transform, WrittenTextIsReadBackAndComputesTheSame) {
  const TestFolder folder;
  TransformOptions options = pico(ModelPart::kEncoder);
  options.preprocess.mean = {123.675, 116.28, 103.53};
  options.preprocess.pixel_format = "rgb";
  const auto model = TransformedModel::make(options);
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  ASSERT_TRUE(model.value()->write(folder.path("pico.mlir")).is_ok());
  const auto text = read_text_file(folder.path("pico.mlir"), size_t{1} << 26);
  ASSERT_TRUE(text.is_ok());
  EXPECT_NE(text.value().find("module.weight_file = \"pico_top_f32_all_weight.npz\""), std::string::npos);
  EXPECT_NE(text.value().find("func.func @main(%arg0: tensor<1x3x"), std::string::npos);
  EXPECT_NE(text.value().find("pixel_format = \"rgb\""), std::string::npos);
  EXPECT_NE(text.value().find("mean = [123.67500305175781"), std::string::npos);
  EXPECT_EQ(text.value().find("<{"), std::string::npos);
  EXPECT_EQ(text.value().find("top.name"), std::string::npos);

  const auto again = TransformedModel::read(folder.path("pico.mlir"));
  ASSERT_TRUE(again.is_ok()) << again.status().to_string();
  EXPECT_EQ(again.value()->model_name(), "pico");
  EXPECT_EQ(again.value()->operation_counts(), model.value()->operation_counts());
  NamedTensors inputs;
  for (const NamedShape& input : model.value()->inputs()) inputs[input.name] = waves(input.shape, 0.37);
  const auto first = model.value()->run(views_of(inputs), nullptr);
  const auto second = again.value()->run(views_of(inputs), nullptr);
  ASSERT_TRUE(first.is_ok() && second.is_ok());
  const auto list = compare_outputs(first.value(), second.value());
  ASSERT_TRUE(list.is_ok()) << list.status().to_string();
  EXPECT_EQ(list.value().size(), 3u);
  for (const auto& output : list.value()) EXPECT_EQ(output.similarity.largest_difference, 0) << output.name;
}

TEST(Transform, RewritesKeepTheValues) {
  for (const ModelPart part : {ModelPart::kEncoder, ModelPart::kDecoder}) {
    TransformOptions plain = pico(part);
    for (const Pass& pass : sophgo_pipeline().passes)
      if (!pass.required && pass.phase != std::string(kTopPhase)) plain.disabled_passes.insert(pass.name);
    const auto before = TransformedModel::make(plain);
    const auto after = TransformedModel::make(pico(part));
    ASSERT_TRUE(before.is_ok() && after.is_ok());
    if (part == ModelPart::kEncoder) {
      EXPECT_EQ(after.value()->operation_counts()["MulConst"], 0);
      EXPECT_EQ(after.value()->operation_counts()["MaxPool"], 0);
    }
    // tpuc-opt stops at transposed weights.
    mlir::func::FuncOp written = after.value()->function();
    written.walk([](top::MatMulOp op) {
      EXPECT_FALSE(op.getRightTranspose() && is_weight(op.getRight())) << name_of(op.getOutput());
    });
    NamedTensors inputs;
    for (const NamedShape& input : before.value()->inputs()) inputs[input.name] = waves(input.shape, 0.11);
    const auto a = before.value()->run(views_of(inputs), nullptr);
    const auto b = after.value()->run(views_of(inputs), nullptr);
    ASSERT_TRUE(a.is_ok() && b.is_ok());
    const auto list = compare_outputs(a.value(), b.value());
    ASSERT_TRUE(list.is_ok());
    for (const auto& output : list.value()) {
      EXPECT_LT(output.similarity.largest_difference, 1e-4) << output.name;
      EXPECT_GT(output.similarity.cosine, 1 - 1e-9) << output.name;
    }
  }
}

// What each rewrite does to pico's encoder, by the ops that it leaves when only it is left out.
TEST(Transform, EachRewriteDoesItsWork) {
  const auto counts = [&](const std::string& disabled) {
    TransformOptions options = pico(ModelPart::kEncoder);
    if (!disabled.empty()) options.disabled_passes.insert(disabled);
    const auto model = TransformedModel::make(options);
    EXPECT_TRUE(model.is_ok()) << model.status().to_string();
    std::map<std::string, int64_t> result = model.value()->operation_counts();
    result["products"] = model.value()->multiply_adds();
    return result;
  };
  std::map<std::string, int64_t> all = counts("");
  EXPECT_EQ(all["MaxPool"], 0);
  EXPECT_LT(all["products"], counts("absorb-for-few-channels")["products"]);
  EXPECT_LT(all["products"], counts("pad-products")["products"]);
  EXPECT_LT(all["Permute"], counts("pool-by-members")["Permute"]);
  EXPECT_LT(all["Conv"], counts("conv-products")["Conv"]);
  EXPECT_LT(all["Slice"], counts("split-matmuls")["Slice"] + 1);
  EXPECT_GT(counts("fold-scales")["MulConst"], 0);
  EXPECT_LT(all["Slice"], counts("merge-slices")["Slice"]);
  EXPECT_LT(all["Slice"], counts("pool-before-windows")["Slice"]);
}

TEST(Manifest, IsReadBackAndDamageIsAnError) {
  const TestFolder folder;
  BmodelManifest manifest{{}, "bm1688", "F16", 2, 8, "encoder.bmodel", "decoder.bmodel"};
  ModelInfo& info = manifest.info;
  info.name = "pico";
  info.image_size = 256;
  info.encoder_id = "0123";
  info.dynamic_multimask_via_stability = false;
  info.stability_delta = 0.1f;
  info.stability_threshold = 0.9f;
  info.mask_threshold = 2.5f;
  ASSERT_TRUE(lost_facts(info, Format::kBmodels).empty());  // so these are what the file keeps
  ASSERT_TRUE(write_manifest(manifest, folder.root().string()).is_ok());
  const std::string written = read_text_file(folder.path(kManifestName), 1 << 20).value();
  EXPECT_NE(written.find("\"stability_delta\": 0.1,"), std::string::npos) << written;  // as it reads
  const auto again = read_manifest(folder.root().string());
  ASSERT_TRUE(again.is_ok()) << again.status().to_string();
  EXPECT_EQ(again.value().info.name, "pico");
  EXPECT_EQ(again.value().info.image_size, 256);
  EXPECT_EQ(again.value().cores, 2);
  EXPECT_EQ(again.value().info.encoder_id, "0123");
  EXPECT_FALSE(again.value().info.dynamic_multimask_via_stability);
  EXPECT_EQ(again.value().info.stability_delta, 0.1f);
  EXPECT_EQ(again.value().info.stability_threshold, 0.9f);
  EXPECT_EQ(again.value().info.mask_threshold, 2.5f);
  EXPECT_EQ(again.value().decoder, folder.path("decoder.bmodel"));
  EXPECT_FALSE(again.value().tracks());
  manifest.memory_attention = "attention.bmodel";
  manifest.memory_encoder = "memory.bmodel";
  manifest.heads = "heads.samc";
  manifest.memory_form = "dealt";
  ASSERT_TRUE(write_manifest(manifest, folder.root().string()).is_ok());
  const auto tracking = read_manifest(folder.root().string());
  ASSERT_TRUE(tracking.is_ok()) << tracking.status().to_string();
  EXPECT_TRUE(tracking.value().tracks());
  EXPECT_EQ(tracking.value().heads, folder.path("heads.samc"));
  EXPECT_EQ(manifest_files(folder.root().string()).size(), 6u);
  const std::string escaping =
      "{\"samc_bmodels\": 1, \"model\": \"m\", \"chip\": \"c\", \"quantize\": \"F16\", \"cores\": 1, \"image_size\": "
      "1, "
      "\"max_points\": 1, \"encoder\": \"../e\", \"decoder\": \"d\"}";
  for (const std::string& text : {std::string(), std::string("[]"), std::string("{\"samc_bmodels\": 2}"),
                                  std::string("{\"samc_bmodels\": 1}"), escaping}) {
    ASSERT_TRUE(write_file(folder.path(kManifestName), text).is_ok());
    EXPECT_FALSE(read_manifest(folder.root().string()).is_ok()) << text;
  }
  ASSERT_TRUE(write_file(folder.path(kManifestName), std::string((1 << 20) + 1, ' ')).is_ok());
  EXPECT_NE(read_manifest(folder.root().string()).status().message().find("more than the 1048576 allowed here"),
            std::string::npos);
}

TEST(Device, WhatIsNotThereIsNamed) {
  EXPECT_EQ(find_device("tpu", "bm1688").status().code(), StatusCode::kUsage);
  const auto sim = find_device("sim", "BM1688", "/nonexistent");
  ASSERT_FALSE(sim.is_ok());
  EXPECT_NE(sim.status().to_string().find("/nonexistent"), std::string::npos);
  EXPECT_FALSE(find_device("sim", "BM1690", "/nonexistent").is_ok());
}

// The decoder of fixed shapes is the decoder of the prompt's own number of points.
TEST(PromptDecoder, AbsentPointsDoNotCount) {
  const auto run = [&](int64_t max_points, const NamedTensors& inputs) {
    TransformOptions options = pico(ModelPart::kDecoder);
    options.max_points = max_points;
    const auto model = TransformedModel::make(options);
    EXPECT_TRUE(model.is_ok()) << model.status().to_string();
    auto outputs = model.value()->run(views_of(inputs), nullptr);
    EXPECT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    return std::move(outputs).value();
  };
  TransformOptions options = pico(ModelPart::kDecoder);
  options.max_points = 3;
  const auto model = TransformedModel::make(options);
  ASSERT_TRUE(model.is_ok());
  for (const float has_mask : {0.0f, 1.0f}) {
    NamedTensors three;
    for (const NamedShape& input : model.value()->inputs()) three[input.name] = waves(input.shape, 0.23);
    three["has_mask_input"].f32()[0] = has_mask;
    const float labels[] = {2, 3, -1};
    std::copy_n(labels, 3, three["point_labels"].f32().data());
    NamedTensors eight;
    for (const auto& [name, tensor] : three) eight[name] = Tensor::copy_of(tensor.view());
    Tensor coords = Tensor::zeros({1, 8, 2});
    std::copy_n(three["point_coords"].f32().data(), 6, coords.f32().data());
    Tensor all_labels({1, 8});
    std::fill_n(all_labels.f32().data(), 8, kAbsentPoint);
    std::copy_n(labels, 3, all_labels.f32().data());
    eight["point_coords"] = std::move(coords);
    eight["point_labels"] = std::move(all_labels);
    const auto list = compare_outputs(run(3, three), run(8, eight));
    ASSERT_TRUE(list.is_ok()) << list.status().to_string();
    for (const auto& output : list.value())
      EXPECT_LT(output.similarity.largest_difference, 1e-5) << output.name << " " << has_mask;
  }
}

// decoder.onnx, cut behind its pad point, is the checkpoint's decoder for every prompt.
TEST(PromptDecoder, OfAnExportIsThatOfTheCheckpoint) {
  const TestFolder folder;
  ASSERT_TRUE(test::write_pico_export(folder.root().string()).is_ok());
  TransformOptions exported = pico(ModelPart::kDecoder);
  exported.model = folder.path("decoder.onnx");
  const auto first = TransformedModel::make(pico(ModelPart::kDecoder)), second = TransformedModel::make(exported);
  ASSERT_TRUE(first.is_ok() && second.is_ok()) << second.status().to_string();
  ASSERT_EQ(second.value()->inputs().size(), 7u);
  const std::vector<std::vector<float>> prompts = {{}, {1, -1}, {2, 3, 0, 1, -1}, {2, 3, 1, 1, 1, 0, 0, -1}};
  for (const std::vector<float>& labels : prompts) {
    NamedTensors inputs;
    for (const NamedShape& input : first.value()->inputs()) inputs[input.name] = waves(input.shape, 0.31);
    std::fill_n(inputs["point_labels"].f32().data(), kDefaultMaxPoints, kAbsentPoint);
    std::copy(labels.begin(), labels.end(), inputs["point_labels"].f32().begin());
    inputs["has_mask_input"].f32()[0] = labels.size() % 2 == 0 ? 1.0f : 0.0f;
    auto a = first.value()->run(views_of(inputs), nullptr), b = second.value()->run(views_of(inputs), nullptr);
    ASSERT_TRUE(a.is_ok() && b.is_ok()) << b.status().to_string();
    a.value().erase("object_score");  // its head is not in an export
    const auto list = compare_outputs(a.value(), b.value());
    ASSERT_TRUE(list.is_ok()) << list.status().to_string();
    for (const auto& output : list.value())
      EXPECT_LT(output.similarity.largest_difference, 2e-5) << output.name << " " << labels.size();
  }
  exported.max_points = 1;
  EXPECT_FALSE(TransformedModel::make(exported).is_ok());
  exported = pico(ModelPart::kEncoder);
  exported.model = folder.path("decoder.onnx");
  EXPECT_FALSE(TransformedModel::make(exported).is_ok());
  exported.model = folder.root().string();
  EXPECT_TRUE(TransformedModel::make(exported).is_ok());
  exported.part.reset();
  EXPECT_FALSE(TransformedModel::make(exported).is_ok());
}

TEST(FusedPicture, HasThePixelsInTheFormatsOrder) {
  Preprocess preprocess;
  preprocess.mean = {10, 20, 30};
  preprocess.scale = {0.5, 0.25, 0.125};
  preprocess.pixel_format = "rgb";
  Tensor image({1, 3, 1, 2});
  const float pixels[] = {4, 250, 0, 8, 255, 16};  // red of both, green, blue
  for (size_t i = 0; i < 6; ++i)
    image.f32()[i] =
        static_cast<float>((static_cast<double>(pixels[i]) - preprocess.mean[i / 2]) * preprocess.scale[i / 2]);
  image.f32()[0] += 0.1f;  // not a whole pixel
  const auto bgr = fuse_picture(image.view(), preprocess, "BGR_PACKED", {1, 3, 4, 3});
  ASSERT_TRUE(bgr.is_ok()) << bgr.status().to_string();
  const float first[] = {255, 0, 4}, second[] = {16, 8, 250};  // in the centre of 3 x 4
  EXPECT_TRUE(std::equal(first, first + 3, bgr.value().pixels.f32().data() + (1 * 4 + 1) * 3));
  EXPECT_TRUE(std::equal(second, second + 3, bgr.value().pixels.f32().data() + (1 * 4 + 2) * 3));
  EXPECT_EQ(bgr.value().normalised.f32()[0], -3.0f);
  const auto rgb = fuse_picture(image.view(), preprocess, "RGB_PLANAR", {1, 3, 1, 2});
  ASSERT_TRUE(rgb.is_ok()) << rgb.status().to_string();
  EXPECT_TRUE(std::equal(pixels, pixels + 6, rgb.value().pixels.f32().data()));
  EXPECT_FALSE(fuse_picture(image.view(), preprocess, "RGB_PLANAR", {1, 3, 1, 1}).is_ok());
  EXPECT_FALSE(fuse_picture(image.view(), preprocess, "GRAYSCALE", {1, 1, 1, 2}).is_ok());
  EXPECT_EQ(default_customization_format("gray"), "GRAYSCALE");
}

TEST(Transform, MistakesAreNamed) {
  TransformOptions options = pico(ModelPart::kEncoder);
  options.output_names = {"nothing"};
  auto result = TransformedModel::make(options);
  ASSERT_FALSE(result.is_ok());
  EXPECT_NE(result.status().to_string().find("high_res_feats_0, high_res_feats_1, image_embed"), std::string::npos);
  options = pico(ModelPart::kEncoder);
  options.input_shapes = {{1, 3, 8, 8}};
  result = TransformedModel::make(options);
  ASSERT_FALSE(result.is_ok());
  EXPECT_NE(result.status().message().find("not (1, 3, 8, 8)"), std::string::npos);
  options = pico(ModelPart::kEncoder);
  options.output_names = {"image_embed"};
  result = TransformedModel::make(options);
  ASSERT_TRUE(result.is_ok()) << result.status().to_string();
  EXPECT_EQ(result.value()->outputs().size(), 1u);
}

TEST(Deploy, ChipsModesAndCoresAreChecked) {
  DeployOptions options;
  options.mlir = "/nonexistent/a.mlir";
  options.output = "/nonexistent/a.bmodel";
  options.chip = "bm1684x";
  options.cores = 2;
  EXPECT_EQ(deploy(options).status().message(), "--num_core 2: bm1684x has 1 core");
  options.chip = "bm1699";
  EXPECT_EQ(deploy(options).status().to_string(), "--chip bm1699 is not known; use one of: bm1684x, bm1688");
  options.chip = "bm1688";
  options.quantize = "F17";
  EXPECT_NE(deploy(options).status().to_string().find("W4BF16"), std::string::npos);
  options.quantize = "F32";
  options.quantize_input = true;
  EXPECT_FALSE(deploy(options).is_ok());
  options.quantize_input = false;
  EXPECT_EQ(deploy(options).status().code(), StatusCode::kIo);  // no such file
}

TEST(TpuMlir, LogsAreJudged) {
  EXPECT_EQ(find_failure("some noise\n[Success]: x\n"), "");
  EXPECT_EQ(find_failure("noise\nppl jit call failed!\n"), "ppl jit call failed!");
  EXPECT_EQ(find_failure("loc(\"blocks.0.q\"): error: 'top.Conv' op requires attribute 'pads'\n"),
            "blocks.0.q: 'top.Conv' op requires attribute 'pads'");
  EXPECT_EQ(find_failure("<unknown>:0: error: loc(\"pe\"): 'top.Conv' op requires attribute 'kernel_shape'\n"),
            "pe: 'top.Conv' op requires attribute 'kernel_shape'");
  EXPECT_EQ(find_failure("model.mlir:3:7: error: custom op 'top.Foo' is unknown\n"),
            "model.mlir:3:7: custom op 'top.Foo' is unknown");
  EXPECT_EQ(find_failure(
                "%1 = \"top.Conv\"(%0) {a = 1} : () -> () loc(\"stem\")\ntpuc-opt: x.cpp:3: Assertion `a' failed.\n"),
            "stem (top.Conv): tpuc-opt: x.cpp:3: Assertion `a' failed.");
}

TEST(TpuMlir, AMissingFolderIsNamed) {
  const auto tools = find_tpu_mlir("/nonexistent");
  ASSERT_FALSE(tools.is_ok());
  EXPECT_NE(tools.status().to_string().find("/nonexistent/bin/tpuc-opt"), std::string::npos);
  EXPECT_NE(tools.status().hint().find("scripts/get-tpu-mlir"), std::string::npos);
}

TEST(EngineEstimate, IsReadFromTheEnd) {
  const auto estimate = parse_engine_estimate(
      "TCYC : 1. (bdc_cycle:2, gdma_cycle:3)\nTCYC : 431309. (bdc_cycle:201133, gdma_cycle:246299)\n"
      "DDR DATASIZE(MB) : 3.216888\nDDR BW USAGE : 30.34843354%\n\n"
      "flops: 6777624, runtime: 0.479232ms, ComputationAbility: 0.014143T\n");
  ASSERT_TRUE(estimate.is_ok());
  EXPECT_EQ(estimate.value().total_cycles, 431309);
  EXPECT_EQ(estimate.value().compute_cycles, 201133);
  EXPECT_EQ(estimate.value().dma_cycles, 246299);
  EXPECT_DOUBLE_EQ(estimate.value().milliseconds, 0.479232);
  const auto other = parse_engine_estimate("TCYC : 61843\nDDR BW USAGE : 20.6%\nflops: 5, runtime: 0.061843ms, x\n");
  ASSERT_TRUE(other.is_ok());
  EXPECT_EQ(other.value().compute_cycles, 0);
  EXPECT_FALSE(parse_engine_estimate("").is_ok());
}

TEST(Bmodel, DamageIsAnError) {
  std::vector<std::byte> bytes(64);
  EXPECT_FALSE(Bmodel::parse(bytes).is_ok());
  const uint32_t head[] = {0xFF55AAEE, 64, 4};
  std::memcpy(bytes.data(), head, sizeof(head));
  EXPECT_FALSE(Bmodel::parse(bytes).is_ok());  // cut short
  bytes.resize(68);
  EXPECT_FALSE(Bmodel::parse(bytes).is_ok());  // a root at itself
  bytes[64] = std::byte{200};
  EXPECT_FALSE(Bmodel::parse(bytes).is_ok());
}

// A bmodel whose table of contents is a list that says it has `count` networks and has `nets`, all of the same name.
std::string bmodel_of(uint32_t count, uint32_t nets, uint32_t name_bytes) {
  const auto bytes_of = [](auto value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  std::string flat = bytes_of(uint32_t{20});  // where the root is
  // Its fields: the fifth alone, at 4.
  for (const uint16_t entry : {14, 8, 0, 0, 0, 0, 4, 0}) flat += bytes_of(entry);
  flat += bytes_of(int32_t{16}) + bytes_of(uint32_t{4}) + bytes_of(count);
  const uint32_t list = 32, net = list + 4 * nets + 8;
  for (uint32_t i = 0; i < nets; ++i) flat += bytes_of(net - (list + 4 * i));
  // A network's fields: the first alone, its name, at 4.
  for (const uint16_t entry : {6, 8, 4, 0}) flat += bytes_of(entry);
  flat += bytes_of(int32_t{8}) + bytes_of(uint32_t{4}) + bytes_of(name_bytes) + std::string(name_bytes, 'n');
  const std::string head =
      bytes_of(uint32_t{0xFF55AAEE}) + bytes_of(uint32_t{64}) + bytes_of(static_cast<uint32_t>(flat.size()));
  return head + std::string(64 - head.size(), '\0') + flat;
}
Result<Bmodel> read_bmodel(const std::string& bytes) { return Bmodel::parse(std::as_bytes(std::span(bytes))); }

TEST(Bmodel, ListsAndTextsAreBounded) {
  const Result<Bmodel> read = read_bmodel(bmodel_of(10'000, 10'000, 1'000));
  ASSERT_TRUE(read.is_ok()) << read.status().to_string();
  EXPECT_EQ(read.value().networks.size(), 10'000u);
  EXPECT_EQ(read.value().networks.back().name, std::string(1'000, 'n'));
  EXPECT_TRUE(read_bmodel(bmodel_of(65'536, 65'536, 1)).is_ok());
  const auto expect_damaged = [](const std::string& bytes) {
    EXPECT_EQ(read_bmodel(bytes).status().message(), "its table of contents is damaged");
  };
  expect_damaged(bmodel_of(65'537, 65'537, 1));
  expect_damaged(bmodel_of(20'000, 20'000, 1'000));  // texts of 20 MB, all of them the same
  expect_damaged(bmodel_of(10'000, 1, 1));
}

TEST(Similarity, MeasuresAndRefusals) {
  Tensor a({2}), b({2});
  a.f32()[0] = 1, a.f32()[1] = 0, b.f32()[0] = 0, b.f32()[1] = 1;
  EXPECT_EQ(compare(a.view(), a.view()).cosine, 1);
  EXPECT_EQ(compare(a.view(), b.view()).cosine, 0);
  b.f32()[1] = NAN;
  EXPECT_EQ(compare(a.view(), b.view()).euclidean, 0);
  NamedTensors left, right;
  EXPECT_FALSE(compare_outputs(left, right).is_ok());  // nothing compared is a failure
  left["x"] = Tensor::copy_of(a.view());
  EXPECT_FALSE(compare_outputs(left, right).is_ok());
  right["x_f32"] = Tensor::copy_of(a.view());
  EXPECT_TRUE(compare_outputs(left, right).is_ok());
}

TEST(ChildProcess, RunsInItsFolderWithItsEnvironmentAlone) {
  const TestFolder folder;
  std::string inside;
  {
    auto work = TemporaryFolder::beside(folder.path("result"));
    ASSERT_TRUE(work.is_ok());
    inside = work.value().path();
    const auto result = run_child({{"/bin/sh", "-c", "pwd; env; exit 3"}, {"ONLY=this"}, inside, inside + "/log", {}});
    ASSERT_TRUE(result.is_ok()) << result.status().to_string();
    EXPECT_EQ(result.value().exit_code, 3);
    const auto log = read_text_file(inside + "/log", 10000);
    ASSERT_TRUE(log.is_ok());
    EXPECT_NE(log.value().find(inside), std::string::npos);
    EXPECT_NE(log.value().find("ONLY=this"), std::string::npos);
    EXPECT_EQ(log.value().find("HOME="), std::string::npos);
    EXPECT_FALSE(run_child({{"/nonexistent"}, {}, inside, inside + "/log", {}}).is_ok());
  }
  EXPECT_FALSE(fs::exists(inside));
}

}  // namespace
}  // namespace samc::sophgo
