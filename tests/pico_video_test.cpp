// pico from its checkpoint through a clip, against the official predictor's outputs; and with an object score that says
// that no object is ever there.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/test_support.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/golden.h"

namespace samc::test {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";

void compile_and_compare(const std::string& checkpoint, const std::string& prefix,
                         const std::set<std::string>& disabled) {
  const TestFolder folder;
  CompileOptions options;
  options.model = checkpoint;
  options.config = kData + "pico/pico.yaml";
  options.disabled_passes = disabled;
  const Result<CompileReport> report = compile_model(options, folder.path("pico.samc"));
  ASSERT_TRUE(report.is_ok()) << report.status().to_string();
  const auto rows =
      compare_video_with_golden(folder.path("pico.samc"), kData + "pico/golden.npz", kData + "images/bedroom", prefix);
  ASSERT_TRUE(rows.is_ok()) << rows.status().to_string();
  EXPECT_EQ(rows.value().size(), 49u);  // the input; and 6 frames, 2 objects, 4 arrays
  for (const GoldenRow& row : rows.value())
    EXPECT_TRUE(row.is_right()) << row.key << ": error " << row.largest_error << ", allowed " << row.allowed;
}

TEST(PicoVideo, tracks_as_the_official_code) { compile_and_compare(kData + "pico/pico.pt", "video.", {}); }

TEST(PicoVideo, tracks_the_same_without_any_one_optional_pass) {
  for (const Pass& pass : cpu_pipeline().passes) {
    if (pass.required) continue;
    SCOPED_TRACE(pass.name);
    compile_and_compare(kData + "pico/pico.pt", "video.", {pass.name});
  }
}

TEST(PicoVideo, an_object_that_is_not_there) {
  const Result<Checkpoint> checkpoint = Checkpoint::open(kData + "pico/pico.pt");
  ASSERT_TRUE(checkpoint.is_ok()) << checkpoint.status().to_string();
  std::vector<NamedTensor> tensors;
  for (const CheckpointTensor& tensor : checkpoint.value().tensors()) {
    Result<Tensor> values = checkpoint.value().read_f32(tensor);
    ASSERT_TRUE(values.is_ok()) << values.status().to_string();
    if (tensor.name == "sam_mask_decoder.pred_obj_score_head.layers.2.bias")
      std::ranges::fill(values.value().f32(), -2.0f);
    tensors.push_back({tensor.name, std::move(values).value()});
  }
  const TestFolder folder;
  const Status written = write_test_checkpoint(folder.path("absent.pt"), tensors);
  ASSERT_TRUE(written.is_ok()) << written.to_string();
  compile_and_compare(folder.path("absent.pt"), "video_absent.", {});
}

}  // namespace
}  // namespace samc::test
