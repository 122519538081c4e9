// `samc calibrate` and INT8 of `deploy` and `deploy-all` from the outside, up to tpuc-opt, which is a script here that
// notes its arguments and fails.

#include <fmt/format.h>

#include "tests/support/command_line.h"
#include "tests/support/scaled_checkpoint.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Calibrate : public CommandLine {
 protected:
  // pico's encoder, transformed and calibrated once.
  static void SetUpTestSuite() {
    made_ = new TestFolder;
    const ProcessResult transformed = run_process(
        {SAMC_BINARY, "transform", "--model_def", kPico, "--part", "encoder", "--model_name", "pico", "--mlir", mlir(),
         "--mean", "123.675,116.28,103.53", "--scale", "0.01712475,0.017507,0.01742919", "--pixel_format", "rgb"});
    ASSERT_EQ(transformed.exit_code, 0) << transformed.err;
    const ProcessResult calibrated = run_process(
        {SAMC_BINARY, "calibrate", mlir(), "--images", kTruck, "-o", calibration(), "--quantize_table", modes()});
    ASSERT_EQ(calibrated.exit_code, 0) << calibrated.err;
    said_ = calibrated.out;
  }
  static void TearDownTestSuite() {
    delete made_;
    made_ = nullptr;
  }
  void SetUp() override {
    fs::create_directories(path("tpu-mlir/bin"));
    put_bytes(path("tpu-mlir/bin/tpuc-opt"),
              "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"${0%/bin/*}/arguments\"\ncp calibration_table quantize_table "
              "\"${0%/bin/*}/\" 2>/dev/null\nexit 3\n");
    fs::permissions(path("tpu-mlir/bin/tpuc-opt"), fs::perms::owner_all);
  }

  static std::string mlir() { return made_->path("pico.mlir"); }
  static std::string calibration() { return made_->path("pico.calibration"); }
  static std::string modes() { return made_->path("pico.modes"); }

  ProcessResult calibrate(const std::string& model, const std::vector<std::string>& more) const {
    std::vector<std::string> call = {"calibrate", model, "-o", path("table")};
    call.insert(call.end(), more.begin(), more.end());
    return samc(call);
  }
  ProcessResult deploy(const std::vector<std::string>& more) const {
    std::vector<std::string> call = {"deploy", "--mlir", mlir(),       "--model",       path("pico.bmodel"),
                                     "--chip", "bm1688", "--tpu-mlir", path("tpu-mlir")};
    call.insert(call.end(), more.begin(), more.end());
    return samc(call);
  }
  void expect_refused(const std::string& table, const std::string& quantize_table,
                      const std::vector<std::string>& parts) const {
    put_bytes(path("table"), table);
    std::vector<std::string> call = {"--quantize", "INT8", "--calibration_table", path("table")};
    if (!quantize_table.empty()) {
      put_bytes(path("modes"), quantize_table);
      call.insert(call.end(), {"--quantize_table", path("modes")});
    }
    expect_error(deploy(call), 1, parts);
    EXPECT_FALSE(fs::exists(path("tpu-mlir/arguments")));  // before tpuc-opt is called
  }

  static inline TestFolder* made_ = nullptr;
  static inline std::string said_;
};

TEST_F(Calibrate, writes_both_tables_and_says_what_it_measured) {
  EXPECT_TRUE(holds(bytes_of(calibration()), "# op_name    threshold    min    max\nimage "));
  EXPECT_TRUE(holds(bytes_of(modes()), "softmax F16\n"));
  EXPECT_TRUE(holds(said_, "loss alone")) << said_;
  EXPECT_TRUE(holds(said_, "INT8 does ")) << said_;
}

TEST_F(Calibrate, tpuc_opt_gets_the_tables) {
  const ProcessResult result =
      deploy({"--quantize", "INT8", "--calibration_table", calibration(), "--quantize_table", modes()});
  expect_error(result, 1, {"tpuc-opt: exit code 3"});
  const std::string arguments = bytes_of(path("tpu-mlir/arguments"));
  EXPECT_TRUE(holds(arguments, "mode=INT8")) << arguments;
  EXPECT_TRUE(holds(arguments,
                    "\n--import-calibration-table=file=calibration_table asymmetric=False\n--processor-top-optimize\n"))
      << arguments;
  EXPECT_TRUE(holds(arguments, "--convert-top-to-tpu=qtable=quantize_table ")) << arguments;
  EXPECT_EQ(bytes_of(path("tpu-mlir/calibration_table")), bytes_of(calibration()));
  EXPECT_EQ(bytes_of(path("tpu-mlir/quantize_table")), bytes_of(modes()));
}

TEST_F(Calibrate, wrong_tables_are_refused_before_tpuc_opt) {
  const std::string table = bytes_of(calibration());
  expect_refused("", "", {"is empty"});
  expect_refused("other 1.0 -1.0 1.0\n", "", {"is of another model"});
  expect_refused(table + "other 1.0 -1.0 1.0\n", "", {"names other, which is no op of the .mlir"});
  expect_refused(table + "image 1.0 -1.0\n", "", {"line ", "'image 1.0 -1.0' is not NAME THRESHOLD MIN MAX"});
  expect_refused(table + "image 0 -1.0 1.0\n", "", {"image has the threshold 0"});
  expect_refused(table + "image nan -1.0 1.0\n", "", {"image has a number that is not finite"});
  const size_t line = table.find("image_encoder.trunk.patch_embed.proj ");
  const std::string shorter = table.substr(0, line) + table.substr(table.find('\n', line) + 1);
  expect_refused(shorter, "", {"has no line for image_encoder.trunk.patch_embed.proj"});
  expect_refused(table, "image F17\n", {"line 1: the mode F17 is not known", "INT8"});
  expect_refused(table, "image F16 F16\n", {"'image F16 F16' is not NAME MODE"});
  expect_refused(table, "other F16\n", {"is of another model"});
  expect_error(deploy({"--quantize", "INT8"}), 2, {"--quantize INT8 needs a --calibration_table"});
  expect_error(deploy({"--quantize", "F16", "--calibration_table", calibration()}), 2,
               {"--calibration_table is for INT8, and --quantize is F16"});
  expect_error(deploy({"--quantize", "F16", "--quantize_table", path("absent")}), 1, {"absent"});
}

TEST_F(Calibrate, wrong_calls) {
  fs::create_directories(path("empty"));
  expect_error(calibrate(mlir(), {"--images", path("empty")}), 1, {path("empty")});
  expect_error(calibrate(mlir(), {"--images", path("absent.jpg")}), 1, {"absent.jpg"});
  expect_error(calibrate(mlir(), {"--images", kTruck, "--method", "best"}), 2, {"--method best", "percentile"});
  expect_error(calibrate(mlir(), {"--images", kTruck, "--max-loss", "0.1"}), 2, {"--max-loss", "--quantize_table"});
  expect_error(calibrate(path("absent.pt"), {"--images", kTruck}), 1, {"absent.pt"});
  put_bytes(path("broken.jpg"), "no picture");
  expect_error(calibrate(mlir(), {"--images", path("broken.jpg")}), 1, {"broken.jpg"});
  expect_error(samc({"calibrate", mlir(), "--images", kTruck, "-o", kTruck}), 2, {"-o", "truck.jpg"});
  EXPECT_FALSE(fs::exists(path("table")));
}

TEST_F(Calibrate, a_decoder_alone_has_no_picture) {
  expect_done(samc(
      {"transform", "--model_def", kPico, "--part", "decoder", "--model_name", "d", "--mlir", path("decoder.mlir")}));
  expect_error(calibrate(path("decoder.mlir"), {"--images", kTruck}), 1, {"does not take a picture", "folder"});
}

TEST_F(Calibrate, all_parts_of_a_checkpoint_at_once) {
  expect_done(calibrate(kPico, {"--images", kTruck, "--method", "mse"}));
  const std::string table = bytes_of(path("table"));
  EXPECT_TRUE(holds(table, "# part encoder\nimage ")) << table.substr(0, 300);
  EXPECT_TRUE(holds(table, "\n# part decoder\n"));
  EXPECT_TRUE(holds(table, "\nlow_res_logits "));
  // Each part's .mlir takes the table of all.
  expect_error(deploy({"--quantize", "INT8", "--calibration_table", path("table")}), 1, {"tpuc-opt: exit code 3"});
}

TEST_F(Calibrate, deploy_all_asks_for_images) {
  const auto deploy_all = [&](const std::vector<std::string>& more) {
    std::vector<std::string> call = {"deploy-all", kPico,     "--chip",     "bm1688",
                                     "-o",         path("b"), "--tpu-mlir", path("tpu-mlir")};
    call.insert(call.end(), more.begin(), more.end());
    return samc(call);
  };
  expect_error(deploy_all({"--quantize", "INT8"}), 2, {"--quantize INT8 needs --images"});
  expect_error(deploy_all({"--quantize", "F16", "--images", kTruck}), 2, {"--images is for INT8"});
  expect_error(deploy_all({"--quantize", "INT8", "--images", kTruck}), 1, {"tpuc-opt: exit code 3"});
  for (const char* table : {"tpu-mlir/calibration_table", "tpu-mlir/quantize_table"}) {
    EXPECT_TRUE(holds(bytes_of(path(table)), "# part encoder\n")) << table;
    EXPECT_TRUE(holds(bytes_of(path(table)), "# part decoder\n")) << table;
  }
  const ProcessResult warned = deploy_all({"--quantize", "W4F16"});
  EXPECT_TRUE(holds(warned.err, "W4F16 makes bmodels smaller, not faster")) << warned.err;
}

// The memory attention without a shift of its exponentials is chosen where the scores of this model allow it.
TEST_F(Calibrate, deploy_all_measures_scores_for_video) {
  fs::create_directories(path("frames"));
  for (int i = 0; i < 3; ++i)
    fs::copy_file(fmt::format("{}video/bedroom/{:05}.jpg", kData, i), path(fmt::format("frames/{}.jpg", i)));
  const auto chosen = [&](const std::string& model) {
    return samc({"deploy-all", model, "--config", kData + "pico/pico.yaml", "--chip", "bm1688", "--quantize", "F16",
                 "--video", "--images", path("frames"), "-o", path("v"), "--tpu-mlir", path("tpu-mlir")});
  };
  const ProcessResult small = chosen(kPico);
  EXPECT_TRUE(holds(small.out, "serves up to 39.0, so it is dealt\n")) << small.out << small.err;
  const std::string part = "memory_attention.layers.3.cross_attn_image.q_proj";
  ASSERT_TRUE(write_scaled_checkpoint(kPico, path("large.pt"), part, 4096).is_ok());
  const ProcessResult large = chosen(path("large.pt"));
  EXPECT_TRUE(holds(large.out, "serves up to 39.0, so it is maximum\n")) << large.out << large.err;
}

}  // namespace
}  // namespace samc::test
