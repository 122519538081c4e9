// The command line as its users meet it: `samc` run as a process on the pictures and the model of tests/data.

#include <unistd.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "media/image.h"
#include "media/npz.h"
#include "media/rle.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

// The largest difference to an array of pico's golden.npz, over its largest value.
double golden_error(const Tensor& values, const std::string& key) {
  const Npz golden = Npz::read(kData + "pico/golden.npz").value();
  const std::span<const float> expected = golden.get(key).value()->f32(), found = values.f32();
  EXPECT_EQ(expected.size(), found.size()) << key;
  double error = 0, largest = 0;
  for (size_t i = 0; i < std::min(expected.size(), found.size()); ++i) {
    error = std::max(error, std::abs(static_cast<double>(expected[i]) - static_cast<double>(found[i])));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return error / largest;
}

TEST_F(CommandLine, help_and_version) {
  const ProcessResult help = samc({"--help"});
  expect_done(help);
  for (const char* command : {"inspect", "compile", "segment", "encode", "bench"}) {
    EXPECT_NE(help.out.find(command), std::string::npos);
    const ProcessResult own = samc({command, "--help"});
    expect_done(own);
    EXPECT_NE(own.out.find("samc " + std::string(command)), std::string::npos);
  }
  EXPECT_TRUE(samc({"--version"}).out.starts_with("samc "));
}

TEST_F(CommandLine, wrong_usage_is_one_line_and_exit_code_2) {
  expect_error(samc({}), 2, {"--help"});
  expect_error(samc({"sgement"}), 2, {"--help"});
  expect_error(samc({"segment", "--nonsense"}), 2, {"samc segment --help"});
  expect_error(samc({"encode", kTruck, "--model", module()}), 2, {"--output"});
  expect_error(samc({"compile", kPico}), 2, {"nowhere to write"});
  // Phases and passes are those of the command's own target.
  const auto transform = [&](const char* option, const char* value) {
    return samc({"transform", "--model_name", "pico", "--model_def", kPico, "--part", "encoder", "--mlir",
                 path("pico.mlir"), option, value});
  };
  expect_error(samc({"compile", kPico, "--until", "nonsense"}), 2, {"nonsense", "input, top, fused, cpu"});
  expect_error(samc({"compile", kPico, "-o", path("x"), "--disable", "split-matmuls"}), 2,
               {"split-matmuls", "fuse-bias"});
  expect_error(transform("--until", "cpu"), 2, {"'cpu'", "input, top, fused, sophgo"});
  expect_error(transform("--disable", "fuse-matmul"), 2, {"fuse-matmul", "split-matmuls"});
  for (const char* phase : {"input", "top", "fused"}) EXPECT_EQ(transform("--until", phase).exit_code, 0) << phase;
  expect_error(segment({kTruck, "--point", "500,375"}), 2, {"nothing to write"});
  expect_error(segment({kTruck, "-o", path("o.png")}), 2, {"no prompt"});
  expect_error(segment({"--point", "1,2", "-o", path("o.png")}), 2, {"no image"});
  expect_error(segment({kTruck, "--point", "1,2,3", "-o", path("o.png")}), 2, {"label", "neither 0 nor 1"});
  expect_error(segment({kTruck, "--point", "1;2", "-o", path("o.png")}), 2, {"--point 1;2"});
  expect_error(segment({kTruck, "--box", "1,2,3", "-o", path("o.png")}), 2, {"--box 1,2,3"});
  expect_error(segment({kTruck, "--box=1,2,3,4", "--box=1,2,3,5", "--point=1,2", "-o", path("o.png")}), 2, {"boxes"});
  expect_error(segment({kTruck, "--point=1,2", "--single", "--multimask", "-o", path("o.png")}), 2, {"--multimask"});
  expect_error(segment({kTruck, "--point=1,2", "--mask-threshold=nan", "-o", path("o.png")}), 2, {"finite"});
  EXPECT_FALSE(fs::exists(path("o.png")));
}

TEST_F(CommandLine, inspect_says_what_a_checkpoint_and_a_module_hold) {
  const ProcessResult checkpoint = samc({"inspect", kPico});
  expect_done(checkpoint);
  EXPECT_NE(checkpoint.out.find("sam_mask_decoder.iou_token.weight"), std::string::npos);
  EXPECT_NE(checkpoint.out.find("2650290 in total"), std::string::npos);
  EXPECT_NE(checkpoint.out.find("pico: as "), std::string::npos);
  const ProcessResult compiled = samc({"inspect", module(), "--operations"});
  expect_done(compiled);
  EXPECT_NE(compiled.out.find("image_encoder"), std::string::npos);
  EXPECT_NE(compiled.out.find("(1, points, 2)"), std::string::npos);
}

TEST_F(CommandLine, compile_prints_the_ir_of_a_phase) {
  const ProcessResult text = samc({"compile", kPico, "--until", "top"});
  expect_done(text);
  EXPECT_NE(text.out.find("top.Weight"), std::string::npos);
  expect_done(samc({"compile", "--list-passes"}));
}

TEST_F(CommandLine, segment_gives_what_pytorch_gives_in_every_output) {
  const ProcessResult result = segment({kTruck, "--point", "500,375", "-o", path("o.png"), "--masks-dir", path("masks"),
                                        "--json", path("o.json"), "--save-npz", path("o.npz")});
  expect_done(result);
  EXPECT_NE(result.out.find("best"), std::string::npos);
  const Npz npz = Npz::read(path("o.npz")).value();
  const Tensor& logits = *npz.get("low_res_logits").value();
  const Tensor& masks = *npz.get("masks").value();
  EXPECT_EQ(logits.shape(), (Shape{1, 3, 64, 64}));
  EXPECT_EQ(masks.shape(), (Shape{1, 3, 1200, 1800}));
  EXPECT_LE(golden_error(logits, "predict.point.multi.low_res"), 1e-3);
  EXPECT_LE(golden_error(*npz.get("iou_predictions").value(), "predict.point.multi.iou"), 1e-4);

  const auto json = nlohmann::json::parse(bytes_of(path("o.json")));
  const auto& picture = json["pictures"][0];
  EXPECT_EQ(picture["width"], 1800);
  EXPECT_EQ(picture["orientation"], 1);
  ASSERT_EQ(picture["prompts"][0]["masks"].size(), 3u);
  for (size_t m = 0; m < 3; ++m) {
    const auto& mask = picture["prompts"][0]["masks"][m];
    const Rle rle = decompress_rle(mask["segmentation"]["counts"].get<std::string>(), 1200, 1800).value();
    const std::vector<uint8_t> pixels = decode_rle(rle);
    const std::span<const uint8_t> expected = masks.as<uint8_t>().subspan(m * pixels.size(), pixels.size());
    EXPECT_TRUE(std::equal(pixels.begin(), pixels.end(), expected.begin()));
    EXPECT_EQ(mask["area"], rle_area(rle));
    const Image png = read_image(path("masks/truck_prompt0_mask" + std::to_string(m) + ".png")).value();
    for (size_t i = 0; i < pixels.size(); i += 97) ASSERT_EQ(png.rgb[3 * i], pixels[i] != 0 ? 255 : 0);
  }
  const Image overlay = read_image(path("o.png")).value();
  EXPECT_EQ(overlay.width, 1800);
  EXPECT_NE(overlay.rgb, read_image(kTruck).value().rgb);
}

TEST_F(CommandLine, boxes_mask_input_and_normalised_points) {
  expect_done(segment({kTruck, "--single", "--box", "75,275,1725,850", "--box", "425,600,700,875", "--box",
                       "1375,550,1650,800", "--box", "1240,675,1400,750", "--save-npz", path("boxes.npz")}));
  const Npz boxes = Npz::read(path("boxes.npz")).value();
  EXPECT_LE(golden_error(*boxes.get("low_res_logits").value(), "predict.boxes4.single.low_res"), 1e-3);

  expect_done(segment({kTruck, "--point", "500,375", "--save-npz", path("a.npz")}));
  const Npz first = Npz::read(path("a.npz")).value();
  const std::span<const float> scores = first.get("iou_predictions").value()->f32();
  const int64_t best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  const Tensor& logits = *first.get("low_res_logits").value();
  ASSERT_TRUE(write_npy(path("m.npy"), {DType::kF32, {1, 64, 64}, logits.f32().data() + best * 64 * 64}).is_ok());
  expect_done(
      segment({kTruck, "--point", "500,375", "--mask-input", path("m.npy"), "--single", "--save-npz", path("b.npz")}));
  const Npz second = Npz::read(path("b.npz")).value();
  EXPECT_LE(golden_error(*second.get("low_res_logits").value(), "predict.point_mask.single.low_res"), 1e-3);
  // Of one mask the file itself does; of three it has to be said which.
  expect_done(segment({kTruck, "--mask-input", path("b.npz"), "--single", "--save-npz", path("from_npz.npz")}));
  ASSERT_TRUE(write_npy(path("b.npy"), second.get("low_res_logits").value()->view()).is_ok());
  expect_done(segment({kTruck, "--mask-input", path("b.npy"), "--single", "--save-npz", path("from_npy.npz")}));
  EXPECT_EQ(bytes_of(path("from_npz.npz")), bytes_of(path("from_npy.npz")));
  expect_error(segment({kTruck, "--mask-input", path("a.npz"), "--save-npz", path("c.npz")}), 1,
               {"a.npz", "1 x 3 masks", "--single", "numpy.save"});

  expect_done(segment({kTruck, "--point", "0.277777778,0.3125", "--normalized", "--save-npz", path("c.npz")}));
  const Npz third = Npz::read(path("c.npz")).value();
  EXPECT_LE(golden_error(*third.get("low_res_logits").value(), "predict.point.multi.low_res"), 1e-3);
}

// Whether a pixel's centre is in a polygon of x, y pairs.
bool inside(const std::vector<std::array<double, 2>>& polygon, double x, double y) {
  bool odd = false;
  for (size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const auto [xi, yi] = polygon[i];
    const auto [xj, yj] = polygon[j];
    if ((yi > y) != (yj > y) && x < xi + (y - yi) / (yj - yi) * (xj - xi)) odd = !odd;
  }
  return odd;
}

// "long side window" of training/real/objects.json, drawn by hand.
TEST_F(CommandLine, the_bundled_model_cuts_a_window_out) {
  const std::vector<std::array<double, 2>> window = {{231.4, 450.0}, {264.3, 337.1}, {280.0, 330.0}, {607.1, 314.3},
                                                     {620.0, 325.7}, {625.7, 425.7}, {614.3, 438.6}, {257.1, 458.6}};
  expect_done(samc(
      {"segment", kTruck, "--model", "mini", "--box", "231,314,626,459", "--json", path("o.json"), "--threads", "1"}));
  const auto json = nlohmann::json::parse(bytes_of(path("o.json")));
  EXPECT_EQ(json["model"], "mini");
  const auto& prompt = json["pictures"][0]["prompts"][0];
  const auto& mask = prompt["masks"][prompt["best"].get<size_t>()];
  const std::string counts = mask["segmentation"]["counts"].get<std::string>();
  const std::vector<uint8_t> pixels = decode_rle(decompress_rle(counts, 1200, 1800).value());
  int64_t both = 0, either = 0;
  for (int y = 0; y < 1200; ++y)
    for (int x = 0; x < 1800; ++x) {
      const bool own = pixels[static_cast<size_t>(y) * 1800 + x] != 0, wanted = inside(window, x + 0.5, y + 0.5);
      both += own && wanted;
      either += own || wanted;
    }
  EXPECT_GE(static_cast<double>(both) / static_cast<double>(either), 0.6);
}

TEST_F(CommandLine, an_embedding_replaces_the_encoder) {
  expect_done(samc({"encode", kTruck, "--model", module(), "-o", path("e.npz")}));
  const Npz embedding = Npz::read(path("e.npz")).value();
  EXPECT_EQ(embedding.get("original_size").value()->as<int64_t>()[1], 1800);
  expect_done(segment({"--embedding", path("e.npz"), "--point", "500,375", "--save-npz", path("o.npz")}));
  const Npz npz = Npz::read(path("o.npz")).value();
  EXPECT_LE(golden_error(*npz.get("low_res_logits").value(), "predict.point.multi.low_res"), 1e-3);

  expect_error(segment({"--embedding", path("e.npz"), "--point", "500,375", "-o", path("o.png")}), 2, {"image"});
  expect_error(segment({kFormats + "rgb8.png", "--embedding", path("e.npz"), "--point", "5,5", "-o", path("o.png")}), 1,
               {"1800 x 1200", "61 x 47"});
  expect_error(segment({"--embedding", path("o.npz"), "--point", "5,5", "--json", path("o.json")}), 1,
               {"has no array high_res_feats_0"});
  expect_error(segment({"--embedding", kTruck, "--point", "5,5", "--json", path("o.json")}), 1, {"truck.jpg", ".npz"});
}

TEST_F(CommandLine, a_checkpoint_is_compiled_once_and_kept) {
  const std::vector<std::string> call{"segment", kTruck,    "--model",    kPico,
                                      "--point", "500,375", "--save-npz", path("o.npz")};
  const auto entries = [&] {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path("cache/samc"))) found.push_back(entry.path());
    return found;
  };
  std::thread other([&] { expect_done(samc({"encode", kTruck, "--model", kPico, "-o", path("e.npz")})); });
  expect_done(samc(call));  // two at once
  other.join();
  ASSERT_EQ(entries().size(), 1u);
  const std::string first = bytes_of(path("o.npz")), entry = entries()[0].string();
  const auto written = fs::last_write_time(entry);
  const std::string whole = bytes_of(entry);

  expect_done(samc(call));
  EXPECT_EQ(bytes_of(path("o.npz")), first);
  EXPECT_GT(fs::last_write_time(entry), written);  // marked as used
  EXPECT_EQ(bytes_of(entry), whole);

  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  put_bytes(entry, damaged);
  const ProcessResult repaired = samc(call);
  EXPECT_EQ(repaired.exit_code, 0) << repaired.err;
  EXPECT_TRUE(repaired.err.starts_with("samc: warning: a module in the cache is unusable")) << repaired.err;
  EXPECT_EQ(bytes_of(path("o.npz")), first);
  EXPECT_EQ(bytes_of(entry), whole);

  fs::remove_all(path("cache"));
  expect_done(samc({"encode", kTruck, "--model", kPico, "--no-cache", "-o", path("e.npz")}));
  EXPECT_FALSE(fs::exists(path("cache")));
}

TEST_F(CommandLine, a_folder_with_prompts_for_each_picture) {
  fs::create_directory(path("in"));
  fs::copy(kFormats + "yuv420.jpg", path("in/a.jpg"));
  fs::copy(kFormats + "orientation6.png", path("in/b.png"));
  put_bytes(path("in/bad.png"), "not an image");
  put_bytes(path("p.json"), R"({"pictures": [
      {"image": "in/a.jpg", "prompts": [{"points": [[30, 20]]}, {"box": [5, 5, 40, 40]}], "multimask": false},
      {"image": "in/b.png", "prompts": [{"points": [[20, 60]]}]},
      {"image": "in/bad.png", "prompts": [{"points": [[1, 1]]}]}]})");
  const ProcessResult result =
      segment({path("in"), "--prompts", path("p.json"), "-o", path("out"), "--json", path("o.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("bad.png: not an image"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("1 of 3 images failed"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("turned upright (EXIF orientation 6)"), std::string::npos) << result.out;
  EXPECT_TRUE(fs::exists(path("out/a.png")));
  EXPECT_TRUE(fs::exists(path("out/b.png")));
  const auto json = nlohmann::json::parse(bytes_of(path("o.json")));
  ASSERT_EQ(json["pictures"].size(), 2u);
  EXPECT_EQ(json["pictures"][0]["prompts"].size(), 2u);
  EXPECT_EQ(json["pictures"][0]["prompts"][0]["masks"].size(), 1u);
  EXPECT_EQ(json["pictures"][1]["orientation"], 6);
  EXPECT_EQ(json["pictures"][1]["height"], 61);
  EXPECT_EQ(json["pictures"][1]["prompts"][0]["masks"].size(), 3u);
}

TEST_F(CommandLine, every_kind_of_picture_is_segmented) {
  for (const char* name : {"one_pixel.png", "one_pixel.jpg", "cmyk.jpg", "ycck.jpg", "grey16.png", "rgba8.png"})
    expect_done(
        segment({kFormats + name, "--normalized", "--point", "0.5,0.5", "-o", path(std::string(name) + ".o.png")}));
}

TEST_F(CommandLine, json_to_standard_output_is_nothing_but_json) {
  const ProcessResult result = segment({kFormats + "rgb8.png", "--point", "30,20", "--json", "-"});
  expect_done(result);
  EXPECT_EQ(nlohmann::json::parse(result.out)["pictures"].size(), 1u);
}

TEST_F(CommandLine, progress_is_for_terminals_alone) {
  const std::vector<std::string> call{kFormats + "rgb8.png", "--point", "30,20", "-o", path("o.png")};
  EXPECT_EQ(segment(call).err, "");
  ProcessOptions terminal;
  terminal.stderr_is_terminal = true;
  const ProcessResult result = segment(call, terminal);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("encoding"), std::string::npos);
  EXPECT_TRUE(result.err.ends_with("\r\033[K")) << "the line is cleared at the end";
}

}  // namespace
}  // namespace samc::test
