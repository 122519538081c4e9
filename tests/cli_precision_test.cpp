// --precision: what every command does with it, and its one line where it cannot be.

#include <cstdlib>

#include "base/cpu_precision.h"
#include "media/npz.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

class Precisions : public CommandLine {
 protected:
  static void SetUpTestSuite() {
    CommandLine::SetUpTestSuite();
    folder_ = new TestFolder;
    for (const auto& [precision, module] : {std::pair{"bf16", bf16()}, std::pair{"int8", int8()}}) {
      const ProcessResult result = run_process({SAMC_BINARY, "compile", kPico, "--precision", precision, "-o", module});
      ASSERT_EQ(result.exit_code, 0) << result.err;
    }
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
    CommandLine::TearDownTestSuite();
  }
  static std::string bf16() { return folder_->path("pico16.samc"); }
  static std::string int8() { return folder_->path("pico8.samc"); }

  // On a machine without bf16 in plain code; pico is small.
  static ProcessOptions able() {
    ProcessOptions options;
    if (!can_compute(Precision::kBf16, choose_isa().value()).is_ok()) options.environment = {{"SAMC_ISA", "scalar"}};
    return options;
  }
  static ProcessOptions held_to(const std::string& isa) {
    ProcessOptions options;
    options.environment = {{"SAMC_ISA", isa}};
    return options;
  }
  static bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

 private:
  static inline TestFolder* folder_ = nullptr;
};

TEST_F(Precisions, segment_gives_nearly_the_logits_of_f32) {
  const auto logits = [&](const std::string& model, const std::string& name, const ProcessOptions& options) {
    expect_done(samc({"segment", kTruck, "--model", model, "--threads", "2", "--point", "500,375", "--save-npz",
                      path(name), "-o", path(name + ".png")},
                     options));
    const Npz saved = Npz::read(path(name)).value();
    const std::span<const float> values = saved.get("low_res_logits").value()->f32();
    return std::vector<float>(values.begin(), values.end());
  };
  const std::vector<float> wanted = logits(module(), "f32.npz", {});
  double largest = 0;
  for (const float value : wanted) largest = std::max(largest, std::abs(static_cast<double>(value)));
  // The largest error, as a share of the largest logit.
  const auto error = [&](const std::vector<float>& given) {
    double result = 0;
    for (size_t i = 0; i < wanted.size(); ++i)
      result = std::max(result, std::abs(static_cast<double>(wanted[i]) - static_cast<double>(given.at(i))));
    return result / largest;
  };
  const double of_bf16 = error(logits(bf16(), "bf16.npz", able()));
  EXPECT_GT(of_bf16, 0);
  EXPECT_LT(of_bf16, 0.05);
  // int8 runs on every machine.
  for (const Isa& isa : {kScalarIsa, kAvx2Isa, kAvx512VnniIsa}) {
    if (!isa_available(isa)) continue;
    const double of_int8 = error(logits(int8(), fmt::format("{}.npz", isa.name), held_to(isa.name)));
    EXPECT_GT(of_int8, 0) << isa.name;
    EXPECT_LT(of_int8, 0.15) << isa.name;
  }
}

TEST_F(Precisions, modules_of_each_are_kept_apart) {
  const auto segment_with = [&](const std::string& precision) {
    return samc(
        {"segment", kTruck, "--model", kPico, "--precision", precision, "--point", "500,375", "-o", path("o.png")},
        able());
  };
  for (const char* precision : {"f32", "bf16", "int8", "f32", "bf16", "int8"}) expect_done(segment_with(precision));
  size_t entries = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path("cache")))
    entries += entry.path().extension() == ".samc" ? 1 : 0;
  EXPECT_EQ(entries, 3u);
}

TEST_F(Precisions, every_command_that_runs_a_model_takes_it) {
  for (const std::string precision : {"bf16", "int8"}) {
    const auto done = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.end(), {"--model", kPico, "--precision", precision, "--threads", "2"});
      expect_done(samc(std::move(arguments), able()));
    };
    done({"encode", kTruck, "-o", path(precision + ".npz")});
    done({"track", kData + "images/bedroom", "--point", "210,350", "-o", path(precision)});
    EXPECT_TRUE(fs::exists(path(precision + ".npz")));
    EXPECT_FALSE(fs::is_empty(path(precision)));
  }
}

TEST_F(Precisions, bench_and_inspect_say_what_computes_in_what) {
  const ProcessResult inspected = samc({"inspect", bf16(), "--operations"});
  expect_done(inspected);
  EXPECT_TRUE(holds(inspected.out, "precision   bf16")) << inspected.out.substr(0, 500);
  EXPECT_TRUE(holds(inspected.out, "matmul           bf16 image_encoder")) << inspected.out;
  EXPECT_TRUE(holds(inspected.out, "binary           f32  ")) << inspected.out;
  const ProcessResult benched = samc({"bench", "--model", bf16(), "--repeat", "1", "--ops"}, able());
  expect_done(benched);
  EXPECT_TRUE(holds(benched.out, "GFLOP/s (bf16)")) << benched.out.substr(0, 500);
  EXPECT_TRUE(holds(benched.out, "matmul           bf16 ")) << benched.out;
  EXPECT_TRUE(holds(benched.out, "layer_norm       f32  ")) << benched.out;
  const ProcessResult inspected8 = samc({"inspect", int8(), "--operations"});
  expect_done(inspected8);
  EXPECT_TRUE(holds(inspected8.out, "precision   int8")) << inspected8.out.substr(0, 500);
  EXPECT_TRUE(holds(inspected8.out, "matmul           int8 image_encoder")) << inspected8.out;
  EXPECT_TRUE(holds(inspected8.out, "conv             f32  ")) << inspected8.out;
  const ProcessResult benched8 = samc({"bench", "--model", int8(), "--repeat", "1"});
  expect_done(benched8);
  EXPECT_TRUE(holds(benched8.out, "GFLOP/s (int8)")) << benched8.out.substr(0, 500);
  EXPECT_TRUE(holds(benched8.out, "attention        int8 ")) << benched8.out;
}

TEST_F(Precisions, another_one_than_the_modules_is_an_error) {
  const auto with = [&](const std::string& model, const std::string& precision) {
    return samc({"segment", kTruck, "--model", model, "--precision", precision, "--point", "1,1", "-o", path("o.png")},
                able());
  };
  expect_error(with(bf16(), "f32"), 2, {"--precision f32", "pico16.samc was compiled for bf16"});
  expect_error(with(module(), "bf16"), 2, {"--precision bf16", "pico.samc was compiled for f32"});
  expect_error(with(int8(), "bf16"), 2, {"--precision bf16", "pico8.samc was compiled for int8"});
  expect_error(with(module(), "int8"), 2, {"--precision int8", "pico.samc was compiled for f32"});
  expect_error(with(kPico, "half"), 2, {"half", "is not known, use f32, bf16 or int8"});
  EXPECT_FALSE(fs::exists(path("o.png")));
  expect_done(with(bf16(), "bf16"));
}

// A machine without the instructions, played by SAMC_ISA. Compiling for another one works.
TEST_F(Precisions, a_processor_without_bf16_says_so) {
  for (const Isa& isa : {kAvx2Isa, kAvx512Isa}) {
    if (!isa_available(isa)) continue;
    const ProcessOptions options = held_to(isa.name);
    for (const std::string& model : {bf16(), kPico})
      expect_error(
          samc({"segment", kTruck, "--model", model, "--precision", "bf16", "--point", "1,1", "-o", path("o.png")},
               options),
          1, {"no bf16 arithmetic (avx512_bf16)", "--precision f32", "SAMC_ISA=scalar"});
    expect_done(samc({"inspect", bf16(), "--summary"}, options));
    EXPECT_EQ(samc({"compile", kPico, "--precision", "bf16", "-o", path("elsewhere.samc")}, options).exit_code, 0);
    EXPECT_EQ(bytes_of(path("elsewhere.samc")), bytes_of(bf16()));
  }
  EXPECT_FALSE(fs::exists(path("o.png")));
  expect_done(
      samc({"segment", kTruck, "--model", bf16(), "--point", "500,375", "-o", path("o.png")}, held_to("scalar")));
}

}  // namespace
}  // namespace samc::test
