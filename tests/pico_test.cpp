// pico from its checkpoint to masks, against PyTorch's outputs.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "targets/cpu/compile_model.h"
#include "tests/support/golden.h"

namespace samc::test {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data";

class CompiledPico : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / fmt::format("samc_golden_{}.samc", ::getpid())).string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void compile_and_compare(const std::set<std::string>& disabled) {
    CompileOptions options;
    options.model = kData + "/pico/pico.pt";
    options.disabled_passes = disabled;
    const Result<CompileReport> report = compile_model(options, path_);
    ASSERT_TRUE(report.is_ok()) << report.status().to_string();
    const auto rows = compare_with_golden(path_, kData + "/pico/golden.npz", kData + "/images/truck.jpg");
    ASSERT_TRUE(rows.is_ok()) << rows.status().to_string();
    EXPECT_EQ(rows.value().size(), 32u);
    for (const GoldenRow& row : rows.value())
      EXPECT_TRUE(row.is_right()) << row.key << ": error " << row.largest_error << ", allowed " << row.allowed;
  }
  std::string path_;
};

TEST_F(CompiledPico, gives_what_pytorch_gives) { compile_and_compare({}); }

// Each pass may be switched off alone; the result must not depend on it.
TEST_F(CompiledPico, gives_the_same_without_any_one_optional_pass) {
  for (const Pass& pass : cpu_pipeline().passes) {
    if (pass.required) continue;
    SCOPED_TRACE(pass.name);
    compile_and_compare({pass.name});
  }
}

}  // namespace
}  // namespace samc::test
