#pragma once
// For the tests of this stage that need tpuc-opt: a folder for their files, and what they all do. They are skipped
// where there is no tpuc-opt.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "targets/sophgo/device/run_on_device.h"
#include "targets/sophgo/device/similarity.h"
#include "targets/sophgo/tools/deploy.h"
#include "targets/sophgo/transform.h"

namespace samc::sophgo {

inline const std::string kPico = std::string(SAMC_SOURCE_DIR) + "/tests/data/pico/";

inline NamedViews views_of(const NamedTensors& tensors) {
  NamedViews views;
  for (const auto& [name, tensor] : tensors) views[name] = tensor.view();
  return views;
}

class TpuTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto found = find_tpu_mlir({});
    if (!found.is_ok()) {
      reason_ = found.status().to_string();
      return;
    }
    tools_ = found.value();
    folder_ = std::filesystem::temp_directory_path() / fmt::format("tpu_test-{}", ::getpid());
    std::filesystem::create_directories(folder_);
  }
  static void TearDownTestSuite() {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
    folder_.clear();
  }
  void SetUp() override {
    if (!reason_.empty()) GTEST_SKIP() << "SKIPPED: " << reason_;
  }

  static bool has_tools() { return tools_.has_value(); }
  static std::string file(const std::string& name) { return (folder_ / name).string(); }

  // The model, and its .mlir as NAME.mlir.
  static std::unique_ptr<TransformedModel> transformed(const TransformOptions& options) {
    auto made = TransformedModel::make(options);
    EXPECT_TRUE(made.is_ok()) << made.status().to_string();
    if (!made.is_ok()) return nullptr;
    const Status written = made.value()->write(mlir(options.model_name));
    EXPECT_TRUE(written.is_ok()) << written.to_string();
    return std::move(made).value();
  }
  static std::string mlir(const std::string& model) { return file(model + ".mlir"); }

  // Deploys what transformed() wrote, unless a test before did so.
  static std::string deployed(const std::string& model, DeployOptions options) {
    options.mlir = mlir(model);
    options.output = file(fmt::format("{}.{}.{}.{}{}{}{}.bmodel", model, options.chip, options.quantize, options.cores,
                                      options.quantize_input ? ".i16" : "", options.quantize_output ? ".o16" : "",
                                      options.fuse_preprocess ? ".pixels" : ""));
    if (std::filesystem::exists(options.output)) return options.output;
    const auto report = deploy(options);
    EXPECT_TRUE(report.is_ok()) << report.status().to_string();
    EXPECT_TRUE(report.is_ok() && report.value().cores.front().total_cycles > 0);
    return options.output;
  }
  static std::string deployed(const std::string& model, const std::string& chip, const std::string& mode,
                              int cores = 1) {
    DeployOptions options;
    options.chip = chip;
    options.quantize = mode;
    options.cores = cores;
    return deployed(model, options);
  }

  static Result<NamedTensors> simulated(const std::string& bmodel, const std::string& chip, const NamedViews& inputs) {
    return simulate(*tools_, *find_chip(chip).value(), bmodel, inputs, {.runner = SAMC_RUN_BMODEL, .waiting = {}});
  }

  // Each output of the reference is this near in what the simulator gave.
  static void expect_near(const NamedTensors& reference, const NamedTensors& outputs, double cosine,
                          const std::string& what) {
    const auto list = compare_outputs(reference, outputs);
    ASSERT_TRUE(list.is_ok()) << list.status().to_string();
    for (const auto& output : list.value()) {
      EXPECT_GE(output.similarity.cosine, cosine) << what << " " << output.name;
      if (std::getenv("SAMC_PRINT") != nullptr)
        fmt::print("{} {}: cosine {:.7f}, Euclidean {:.6f}, max |d| {:.3g}\n", what, output.name,
                   output.similarity.cosine, output.similarity.euclidean, output.similarity.largest_difference);
    }
  }

 private:
  static inline std::string reason_;
  static inline std::optional<TpuMlir> tools_;
  static inline std::filesystem::path folder_;
};

}  // namespace samc::sophgo
