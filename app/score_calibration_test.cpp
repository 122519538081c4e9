// How large the scores of pico's memory attention get, as deploy-all --video measures them. Factors of two change
// products exactly, so that what is measured has to change exactly with the weights of queries.

#include "app/score_calibration.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "base/test_folder.h"
#include "tests/support/scaled_checkpoint.h"

namespace samc {
namespace {

const std::string kPico = SAMC_SOURCE_DIR "/tests/data/pico/pico.pt";
const std::string kFrames = SAMC_SOURCE_DIR "/tests/data/video/bedroom/0000";

class ScoreCalibration : public ::testing::Test {
 protected:
  static std::vector<std::string> frames(int count) {
    std::vector<std::string> files;
    files.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) files.push_back(kFrames + std::to_string(i) + ".jpg");
    return files;
  }
  static Result<double> measured(const std::string& model, const std::vector<std::string>& images, int threads = 1) {
    SourceOptions source;
    source.model = model;
    source.config = SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml";
    Progress quiet(true);
    return largest_score(source, images, threads, quiet);
  }
  static double largest(const std::string& model, int count, int threads = 1) {
    const auto result = measured(model, frames(count), threads);
    EXPECT_TRUE(result.is_ok()) << result.status().to_string();
    return result.is_ok() ? result.value() : 0;
  }
  // pico, tensors of this name multiplied.
  std::string scaled(const std::string& part, float factor) const {
    std::string path = folder_.path("scaled_" + std::to_string(factor) + ".pt");
    const Status written = test::write_scaled_checkpoint(kPico, path, part, factor);
    EXPECT_TRUE(written.is_ok()) << written.to_string();
    return path;
  }

  const TestFolder folder_;
};

// With two images one frame is measured, and nothing in front of a layer's scores depends on its queries.
TEST_F(ScoreCalibration, FollowsTheQueriesOfALayer) {
  const double plain = largest(kPico, 2);
  EXPECT_GT(plain, 0.01);
  const std::string queries = "memory_attention.layers.3.cross_attn_image.q_proj";
  const double large = largest(scaled(queries, 1024), 2);
  EXPECT_EQ(largest(scaled(queries, 2048), 2), 2 * large);  // the layer's own are the largest by far
  EXPECT_LE(large, 1024 * plain);
  EXPECT_GT(large, plain);
}

// Neither what probabilities are multiplied by, nor the scores between a frame's own tokens, whose softmax has a shift
// in every form.
TEST_F(ScoreCalibration, OthersOfTheLastLayerAreNone) {
  const double plain = largest(kPico, 2);
  for (const std::string part : {"cross_attn_image.v_proj", "self_attn.v_proj"})
    EXPECT_EQ(largest(scaled("memory_attention.layers.3." + part, 0.0f), 2), plain) << part;
  EXPECT_EQ(largest(scaled("memory_attention.layers.3.linear1", 1024), 2), plain);
}

TEST_F(ScoreCalibration, MoreImagesAreNeverLess) {
  double before = 0;
  for (const int count : {2, 3, 5}) {
    const double now = largest(kPico, count);
    EXPECT_GE(now, before) << count;
    before = now;
  }
}

TEST_F(ScoreCalibration, ThreadsDoNotMatter) { EXPECT_EQ(largest(kPico, 3, 1), largest(kPico, 3, 2)); }

TEST_F(ScoreCalibration, WrongImages) {
  EXPECT_EQ(measured(kPico, frames(1)).status().to_string(),
            "1 image: the memory attention is measured on two or more; give --images a folder, best of frames of a "
            "video");
  std::vector<std::string> files = frames(2);
  files.push_back(folder_.path("broken.jpg"));
  ASSERT_TRUE(write_file(files.back(), "no image").is_ok());
  const std::string refused = measured(kPico, files).status().to_string();
  EXPECT_NE(refused.find("broken.jpg"), std::string::npos) << refused;
}

}  // namespace
}  // namespace samc
