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
    const ProcessResult result = run_process({SAMC_BINARY, "compile", kPico, "--precision", "bf16", "-o", bf16()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
    CommandLine::TearDownTestSuite();
  }
  static std::string bf16() { return folder_->path("pico16.samc"); }

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

TEST_F(Precisions, segment_in_bf16_gives_nearly_the_logits_of_f32) {
  const auto logits = [&](const std::string& model, const std::string& name) {
    expect_done(samc({"segment", kTruck, "--model", model, "--threads", "2", "--point", "500,375", "--save-npz",
                      path(name), "-o", path(name + ".png")},
                     able()));
    return Npz::read(path(name)).value();
  };
  const Npz in_f32 = logits(module(), "f32.npz"), in_bf16 = logits(bf16(), "bf16.npz");
  const std::span<const float> wanted = in_f32.get("low_res_logits").value()->f32(),
                               given = in_bf16.get("low_res_logits").value()->f32();
  ASSERT_EQ(wanted.size(), given.size());
  double largest = 0, error = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(wanted[i])));
    error = std::max(error, std::abs(static_cast<double>(wanted[i]) - static_cast<double>(given[i])));
  }
  EXPECT_GT(error, 0);
  EXPECT_LT(error, 0.05 * largest);
}

TEST_F(Precisions, modules_of_both_are_kept_apart) {
  const auto segment_with = [&](const std::string& precision) {
    return samc(
        {"segment", kTruck, "--model", kPico, "--precision", precision, "--point", "500,375", "-o", path("o.png")},
        able());
  };
  for (const char* precision : {"f32", "bf16", "f32", "bf16"}) expect_done(segment_with(precision));
  size_t entries = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path("cache")))
    entries += entry.path().extension() == ".samc" ? 1 : 0;
  EXPECT_EQ(entries, 2u);
}

TEST_F(Precisions, every_command_that_runs_a_model_takes_it) {
  const auto done = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--model", kPico, "--precision", "bf16", "--threads", "2"});
    expect_done(samc(std::move(arguments), able()));
  };
  done({"encode", kTruck, "-o", path("truck.npz")});
  done({"track", kData + "images/bedroom", "--point", "210,350", "-o", path("masks")});
  EXPECT_TRUE(fs::exists(path("truck.npz")));
  EXPECT_FALSE(fs::is_empty(path("masks")));
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
}

TEST_F(Precisions, another_one_than_the_modules_is_an_error) {
  const auto with = [&](const std::string& model, const std::string& precision) {
    return samc({"segment", kTruck, "--model", model, "--precision", precision, "--point", "1,1", "-o", path("o.png")},
                able());
  };
  expect_error(with(bf16(), "f32"), 2, {"--precision f32", "pico16.samc was compiled for bf16"});
  expect_error(with(module(), "bf16"), 2, {"--precision bf16", "pico.samc was compiled for f32"});
  expect_error(with(kPico, "int8"), 1, {"precision int8 is not supported on the CPU", "use f32 or bf16"});
  expect_error(with(kPico, "half"), 2, {"half", "is not known, use f32 or bf16"});
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
