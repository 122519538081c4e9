// samc-run with bmodels on a chip, which a stand-in of Sophgo's runtime plays: a folder of images, what fails, doctor.

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/files.h"
#include "base/test_folder.h"
#include "targets/sophgo/device/stand_in/write_bmodel.h"
#include "tests/support/process.h"

namespace samc::sophgo {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

class CliChipTest : public ::testing::Test {
 protected:
  void SetUp() override {
    constexpr uint32_t kF32 = 0;
    const auto parts = [](const std::string& ending) {
      return std::vector<BmodelTensor>{{"high_res_feats_0" + ending, kF32, {1, 4, 16, 16}},
                                       {"high_res_feats_1" + ending, kF32, {1, 8, 8, 8}},
                                       {"image_embed" + ending, kF32, {1, 32, 4, 4}}};
    };
    ASSERT_TRUE(write_bmodel(encoder_, "BM1688", "encoder", {{"image", kF32, {1, 3, 64, 64}}}, parts("_f32")).is_ok());
    std::vector<BmodelTensor> inputs = parts("");
    inputs.push_back({"point_coords", kF32, {1, 8, 2}});
    inputs.push_back({"point_labels", kF32, {1, 8}});
    inputs.push_back({"mask_input", kF32, {1, 1, 16, 16}});
    inputs.push_back({"has_mask_input", kF32, {1}});
    ASSERT_TRUE(write_bmodel(decoder_, "BM1688", "decoder", inputs,
                             {{"low_res_logits_f32", kF32, {1, 4, 16, 16}}, {"iou_predictions_f32", kF32, {1, 4}}})
                    .is_ok());
    std::filesystem::create_directories(folder_.path("images"));
    for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"})
      std::filesystem::copy(SAMC_SOURCE_DIR "/tests/data/images/truck.jpg", folder_.path("images") + "/" + name);
  }

  test::ProcessResult run(std::vector<std::string> arguments, Environment environment = {}) const {
    arguments.insert(arguments.begin(), SAMC_RUN_BINARY);
    environment.emplace_back("SAMC_LIBSOPHON", SAMC_STAND_IN);
    return test::run_process(arguments, {.environment = environment});
  }
  test::ProcessResult segment(Environment environment = {}, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"segment",   folder_.path("images"),
                                       "--encoder", encoder_,
                                       "--decoder", decoder_,
                                       "--device",  "chip",
                                       "--point",   "500,375",
                                       "--threads", "2",
                                       "--json",    "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, std::move(environment));
  }

  TestFolder folder_;
  std::string encoder_ = folder_.path("encoder.bmodel"), decoder_ = folder_.path("decoder.bmodel");
};

TEST_F(CliChipTest, AFolderOfImagesIsDoneByOneProcessWithBmodelsLoadedOnce) {
  const std::string counts = folder_.path("counts");
  const auto done = segment({{"SAMC_STAND_IN_COUNTS", counts}});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(done.out.starts_with("{")) << done.out.substr(0, 200);  // and nothing that the runtime prints
  EXPECT_NE(done.err.find("the stand-in is created"), std::string::npos) << done.err;
  std::map<std::string, int> number;
  std::ifstream file(counts);
  std::string name;
  for (int count = 0; file >> name >> count;) number[name] = count;
  EXPECT_EQ(number["bm_dev_request"], 1);
  EXPECT_EQ(number["bmrt_load_bmodel"], 2);
  EXPECT_EQ(number["bmrt_launch_tensor_ex"], 4 * 2);
  // A picture each, points and labels each; the mask that is none goes up once for each of two lanes, with its flag.
  EXPECT_EQ(number["bm_memcpy_s2d"], 4 * 3 + 2 * 2);
  EXPECT_EQ(number["bm_memcpy_d2s"], 4 * 5);
  EXPECT_EQ(number["bm_dev_free"], 1);
  EXPECT_EQ(number["bm_free_device"], number["bm_malloc_device_byte"]);
  // The results do not depend on how many images are under way.
  const auto one = segment({}, {"--jobs", "1"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, done.out);
}

TEST_F(CliChipTest, WhatFailsIsOneLine) {
  for (const char* call : {"bm_dev_request", "bmrt_create", "bmrt_load_bmodel", "bm_malloc_device_byte"}) {
    const auto failed = segment({{"SAMC_STAND_IN_FAILS", call}});
    EXPECT_EQ(failed.exit_code, 1) << call;
    EXPECT_NE(failed.err.find("samc-run: error: "), std::string::npos) << failed.err;
  }
  // One image of several fails, the others are done.
  const auto failed = segment({{"SAMC_STAND_IN_FAILS", "bmrt_launch_tensor_ex"}});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_NE(failed.err.find("bmrt_launch_tensor_ex failed"), std::string::npos) << failed.err;
  EXPECT_NE(failed.err.find("1 of 4 images failed"), std::string::npos) << failed.err;
}

TEST_F(CliChipTest, AChipThatHangsIsGivenUpAfterTheTimeStated) {
  const auto hung = segment({{"SAMC_STAND_IN_HANGS", "bm_thread_sync"}}, {"--device-timeout", "0.5"});
  EXPECT_EQ(hung.exit_code, 1);
  EXPECT_NE(hung.err.find("no answer of the chip within 0.5 s"), std::string::npos) << hung.err;
  EXPECT_NE(hung.err.find("4 of 4 images failed"), std::string::npos) << hung.err;
}

TEST_F(CliChipTest, DeviceTimeoutIsForBmodels) {
  const auto refused = run({"segment", folder_.path("images"), "--model", encoder_, "--device-timeout", "5", "--point",
                            "1,1", "--json", "-"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("--device-timeout"), std::string::npos) << refused.err;
}

TEST_F(CliChipTest, DoctorSaysWhatIsThereAndWhatIsMissing) {
  const auto there = run({"doctor"});
  EXPECT_EQ(there.exit_code, 0) << there.err;
  EXPECT_NE(there.out.find("chip             BM1688\n"), std::string::npos) << there.out;
  EXPECT_NE(there.out.find("chip's memory    64 MB, 64 of them free\n"), std::string::npos) << there.out;
  EXPECT_NE(there.out.find("processor  "), std::string::npos) << there.out;
  const auto none = run({"doctor"}, {{"SAMC_STAND_IN_FAILS", "bm_dev_request"}});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_NE(none.out.find("chip             missing: no chip: bm_dev_request gave 5; "), std::string::npos) << none.out;
  const auto bare = test::run_process({SAMC_RUN_BINARY, "doctor", "--tpu-mlir", "/nowhere"},
                                      {.environment = {{"SAMC_LIBSOPHON", "/nowhere"}}});
  EXPECT_EQ(bare.exit_code, 0);
  EXPECT_NE(bare.out.find("libsophon        missing: there is no /nowhere/lib/libbmrt.so; "), std::string::npos)
      << bare.out;
  EXPECT_NE(bare.out.find("TPU-MLIR         missing: "), std::string::npos) << bare.out;
}

}  // namespace
}  // namespace samc::sophgo
