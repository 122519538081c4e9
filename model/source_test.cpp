// What the door promises: of each kind of model the facts arrive and the functions are built; each refusal and each
// fact that a format cannot keep is named.

#include "model/source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "base/files.h"
#include "base/test_folder.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/identity.h"
#include "model/recognise.h"
#include "package/format.h"
#include "tests/support/pico_export.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

const std::string kPico = SAMC_SOURCE_DIR "/tests/data/pico/";

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Door : public testing::Test {
 protected:
  static ModelSource opened(const SourceOptions& options, Format format = Format::kModule) {
    Result<ModelSource> source = ModelSource::open(options, format);
    SAMC_CHECK(source.is_ok(), "{}", source.status().to_string());
    return std::move(source).value();
  }
  static void expect_refused(const SourceOptions& options, StatusCode code, const std::vector<std::string>& parts) {
    const Status status = ModelSource::open(options, Format::kModule).status();
    EXPECT_EQ(status.code(), code) << status.to_string();
    for (const std::string& part : parts) EXPECT_TRUE(contains(status.to_string(), part)) << status.to_string();
  }
  // Every function of it, by its name.
  static std::vector<std::string> functions_of(const ModelSource& source) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    load_dialects(context);
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    WeightStore weights;
    GraphBuilder graph(*module, weights);
    for (const Status& status : {source.build_image_encoder(graph), source.build_mask_encoder(graph),
                                 source.build_no_mask(graph), source.build_mask_decoder(3, graph)})
      EXPECT_TRUE(status.is_ok()) << status.to_string();
    const Status complete = verify_weights(*module, weights);
    EXPECT_TRUE(complete.is_ok()) << complete.to_string();
    std::vector<std::string> names;
    for (auto function : module->getOps<mlir::func::FuncOp>()) names.push_back(function.getName().str());
    return names;
  }
  // pico.pt under another name, with a config of these lines more.
  std::string checkpoint_with(const std::string& name, const std::string& more) const {
    fs::copy_file(kPico + "pico.pt", folder_.path(name + ".pt"), fs::copy_options::overwrite_existing);
    const std::string yaml = read_text_file(kPico + "pico.yaml", 1 << 20).value() + more;
    EXPECT_TRUE(write_file(folder_.path(name + ".yaml"), yaml).is_ok());
    return folder_.path(name + ".pt");
  }
  std::string exported() const {
    const Status status = write_pico_export(folder_.path("exported"));
    EXPECT_TRUE(status.is_ok()) << status.to_string();
    return folder_.path("exported");
  }

  const TestFolder folder_;
};

const std::vector<std::string> kFunctions = {"image_encoder", "mask_encoder", "no_mask", "mask_decoder"};

TEST_F(Door, OfACheckpointAllFactsArrive) {
  const std::string model = checkpoint_with("tuned",
                                            "  sam_mask_decoder_extra_args:\n"
                                            "    dynamic_multimask_via_stability: false\n"
                                            "    dynamic_multimask_stability_delta: 0.125\n"
                                            "    dynamic_multimask_stability_thresh: 0.5\n");
  const ModelSource source = opened({.model = model});
  const ModelInfo& info = source.info();
  EXPECT_EQ(info.name, "tuned");
  EXPECT_EQ(info.image_size, 256);
  EXPECT_FALSE(info.dynamic_multimask_via_stability);
  EXPECT_EQ(info.stability_delta, 0.125f);
  EXPECT_EQ(info.stability_threshold, 0.5f);
  EXPECT_EQ(info.pixel_mean, ModelInfo().pixel_mean);
  EXPECT_EQ(info.pixel_std, ModelInfo().pixel_std);
  EXPECT_EQ(info.mask_threshold, 0.0f);
  const Checkpoint checkpoint = Checkpoint::open(model).value();
  EXPECT_EQ(info.encoder_id, encoder_identity(read_config(folder_.path("tuned.yaml")).value(), checkpoint).value());
  EXPECT_TRUE(contains(source.why(), "tuned.yaml")) << source.why();
  EXPECT_TRUE(source.warnings().empty()) << source.warnings()[0];
  EXPECT_EQ(functions_of(source), kFunctions);
  EXPECT_EQ(source_files({.model = model}).value(), (std::vector<std::string>{model, folder_.path("tuned.yaml")}));
}

TEST_F(Door, OptionsTakeThePlaceOfWhatIsFound) {
  const SourceOptions options{.model = kPico + "pico.pt", .config = kPico + "pico.yaml", .image_size = 320};
  const ModelSource source = opened(options);
  EXPECT_EQ(source.info().image_size, 320);
  EXPECT_NE(source.info().encoder_id, opened({.model = kPico + "pico.pt"}).info().encoder_id);
  EXPECT_TRUE(contains(source.why(), "--image-size")) << source.why();
}

TEST_F(Door, OfAnExportAllFactsArrive) {
  const std::string folder = exported();
  const ModelSource source = opened({.model = folder});
  EXPECT_EQ(source.info().name, "exported");
  EXPECT_EQ(source.info().image_size, 256);
  EXPECT_FALSE(source.info().encoder_id.empty());
  EXPECT_TRUE(contains(source.why(), "ONNX export, opset 17")) << source.why();
  EXPECT_TRUE(source.warnings().empty()) << source.warnings()[0];
  EXPECT_EQ(functions_of(source), kFunctions);
  const std::vector<std::string> files = source_files({.model = folder}).value();
  EXPECT_EQ(std::count(files.begin(), files.end(), folder + "/encoder.onnx"), 1);
  EXPECT_EQ(std::count(files.begin(), files.end(), folder + "/decoder.onnx"), 1);
}

// Two functions, of whatever kind, share one set of weights.
TEST_F(Door, WeightsAreAddedOnce) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  load_dialects(context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  const ModelSource source = opened({.model = kPico + "pico.pt"});
  WeightStore weights;
  GraphBuilder graph(*module, weights);
  ASSERT_TRUE(source.build_no_mask(graph).is_ok());
  ASSERT_TRUE(source
                  .build(graph,
                         [&](const auto& model) {
                           EXPECT_TRUE(weights.contains("no_mem_embed"));
                           return build_no_mask(model, graph, "again");
                         })
                  .is_ok());
}

TEST_F(Door, WeightsThatAreNotFiniteAreSaidOfEveryKind) {
  // The last bytes of the export's data are a weight's.
  const std::string folder = exported();
  std::string data_file;
  const std::vector<std::string> files = source_files({.model = folder}).value();
  for (const std::string& file : files)
    if (!file.ends_with(".onnx")) data_file = file;
  ASSERT_FALSE(data_file.empty());
  std::string data = read_text_file(data_file, size_t{1} << 30).value();
  const float infinite = std::numeric_limits<float>::infinity();
  data.replace(data.size() - sizeof infinite, sizeof infinite, reinterpret_cast<const char*>(&infinite),
               sizeof infinite);
  ASSERT_TRUE(write_file(data_file, data).is_ok());
  for (const Format format : {Format::kModule, Format::kOnnxExport, Format::kEncoderMlir, Format::kBmodels}) {
    const ModelSource source = opened({.model = folder}, format);
    ASSERT_EQ(source.warnings().size(), 1u);
    EXPECT_TRUE(contains(source.warnings()[0], "0 NaN and 1 infinite")) << source.warnings()[0];
  }
}

TEST_F(Door, WhatIsNoModelIsNamed) {
  const std::string folder = exported();
  expect_refused({.model = folder_.path("absent.pt")}, StatusCode::kIo, {"absent.pt"});
  expect_refused({.model = folder + "/encoder.onnx"}, StatusCode::kInvalidInput,
                 {"encoder.onnx is one ONNX file", "the folder that holds"});
  expect_refused({.model = folder_.path("")}, StatusCode::kIo, {"encoder.onnx"});
  const std::string magic(kModuleMagic.begin(), kModuleMagic.end());
  ASSERT_TRUE(write_file(folder_.path("x.samc"), magic + "more").is_ok());
  expect_refused({.model = folder_.path("x.samc")}, StatusCode::kInvalidInput, {"x.samc is already compiled"});
  ASSERT_TRUE(write_file(folder_.path("empty.pt"), "").is_ok());
  EXPECT_FALSE(ModelSource::open({.model = folder_.path("empty.pt")}, Format::kModule).is_ok());
}

TEST_F(Door, OptionsOfAnotherKindAreRefused) {
  const std::string folder = exported();
  expect_refused({.model = folder, .image_size = 512}, StatusCode::kUsage, {"--image-size is for checkpoints", folder});
  expect_refused({.model = folder, .config = kPico + "pico.yaml"}, StatusCode::kUsage, {"--config is for checkpoints"});
  expect_refused({.model = kPico + "pico.pt", .image_size = 300}, StatusCode::kUsage, {"--image-size 300"});
  expect_refused({.model = kPico + "pico.pt", .config = folder_.path("none.yaml")}, StatusCode::kIo, {"none.yaml"});
}

// Which facts a format keeps. ModelInfo's fields are counted where lost_facts() is: a new one does not compile there.
TEST(LostFacts, EachIsNamedWhereAFormatCannotKeepIt) {
  const auto keys_lost = [](const ModelInfo& info, Format format) { return lost_facts(info, format).size(); };
  ModelInfo info;
  for (const Format format :
       {Format::kModule, Format::kOnnxExport, Format::kEncoderMlir, Format::kDecoderMlir, Format::kBmodels})
    EXPECT_EQ(keys_lost(info, format), 0u);
  info.name = "another";
  info.encoder_id = "0123";
  info.image_size = 512;
  for (const Format format : {Format::kOnnxExport, Format::kEncoderMlir, Format::kDecoderMlir, Format::kBmodels})
    EXPECT_EQ(keys_lost(info, format), 0u);
  info.pixel_mean[0] = 0.5f;
  info.pixel_std[2] = 1.0f;
  info.mask_threshold = 0.25f;
  info.dynamic_multimask_via_stability = false;
  info.stability_delta = 0.1f;
  info.stability_threshold = 0.9f;
  EXPECT_EQ(keys_lost(info, Format::kModule), 0u);
  EXPECT_EQ(keys_lost(info, Format::kOnnxExport), 6u);
  EXPECT_EQ(keys_lost(info, Format::kEncoderMlir), 2u);  // what is done before the encoder
  EXPECT_EQ(keys_lost(info, Format::kDecoderMlir), 4u);  // and behind the decoder
  EXPECT_EQ(keys_lost(info, Format::kBmodels), 2u);
  EXPECT_EQ(
      lost_facts(info, Format::kDecoderMlir)[2],
      "the MLIR of a part cannot hold sam_mask_decoder_extra_args.dynamic_multimask_stability_delta 0.1: who runs "
      "it takes 0.05");
}

}  // namespace
}  // namespace samc::test
