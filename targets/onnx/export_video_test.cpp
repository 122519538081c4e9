// The files of export --video, read again by onnx/, compute what the functions of model/build_video.h compute, for
// several numbers of memories and pointers. scripts/onnx_video asks ONNX Runtime and OpenVINO the same, and tracks.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/test_folder.h"
#include "model/build_video.h"
#include "model/recognise.h"
#include "targets/onnx/export_model.h"
#include "targets/onnx/testing_export.h"
#include "tests/support/official_yaml.h"

namespace samc::onnx_target {
namespace {

constexpr double kTolerance = 1e-6;  // of the largest value
const std::string kPico = SAMC_SOURCE_DIR "/tests/data/pico/pico";

// pico as SAM 2.1, as it is, and as SAM 2.0: without an embedding for absent objects, pointers without times.
struct Case {
  bool is_2_1 = true;
  int64_t opset = 17;
};

class ExportVideo : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    options_.model = kPico + ".pt";
    if (!GetParam().is_2_1) write_older_pico();
    options_.opset = GetParam().opset;
    options_.for_video = true;
    const auto files = export_model(options_, folder_.path("exported"));
    ASSERT_TRUE(files.is_ok()) << files.status().to_string();
    ASSERT_EQ(files.value().size(), 6u);
    for (const ExportedFile& file : files.value())
      EXPECT_EQ(read_proto(file.path).opset_import(0).version(), options_.opset);
    Result<ModelSource> source = ModelSource::open(options_, Format::kOnnxExport);
    ASSERT_TRUE(source.is_ok()) << source.status().to_string();
    source_.emplace(std::move(source).value());
  }

  void write_older_pico() {
    ModelConfig config = read_config(kPico + ".yaml").value();
    config.no_obj_embed_spatial = config.add_tpos_enc_to_obj_ptrs = config.proj_tpos_enc_in_obj_ptrs = false;
    config.use_signed_tpos_enc_to_obj_ptrs = false;
    std::vector<test::NamedShape> shapes;
    for (const TensorSpec& tensor : expected_tensors(config)) shapes.push_back({tensor.name, tensor.shape});
    options_.model = folder_.path("older.pt");
    ASSERT_TRUE(test::write_hash_checkpoint(options_.model, shapes).is_ok());
    ASSERT_TRUE(write_file(folder_.path("older.yaml"), test::official_yaml(config)).is_ok());
  }

  std::string exported(const std::string& name) const { return folder_.path("exported/" + name); }

  // The function as the builders make it, in the interpreter.
  template <class Build>
  NamedTensors wanted(const Build& build, const NamedViews& inputs) {
    mlir::MLIRContext context;
    load_dialects(context);
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    WeightStore weights;
    GraphBuilder graph(*module, weights);
    const Status built =
        source_->build_of_config(graph, [&](const ModelConfig& config) { return build(config, graph); });
    EXPECT_TRUE(built.is_ok()) << built.to_string();
    Result<NamedTensors> outputs = interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs, weights);
    EXPECT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    return outputs.is_ok() ? std::move(outputs).value() : NamedTensors();
  }

  NamedTensors given(const std::string& file, const NamedViews& inputs) {
    onnx::SimplifyOptions options;
    for (const auto& [name, view] : inputs) options.input_shapes[name] = view.shape;
    return run(exported(file), options, inputs);
  }

  void expect_attention(int64_t memories, int64_t pointers) {
    SCOPED_TRACE(fmt::format("{} memories, {} pointers", memories, pointers));
    const Tensor memory = scaled("test.memory", {1, memories * kSide * kSide, kM}, 16);
    const Tensor object_pointers = scaled("test.pointers", {1, pointers, kC}, 16);
    Tensor memory_times({1, memories}), pointer_times({1, pointers});
    for (int64_t i = 0; i < memories; ++i) memory_times.f32()[static_cast<size_t>(i)] = static_cast<float>(i % 7);
    for (int64_t i = 0; i < pointers; ++i) pointer_times.f32()[static_cast<size_t>(i)] = static_cast<float>(i - 3) / 15;
    NamedViews inputs = {{"vision_features", features_.view()},
                         {"memory", memory.view()},
                         {"memory_times", memory_times.view()},
                         {"object_pointers", object_pointers.view()}};
    if (GetParam().is_2_1) inputs["pointer_times"] = pointer_times.view();
    const NamedTensors outputs =
        wanted([&](const ModelConfig& config,
                   GraphBuilder& graph) { return build_memory_attention(config, memories, pointers, graph); },
               inputs);
    expect_equal(outputs, given("memory_attention.onnx", inputs), kTolerance);
  }

  static constexpr int64_t kS = 256, kC = 64, kSide = 16, kM = 16;
  const TestFolder folder_;
  ExportOptions options_;
  std::optional<ModelSource> source_;
  const Tensor features_ = scaled("test.features", {1, kC, kSide, kSide}, 16);
};

TEST_P(ExportVideo, memory_attention_takes_any_number_of_memories_and_pointers) {
  for (const auto& [memories, pointers] : {std::pair<int64_t, int64_t>{1, 1}, {3, 2}, {2, 5}, {7, 16}})
    expect_attention(memories, pointers);
}

TEST_P(ExportVideo, memory_encoder_is_the_function_of_its_name) {
  const Tensor logits = scaled("test.mask", {1, 1, kS, kS}, 64);
  for (const float score : {3.0f, -3.0f}) {
    NamedViews inputs = {{"vision_features", features_.view()}, {"mask_logits", logits.view()}};
    if (GetParam().is_2_1) inputs["object_score"] = {DType::kF32, {1, 1}, &score};
    const NamedTensors outputs = wanted(
        [](const ModelConfig& config, GraphBuilder& graph) { return build_memory_encoder(config, graph); }, inputs);
    expect_equal(outputs, given("memory_encoder.onnx", inputs), kTolerance);
  }
}

TEST_P(ExportVideo, object_pointer_and_mask_downsample_are_the_functions_of_their_names) {
  const Tensor token = scaled("test.token", {1, kC}, 16);
  for (const float score : {3.0f, -3.0f})
    for (const float present : {0.0f, 1.0f}) {
      const NamedViews inputs = {{"mask_token", token.view()},
                                 {"object_score", {DType::kF32, {1, 1}, &score}},
                                 {"mask_present", {DType::kF32, {1, 1}, &present}}};
      const NamedTensors outputs = wanted(
          [](const ModelConfig& config, GraphBuilder& graph) { return build_object_pointer(config, graph); }, inputs);
      expect_equal(outputs, given("object_pointer.onnx", inputs), kTolerance);
    }
  Tensor mask = scaled("test.mask", {1, 1, kS, kS}, 64);
  for (float& value : mask.f32()) value = value > 0 ? 1.0f : 0.0f;
  const NamedViews inputs = {{"mask", mask.view()}};
  const NamedTensors outputs = wanted(
      [](const ModelConfig& config, GraphBuilder& graph) { return build_mask_downsample(config, graph); }, inputs);
  expect_equal(outputs, given("mask_downsample.onnx", inputs), kTolerance);
}

TEST_P(ExportVideo, encoder_and_decoder_give_more_behind_what_they_give_without) {
  ExportOptions image_only = options_;
  image_only.for_video = false;
  ASSERT_TRUE(export_model(image_only, folder_.path("image")).is_ok());
  const Tensor image = scaled("test.image", {1, 3, kS, kS}, 256), mask = scaled("test.mask", {1, 1, 64, 64}, 64);
  Tensor coords({1, 2, 2}), labels({1, 2});
  for (size_t i = 0; i < 4; ++i) coords.f32()[i] = static_cast<float>(i) * 31 + 40;
  labels.f32()[0] = 1;
  const float has_mask = 1;
  const NamedViews of_encoder = {{"image", image.view()}};
  const NamedTensors features = given("encoder.onnx", of_encoder);
  NamedViews of_decoder = {{"point_coords", coords.view()},
                           {"point_labels", labels.view()},
                           {"mask_input", mask.view()},
                           {"has_mask_input", {DType::kF32, {1}, &has_mask}}};
  for (const char* name : {"image_embed", "high_res_feats_0", "high_res_feats_1"})
    of_decoder[name] = features.at(name).view();

  for (const auto& [file, inputs, added] :
       {std::tuple{"encoder.onnx", of_encoder, std::vector<std::string>{"vision_features"}},
        {"decoder.onnx", of_decoder, {"low_res_logits", "object_score", "mask_tokens"}}}) {
    SCOPED_TRACE(file);
    const onnx::ModelProto with = read_proto(exported(file));
    const onnx::ModelProto without = read_proto(folder_.path(fmt::format("image/{}", file)));
    std::vector<std::string> names, more;
    for (const auto& output : without.graph().output()) names.push_back(output.name());
    for (const auto& output : with.graph().output()) more.push_back(output.name());
    names.insert(names.end(), added.begin(), added.end());
    EXPECT_EQ(more, names);
    EXPECT_EQ(interface_of(with.graph().input()), interface_of(without.graph().input()));

    onnx::SimplifyOptions shapes;
    for (const auto& [name, view] : inputs) shapes.input_shapes[name] = view.shape;
    NamedTensors all = given(file, inputs);
    for (const std::string& name : added) EXPECT_EQ(all.erase(name), 1u) << name;
    expect_equal(run(folder_.path(fmt::format("image/{}", file)), shapes, inputs), all, 0);
  }

  const NamedTensors whole =
      wanted([](const ModelConfig& config,
                GraphBuilder& graph) { return build_image_encoder(config, graph, kImageEncoder, true); },
             of_encoder);
  expect_equal(whole, features, kTolerance);
  // Three masks are the last of four within limits.
  const NamedTensors decoded = given("decoder.onnx", of_decoder);
  const std::span<const float> three = decoded.at("masks").f32(), four = decoded.at("low_res_logits").f32();
  const size_t pixels = three.size() / 3;
  for (size_t i = 0; i < three.size(); ++i) ASSERT_EQ(three[i], std::clamp(four[pixels + i], -32.0f, 32.0f));
}

TEST_P(ExportVideo, files_say_what_is_free_and_what_a_tracker_has_to_know) {
  const onnx::ModelProto attention = read_proto(exported("memory_attention.onnx"));
  Interface inputs = {{"vision_features", {"1", "64", "16", "16"}},
                      {"memory", {"1", "256*memories", "16"}},
                      {"memory_times", {"1", "memories"}},
                      {"object_pointers", {"1", "pointers", "64"}}};
  if (GetParam().is_2_1) inputs["pointer_times"] = {"1", "pointers"};
  EXPECT_EQ(interface_of(attention.graph().input()), inputs);
  EXPECT_EQ(interface_of(attention.graph().output()), (Interface{{"image_embed", {"1", "64", "16", "16"}}}));
  std::map<std::string, std::string> properties;
  for (const onnx::StringStringEntryProto& entry : attention.metadata_props()) properties[entry.key()] = entry.value();
  EXPECT_EQ(properties.size(), 17u);
  EXPECT_EQ(properties["image_size"], "256");
  EXPECT_EQ(properties["num_maskmem"], "7");
  EXPECT_EQ(properties["max_cond_frames_in_attn"], "-1");
  EXPECT_EQ(properties["use_signed_tpos_enc_to_obj_ptrs"], GetParam().is_2_1 ? "true" : "false");

  const onnx::ModelProto encoder = read_proto(exported("memory_encoder.onnx"));
  EXPECT_EQ(interface_of(encoder.graph().input()).count("object_score"), GetParam().is_2_1 ? 1u : 0u);
  for (const std::string& name : exported_files(true)) {
    const onnx::Model written = onnx::Model::load(exported(name)).value();
    const std::map<std::string, int64_t> counts = onnx::count_operators(written.graph);
    for (const char* gone : {"Mod", "Size", "If", "Shape", "Loop", "ConstantOfShape", "Range", "ScatterND", "Einsum"})
      EXPECT_EQ(counts.count(gone), 0u) << gone << " in " << name;
  }
}

INSTANTIATE_TEST_SUITE_P(, ExportVideo,
                         testing::Values(Case{true, 17}, Case{true, 13}, Case{true, 20}, Case{false, 18}),
                         [](const auto& parameter) {
                           return fmt::format("sam2_{}_opset_{}", parameter.param.is_2_1 ? 1 : 0,
                                              parameter.param.opset);
                         });

TEST(ExportVideoErrors, models_that_cannot_track_leave_nothing_behind) {
  const TestFolder folder;
  ExportOptions options;
  options.model = kPico + ".pt";
  ASSERT_TRUE(export_model(options, folder.path("image")).is_ok());
  ModelConfig config = read_config(kPico + ".yaml").value();
  config.directly_add_no_mem_embed = false;
  ASSERT_TRUE(write_file(folder.path("other.yaml"), test::official_yaml(config)).is_ok());

  options.for_video = true;
  options.model = folder.path("image");
  const Status of_export = export_model(options, folder.path("new")).status();
  EXPECT_EQ(of_export.to_string(),
            "image is an ONNX export, which holds no parts for video; give the checkpoint (.pt) that it was made from");
  options.model = kPico + ".pt";
  options.config = folder.path("other.yaml");
  const Status of_config = export_model(options, folder.path("new")).status();
  EXPECT_NE(of_config.to_string().find("directly_add_no_mem_embed is false cannot track"), std::string::npos)
      << of_config.to_string();
  EXPECT_FALSE(std::filesystem::exists(folder.path("new")));
}

}  // namespace
}  // namespace samc::onnx_target
