// ONNX models on the command line: pico as samexporter exports it, unmodified.

#include <fmt/format.h>

#include <cmath>

#include "media/image.h"
#include "media/npy.h"
#include "media/npz.h"
#include "tests/support/command_line.h"
#include "tests/support/hash_weights.h"
#include "tests/support/pico_export.h"

namespace samc::test {
namespace {

class OnnxCommandLine : public CommandLine {
 protected:
  static void SetUpTestSuite() {
    CommandLine::SetUpTestSuite();
    exported_ = new TestFolder;
    ASSERT_TRUE(write_pico_export(exported("")).is_ok());
  }
  static void TearDownTestSuite() {
    delete exported_;
    exported_ = nullptr;
    CommandLine::TearDownTestSuite();
  }
  static std::string exported(const std::string& name) { return exported_->path(name); }

  // With the flags of the walk that samc began with.
  ProcessResult transform(std::vector<std::string> more = {}) {
    std::vector<std::string> call = {"transform",
                                     "--model_name",
                                     "sam2_encoder",
                                     "--model_def",
                                     exported("encoder.onnx"),
                                     "--input_shapes",
                                     "[[1,3,256,256]]",
                                     "--mean",
                                     "123.675,116.28,103.53",
                                     "--scale",
                                     "0.01712475,0.017507,0.01742919",
                                     "--pixel_format",
                                     "rgb",
                                     "--mlir",
                                     path("sam2_encoder.mlir")};
    call.insert(call.end(), more.begin(), more.end());
    return samc(call);
  }
  static void expect_parts(const std::string& text, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << ": " << text;
  }

 private:
  static inline TestFolder* exported_ = nullptr;
};

// The largest difference over the largest value; wanted holds samples (k 2654435761 mod size) of given.
double sampled_error(const Tensor& wanted, const Tensor& given) {
  double error = 0, largest = 0;
  for (size_t k = 0; k < static_cast<size_t>(wanted.count()); ++k) {
    const double value = static_cast<double>(wanted.f32()[k]);
    const size_t at = k * size_t{2654435761} % static_cast<size_t>(given.count());
    largest = std::max(largest, std::abs(value));
    error = std::max(error, std::abs(value - static_cast<double>(given.f32()[at])));
  }
  return error / largest;
}

TEST_F(OnnxCommandLine, transform_shows_how_mod_size_and_if_vanish) {
  const ProcessResult result = transform({"--output_name", "high_res_feats_0,high_res_feats_1,image_embed"});
  expect_done(result);
  expect_parts(result.out, {"pixel_format       rgb", "mean               123.675, 116.28, 103.53", "opset 17:"});
  const size_t read = result.out.find("read  "), gone = result.out.find("gone: "), top = result.out.find("top ops: ");
  ASSERT_TRUE(read < gone && gone < top && top != std::string::npos) << result.out;
  for (const char* name : {"Mod 32", "Size 1", "If 2", "Greater 1", "Less 1"}) {
    EXPECT_LT(result.out.find(name, read), gone) << name;
    EXPECT_LT(result.out.find(name, gone), top) << name;
    EXPECT_EQ(result.out.find(name, top), std::string::npos) << name;
  }
  const std::string text = bytes_of(path("sam2_encoder.mlir"));
  expect_parts(text, {"module @sam2_encoder", "pixel_format = \"rgb\"", "top.MatMul"});
  for (const char* op : {"top.Mod", "top.Size", "top.If"}) EXPECT_EQ(text.find(op), std::string::npos);
}

TEST_F(OnnxCommandLine, transform_says_which_flags_have_no_effect) {
  const ProcessResult result =
      transform({"--dynamic", "--excepts", "a,b", "--tolerance", "0.9,0.8", "--debug", "--not_inference",
                 "--cache_skip", "--do_onnx_sim", "False", "--shape_influencing_input_names", "image"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* flag : {"--dynamic", "--excepts", "--tolerance", "--debug", "--cache_skip", "--do_onnx_sim",
                           "--shape_influencing_input_names"})
    expect_parts(result.err, {std::string("warning: ") + flag + " has no effect: "});
}

TEST_F(OnnxCommandLine, transform_writes_the_preprocess_configuration) {
  const ProcessResult result =
      transform({"--resize_dims", "300,400", "--keep_aspect_ratio", "--keep_ratio_mode", "letterbox", "--pad_value",
                 "114", "--pad_type", "normal", "--channel_format", "nchw", "--output_names", "image_embed"});
  expect_done(result);
  expect_parts(result.out,
               {"resize_dims        300, 400", "keep_aspect_ratio  true", "pad_value          114, normal"});
  expect_parts(bytes_of(path("sam2_encoder.mlir")),
               {"resize_dims = [300, 400]", "keep_aspect_ratio = true", "keep_ratio_mode = \"letterbox\"",
                "pad_value = 114", "pad_type = \"normal\"", "channel_format = \"nchw\"", "pixel_format = \"rgb\""});
}

TEST_F(OnnxCommandLine, transform_and_export_take_the_model_that_comes_with_samc) {
  expect_done(
      samc({"transform", "--model_name", "m", "--model_def", "mini", "--part", "encoder", "--mlir", path("m.mlir")}));
  const ProcessResult result = samc({"export", "mini", "-o", path("mini")});
  expect_done(result);
  expect_parts(samc({"inspect", path("mini"), "--summary"}).out, {"a model that compiles"});
}

TEST_F(OnnxCommandLine, export_of_the_export_has_no_shape_arithmetic) {
  expect_done(samc({"export", exported(""), "-o", path("clean")}));
  for (const char* file : {"clean/encoder.onnx", "clean/decoder.onnx"}) {
    const ProcessResult result = samc({"inspect", path(file)});
    expect_parts(result.out, {"made by samc", "unsupported nothing"});
    for (const char* gone : {"Mod ", "Size ", "If ", "Shape ", "ConstantOfShape ", "Range "})
      EXPECT_EQ(result.out.find(gone), std::string::npos) << gone;
  }
}

TEST_F(OnnxCommandLine, transform_runs_arrays_as_onnx_runtime_does) {
  Tensor image = hash_weights("test.image", {1, 3, 256, 256});
  for (float& value : image.f32()) value *= 256;
  const std::vector<std::pair<std::string, TensorView>> arrays = {{"image", image.view()}};
  ASSERT_TRUE(write_npz(path("in.npz"), arrays).is_ok());
  expect_done(transform({"--test_input", path("in.npz"), "--test_result", path("out.npz")}));
  const Npz result = Npz::read(path("out.npz")).value();
  const Npz expected = Npz::read(kData + "pico/onnx/expected.npz").value();
  ASSERT_EQ(result.arrays().size(), 3u);
  for (const auto& [name, tensor] : result.arrays())
    EXPECT_LE(sampled_error(*expected.get("encoder." + name).value(), tensor), 1e-4) << name;
}

TEST_F(OnnxCommandLine, transform_runs_a_picture_through_the_preprocessing) {
  expect_done(transform({"--test_input", kTruck, "--test_result", path("out.npz")}));
  const Npz result = Npz::read(path("out.npz")).value();
  const Npz golden = Npz::read(kData + "pico/golden.npz").value();
  for (const auto& [name, tensor] : result.arrays())
    EXPECT_LE(sampled_error(*golden.get("encoder." + name).value(), tensor), 1e-3) << name;
}

TEST_F(OnnxCommandLine, transform_turns_a_picture_upright_unless_told_not_to) {
  const std::string turned = kFormats + "orientation6.png";
  const Image as_stored = read_image(turned, nullptr, kMostPixels, Orientation::kAsStored).value();
  ASSERT_TRUE(write_png(path("stored.png"), as_stored).is_ok());
  const auto result_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--test_result", path("out.npz")});
    expect_done(transform(arguments));
    return bytes_of(path("out.npz"));
  };
  const std::string stored = result_of({"--test_input", path("stored.png")});
  EXPECT_EQ(result_of({"--test_input", turned, "--ignore-orientation"}), stored);
  EXPECT_NE(result_of({"--test_input", turned}), stored);
}

TEST_F(OnnxCommandLine, transform_makes_the_decoder_at_fixed_shapes) {
  const std::vector<std::string> call = {
      "transform", "--model_name", "sam2_decoder", "--model_def", exported("decoder.onnx"), "--mlir", path("d.mlir")};
  expect_error(samc(call), 1, {"num_labels", "--input_shapes"});
  std::vector<std::string> fixed = call;
  fixed.insert(fixed.end(),
               {"--input_shapes", "[[1,64,16,16],[1,8,64,64],[1,16,32,32],[1,2,2],[1,2],[1,1,64,64],[1]]"});
  const ProcessResult result = samc(fixed);
  expect_done(result);
  expect_parts(result.out, {"gone: ", "output  masks (1, 3, 64, 64)", "output  iou_predictions (1, 3)"});
}

// What is left of the tensor's largest value at most: both routes compute the same, in another order here and there.
constexpr double kRoutesTolerance = 1e-5;

double error_between(const std::string& a, const std::string& b, const std::string& key) {
  const Npz first = Npz::read(a).value(), second = Npz::read(b).value();
  const Tensor& wanted = *first.get(key).value();
  const Tensor& given = *second.get(key).value();
  EXPECT_EQ(wanted.shape(), given.shape()) << key;
  double error = 0, largest = 0;
  for (size_t i = 0; i < static_cast<size_t>(wanted.count()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(wanted.f32()[i])));
    error = std::max(error, std::abs(static_cast<double>(wanted.f32()[i]) - static_cast<double>(given.f32()[i])));
  }
  return error / largest;
}

TEST_F(OnnxCommandLine, segment_from_the_export_is_segment_from_the_checkpoint) {
  expect_done(
      samc({"segment", kTruck, "--model", exported(""), "--point", "500,375", "--save-npz", path("first.npz")}));
  const Npz first = Npz::read(path("first.npz")).value();
  const Tensor& logits = *first.get("low_res_logits").value();
  ASSERT_TRUE(write_npy(path("m.npy"), {DType::kF32, {1, 64, 64}, logits.f32().data()}).is_ok());
  const std::vector<std::vector<std::string>> prompts = {
      {"--point", "500,375"},
      {"--point", "500,375", "--single"},
      {"--point", "500,375", "--point", "1125,625,0"},
      {"--box", "425,600,700,875", "--single"},
      {"--box", "425,600,700,875", "--point", "575,750,0"},
      {"--point", "500,375", "--mask-input", path("m.npy")},
      {"--mask-input", path("m.npy"), "--single"},  // no point, so no pad point either
  };
  for (const std::vector<std::string>& prompt : prompts) {
    for (const auto& [model, result] : {std::pair(module(), path("pt.npz")), {exported(""), path("onnx.npz")}}) {
      std::vector<std::string> call = {"segment", kTruck, "--model", model, "--save-npz", result};
      call.insert(call.end(), prompt.begin(), prompt.end());
      expect_done(samc(call));
    }
    for (const char* key : {"low_res_logits", "iou_predictions"})
      EXPECT_LE(error_between(path("pt.npz"), path("onnx.npz"), key), kRoutesTolerance) << key << prompt[1];
  }
}

TEST_F(OnnxCommandLine, compile_takes_the_folder) {
  const ProcessResult result = samc({"compile", exported(""), "-o", path("x.samc")});
  expect_done(result);
  expect_parts(result.out, {"opset 17", "1754 nodes"});
  expect_parts(samc({"inspect", path("x.samc"), "--summary"}).out, {"256 x 256", "mask_decoder", "no_mask"});
  expect_error(samc({"compile", exported("encoder.onnx"), "-o", path("y.samc")}), 1, {"encoder.onnx", "the folder"});
  expect_error(samc({"compile", exported(""), "--config", "x.yaml", "-o", path("y.samc")}), 2, {"--config"});
  std::filesystem::create_directory(path("empty"));
  expect_error(samc({"compile", path("empty"), "-o", path("y.samc")}), 1, {"encoder.onnx", "decoder.onnx"});
  EXPECT_FALSE(std::filesystem::exists(path("y.samc")));
}

TEST_F(OnnxCommandLine, inspect_says_what_a_graph_holds) {
  const ProcessResult encoder = samc({"inspect", exported("encoder.onnx")});
  expect_done(encoder);
  expect_parts(encoder.out, {"opset       17", "pytorch 2.4.1", "1766 of 37 operators", "Mod ", "encoder.weights",
                             "f32 (1, 3, 256, 256)", "f32 (1, 64, 16, 16)", "unsupported nothing"});
  const ProcessResult decoder = samc({"inspect", exported("decoder.onnx"), "--summary"});
  expect_done(decoder);
  expect_parts(decoder.out,
               {"f32 (num_labels, num_points, 2)", "f32 (1, 3, 64, 64)", "with 1 for num_labels, num_points"});
  const ProcessResult both = samc({"inspect", exported(""), "--summary"});
  expect_done(both);
  expect_parts(both.out, {"a model that compiles"});
  expect_done(samc({"compile", exported(""), "--until", "top", "-o", path("top.mlir")}));
  expect_parts(samc({"inspect", path("top.mlir")}).out, {"function image_encoder", "function no_mask", "top.MatMul"});
}

TEST_F(CommandLine, export_for_video_writes_six_files_of_which_two_are_an_image_model) {
  const ProcessResult exported = samc({"export", kPico, "-o", path("video"), "--video"});
  expect_done(exported);
  for (const char* name :
       {"encoder", "decoder", "memory_attention", "memory_encoder", "object_pointer", "mask_downsample"}) {
    const std::string file = path(fmt::format("video/{}.onnx", name));
    EXPECT_NE(exported.out.find(file + ": opset 17"), std::string::npos) << exported.out;
    expect_done(samc({"inspect", file}));
  }
  expect_done(samc({"export", kPico, "-o", path("image")}));
  for (const char* folder : {"video", "image"})
    expect_done(samc({"segment", kTruck, "--model", path(folder), "--point", "500,375", "--save-npz",
                      path(fmt::format("{}.npz", folder))}));
  EXPECT_EQ(bytes_of(path("video.npz")), bytes_of(path("image.npz")));
  expect_error(samc({"export", path("video"), "-o", path("again"), "--video"}), 1,
               {"video is an ONNX export", "no parts for video", "checkpoint (.pt)"});
}

}  // namespace
}  // namespace samc::test
