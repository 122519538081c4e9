#include "eval/sequence_scorer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "media/npz.h"

namespace samc {
namespace {

constexpr double kTolerance = 1e-12;

class SequenceScorerTest : public testing::Test {
 protected:
  static const Npz& cases() {
    static const Npz npz = Npz::read(SAMC_SOURCE_DIR "/tests/data/vos/metric_cases.npz").value();
    return npz;
  }
  static const Tensor& array(const std::string& name) { return *cases().get(name).value(); }
  static LabelView frame_of(const Tensor& frames, int64_t index) {
    const auto width = static_cast<int>(frames.shape()[2]), height = static_cast<int>(frames.shape()[1]);
    const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
    return {width, height, frames.as<uint8_t>().subspan(static_cast<size_t>(index) * pixels, pixels)};
  }
  // Of all frames but the first and the last.
  static std::vector<ObjectScore> scores_of(const std::string& clip, VosProtocol protocol) {
    const Tensor &annotations = array(clip + ".annotation"), &predictions = array(clip + ".prediction");
    SequenceScorer scorer(protocol, frame_of(annotations, 0));
    for (int64_t i = 1; i + 1 < annotations.shape()[0]; ++i) {
      const Status status = scorer.add(frame_of(annotations, i), frame_of(predictions, i));
      EXPECT_TRUE(status.is_ok()) << status.to_string();
    }
    return scorer.scores();
  }
};

const char* const kClips[] = {"plain", "longer", "leaves", "late", "gap", "void", "first_only", "three"};

// Of objects 1, 2, ...: mean, recall and decay of J and of F, from DAVISEvaluation (make_metric_cases.py).
TEST_F(SequenceScorerTest, davis_protocol_is_that_of_davis2017_evaluation) {
  for (const std::string clip : kClips) {
    const std::vector<ObjectScore> scores = scores_of(clip, VosProtocol::kDavis);
    const Tensor& expected = array(clip + ".davis");
    ASSERT_EQ(static_cast<int64_t>(scores.size()), expected.shape()[0]) << clip;
    for (size_t i = 0; i < scores.size(); ++i) {
      const auto row = expected.as<double>().subspan(i * 6, 6);
      const ObjectScore& score = scores[i];
      EXPECT_EQ(score.object, static_cast<int>(i) + 1) << clip;
      EXPECT_NEAR(score.j.mean, row[0], kTolerance) << clip;
      EXPECT_NEAR(score.j.recall, row[1], kTolerance) << clip;
      EXPECT_NEAR(score.j.decay, row[2], kTolerance) << clip;
      EXPECT_NEAR(score.f.mean, row[3], kTolerance) << clip;
      EXPECT_NEAR(score.f.recall, row[4], kTolerance) << clip;
      EXPECT_NEAR(score.f.decay, row[5], kTolerance) << clip;
    }
  }
}

// Number, J and F of each object, from the SA-V evaluator.
TEST_F(SequenceScorerTest, sav_protocol_is_that_of_the_sav_evaluator) {
  for (const std::string clip : kClips) {
    const std::vector<ObjectScore> scores = scores_of(clip, VosProtocol::kSav);
    const Tensor& expected = array(clip + ".sav");
    ASSERT_EQ(static_cast<int64_t>(scores.size()), expected.shape()[0]) << clip;
    for (size_t i = 0; i < scores.size(); ++i) {
      const auto row = expected.as<double>().subspan(i * 3, 3);
      EXPECT_EQ(scores[i].object, static_cast<int>(row[0])) << clip;
      EXPECT_NEAR(scores[i].j.mean, row[1], kTolerance) << clip;
      EXPECT_NEAR(scores[i].f.mean, row[2], kTolerance) << clip;
      EXPECT_NEAR(scores[i].j_and_f(), (row[1] + row[2]) / 2, kTolerance) << clip;
    }
  }
}

TEST_F(SequenceScorerTest, decay_of_long_sequences_is_first_quarter_less_last) {
  std::vector<double> values(401, 0.5);
  for (size_t i = 0; i <= 100; ++i) values[i] = 0.75;
  for (size_t i = 300; i < 401; ++i) values[i] = 0.25;
  EXPECT_NEAR(measure_of(values).decay, 0.5, kTolerance);
}

TEST_F(SequenceScorerTest, refuses_what_cannot_be_compared) {
  const std::vector<uint8_t> annotation{0, 1, 2, 2}, prediction{0, 1, 3, 2};
  SequenceScorer davis(VosProtocol::kDavis, {2, 2, annotation});
  EXPECT_EQ(davis.add({2, 2, annotation}, {2, 2, prediction}).message(),
            "object 3 is predicted, and the first annotation has no number above 2");
  SequenceScorer sav(VosProtocol::kSav, {2, 2, annotation});
  EXPECT_TRUE(sav.add({2, 2, annotation}, {2, 2, prediction}).is_ok());
  EXPECT_EQ(sav.add({2, 2, annotation}, {4, 1, prediction}).message(),
            "the prediction is 4 x 1 pixels, the annotation 2 x 2");
}

}  // namespace
}  // namespace samc
