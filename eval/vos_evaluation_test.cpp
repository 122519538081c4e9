#include "eval/vos_evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-12;
const std::string kData = SAMC_SOURCE_DIR "/tests/data/vos/";

class VosEvaluationTest : public testing::Test {
 protected:
  // What the official evaluators said (make_dataset.py).
  static const nlohmann::json& expected() {
    static const auto json = nlohmann::json::parse(read_text_file(kData + "expected.json", 1 << 20).value());
    return json;
  }
  std::string path(const std::string& name) const { return folder_.path(name); }

  static void expect_measure(const Measure& measure, const nlohmann::json& davis) {
    EXPECT_NEAR(measure.mean, davis["mean"].get<double>(), kTolerance);
    EXPECT_NEAR(measure.recall, davis["recall"].get<double>(), kTolerance);
    EXPECT_NEAR(measure.decay, davis["decay"].get<double>(), kTolerance);
  }
  static void expect_scores(const SequenceScore& score, const nlohmann::json& sav) {
    ASSERT_EQ(score.objects.size(), sav.size());
    for (const ObjectScore& object : score.objects) {
      const nlohmann::json& wanted = sav[std::to_string(object.object)];
      EXPECT_NEAR(object.j.mean, wanted["J"].get<double>(), kTolerance) << score.name << object.object;
      EXPECT_NEAR(object.f.mean, wanted["F"].get<double>(), kTolerance) << score.name << object.object;
    }
  }
  // The labels of tests/data/vos, one folder for each object, as SA-V has them.
  void split_objects(const std::string& from, const std::string& to) const {
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      if (!entry.is_regular_file()) continue;
      const PaletteImage image = read_palette_png(entry.path().string()).value();
      for (const uint8_t object : {1, 2}) {
        const fs::path folder = fs::path(to) / entry.path().parent_path().filename() / ("00" + std::to_string(object));
        fs::create_directories(folder);
        std::vector<uint8_t> mask;
        for (const uint8_t label : image.indices) mask.push_back(label == object ? 255 : 0);
        ASSERT_TRUE(
            write_palette_png((folder / entry.path().filename()).string(), image.width, image.height, mask).is_ok());
      }
    }
  }
  // A copy to change.
  std::string copy_of_dataset() const {
    fs::copy(kData + "dataset", path("dataset"), fs::copy_options::recursive);
    fs::copy(kData + "predictions", path("predictions"), fs::copy_options::recursive);
    return path("dataset");
  }
  std::string error_of(const std::string& sequence, VosProtocol protocol) const {
    const std::vector<std::string> names{sequence};
    const VosDataset dataset = open_vos_dataset(path("dataset"), names).value();
    const Result<SequenceScore> score = evaluate_sequence(dataset, dataset.sequences[0], path("predictions"), protocol);
    return score.is_ok() ? "" : score.status().to_string();
  }

 private:
  TestFolder folder_;
};

TEST_F(VosEvaluationTest, davis_scores_are_those_of_davis2017_evaluation) {
  const VosDataset dataset = open_vos_dataset(kData + "dataset").value();
  std::vector<SequenceScore> scores;
  double sum = 0;
  for (const VosSequence& sequence : dataset.sequences) {
    scores.push_back(evaluate_sequence(dataset, sequence, kData + "predictions", VosProtocol::kDavis).value());
    const nlohmann::json& wanted = expected()["davis"][sequence.name];
    ASSERT_EQ(scores.back().objects.size(), wanted.size());
    for (const ObjectScore& object : scores.back().objects) {
      const nlohmann::json& measures = wanted[std::to_string(object.object)];
      expect_measure(object.j, measures["J"]);
      expect_measure(object.f, measures["F"]);
      sum += (measures["J"]["mean"].get<double>() + measures["F"]["mean"].get<double>()) / 2;
    }
  }
  const TotalScore total = total_of(scores).value();
  EXPECT_EQ(total.objects, 4);
  EXPECT_NEAR(total.j_and_f(), sum / 4, kTolerance);
}

TEST_F(VosEvaluationTest, sav_scores_are_those_of_the_sav_evaluator) {
  const VosDataset dataset = open_vos_dataset(kData + "dataset").value();
  for (const VosSequence& sequence : dataset.sequences)
    expect_scores(evaluate_sequence(dataset, sequence, kData + "predictions", VosProtocol::kSav).value(),
                  expected()["sav"][sequence.name]);
}

TEST_F(VosEvaluationTest, folders_of_objects_score_as_the_sav_evaluator_says) {
  split_objects(kData + "dataset/Annotations", path("dataset/Annotations_6fps"));
  split_objects(kData + "predictions", path("predictions"));
  const VosDataset dataset = open_vos_dataset(path("dataset")).value();
  for (const VosSequence& sequence : dataset.sequences)
    expect_scores(evaluate_sequence(dataset, sequence, path("predictions"), VosProtocol::kSav).value(),
                  expected()["sav_folders"][sequence.name]);
  EXPECT_EQ(error_of("late", VosProtocol::kDavis),
            "late: each object has a folder of its own, as in SA-V; use --protocol sav");
}

TEST_F(VosEvaluationTest, sav_takes_some_frames_and_objects_that_come_too_late_to_count) {
  const std::string annotations = copy_of_dataset() + "/Annotations/480p/late/";
  for (const char* frame : {"00001.png", "00004.png"}) fs::remove(annotations + frame);
  EXPECT_EQ(error_of("late", VosProtocol::kSav), "");
  EXPECT_EQ(error_of("late", VosProtocol::kDavis), "no annotation " + annotations +
                                                       "00001.png, and DAVIS's protocol wants one for each frame; "
                                                       "--protocol sav takes those that are there");

  const std::vector<uint8_t> empty(size_t{80} * 60);
  for (const char* frame : {"00000", "00002", "00003", "00005"})
    ASSERT_TRUE(write_palette_png(annotations + frame + ".png", 80, 60, empty).is_ok());
  const std::vector<std::string> names{"late"};
  const VosDataset dataset = open_vos_dataset(path("dataset"), names).value();
  const SequenceScore score =
      evaluate_sequence(dataset, dataset.sequences[0], path("predictions"), VosProtocol::kSav).value();
  EXPECT_TRUE(score.objects.empty());
  ASSERT_EQ(score.warnings.size(), 1u);
  EXPECT_EQ(score.warnings[0], "late: no object is annotated between the first and the last frame: not counted");
  EXPECT_EQ(total_of(std::span(&score, 1)).status().message(), "no sequence has an object that counts");
}

TEST_F(VosEvaluationTest, says_what_is_wrong) {
  const std::string annotations = copy_of_dataset() + "/Annotations/480p/";
  const std::string predictions = path("predictions/");
  fs::remove(predictions + "late/00003.png");
  EXPECT_NE(error_of("late", VosProtocol::kDavis).find(predictions + "late/00003.png: No such file"), std::string::npos)
      << error_of("late", VosProtocol::kDavis);
  // The first frame and the last are not looked at.
  fs::remove(predictions + "crossing/00000.png");
  fs::remove(predictions + "crossing/00007.png");
  EXPECT_EQ(error_of("crossing", VosProtocol::kDavis), "");

  const std::vector<uint8_t> small(size_t{80} * 59), third(size_t{80} * 60, 3), empty(size_t{80} * 60);
  ASSERT_TRUE(write_palette_png(predictions + "late/00003.png", 80, 59, small).is_ok());
  EXPECT_EQ(error_of("late", VosProtocol::kSav),
            predictions + "late/00003.png: the prediction is 80 x 59 pixels, the annotation 80 x 60");
  ASSERT_TRUE(write_palette_png(predictions + "late/00003.png", 80, 60, third).is_ok());
  EXPECT_EQ(error_of("late", VosProtocol::kDavis),
            predictions + "late/00003.png: object 3 is predicted, and the first annotation has no number above 2");
  ASSERT_TRUE(write_palette_png(annotations + "late/00000.png", 80, 60, empty).is_ok());
  EXPECT_EQ(error_of("late", VosProtocol::kDavis), "no object in the first annotation, " + annotations +
                                                       "late/00000.png; --protocol sav counts objects that come later");
  for (int frame = 2; frame <= 6; ++frame) fs::remove(annotations + "late/0000" + std::to_string(frame) + ".png");
  EXPECT_EQ(error_of("late", VosProtocol::kSav), "late: 2 annotated frames, and the first and the last do not count");
}

}  // namespace
}  // namespace samc
