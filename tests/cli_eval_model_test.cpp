// `samc eval --model` from the outside: what it tracks and scores, with samc-mini, and what it refuses.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "media/npz.h"
#include "media/palette_png.h"
#include "tests/support/command_line.h"
#include "tests/support/pico_export.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kVos = kData + "vos/";

class CliEvalModel : public CommandLine {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TestFolder;
    const ProcessResult result = run_process({SAMC_BINARY, "compile", "mini", "-o", mini()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }
  static std::string mini() { return shared_->path("mini.samc"); }

  ProcessResult eval(const std::string& dataset, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"eval", "--vos", dataset, "--threads", "2"});
    return samc(std::move(arguments));
  }
  ProcessResult track(const std::string& dataset, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--model", mini()});
    return eval(dataset, std::move(arguments));
  }
  std::string copy() const {
    fs::copy(kVos + "dataset", path("dataset"), fs::copy_options::recursive);
    return path("dataset");
  }
  // The data set as SA-V lays one out, with an annotation for every second frame.
  std::string copy_with_object_folders() const {
    const std::string dataset = copy();
    fs::rename(dataset + "/JPEGImages/480p", dataset + "/JPEGImages_24fps");
    fs::remove(dataset + "/JPEGImages");
    for (const auto& entry : fs::recursive_directory_iterator(dataset + "/Annotations/480p")) {
      const std::string frame = entry.path().stem().string();
      if (!entry.is_regular_file() || (frame.back() - '0') % 2 == 1) continue;
      const PaletteImage image = read_palette_png(entry.path().string()).value();
      for (const uint8_t object : {1, 2}) {
        const std::string folder = dataset + "/Annotations_6fps/" + entry.path().parent_path().filename().string() +
                                   "/00" + std::to_string(object);
        fs::create_directories(folder);
        std::vector<uint8_t> mask;
        for (const uint8_t label : image.indices) mask.push_back(label == object ? 255 : 0);
        EXPECT_TRUE(write_palette_png(folder + "/" + frame + ".png", image.width, image.height, mask).is_ok());
      }
    }
    fs::remove_all(dataset + "/Annotations");
    return dataset;
  }

 private:
  static inline TestFolder* shared_ = nullptr;
};

// tests/data/vos/record_masks.py. Pixels whose logits are close to turning may differ: 25 of 82,752.
TEST_F(CliEvalModel, masks_are_those_of_the_official_tool) {
  expect_done(track(kVos + "dataset", {"--results", path("results")}));
  const Npz official = Npz::read(kVos + "tracked_masks.npz").value();
  for (const std::string sequence : {"crossing", "late"}) {
    const Tensor& labels = *official.get(sequence).value();
    const auto unsure = official.get(sequence + ".unsure").value()->as<uint8_t>();
    size_t at = 0, different = 0;
    for (int64_t frame = 0; frame < labels.shape()[0]; ++frame) {
      const Result<PaletteImage> image =
          read_palette_png(path("results/" + sequence + "/0000" + std::to_string(frame) + ".png"));
      ASSERT_TRUE(image.is_ok()) << image.status().to_string();
      for (const uint8_t label : image.value().indices) {
        different += label != labels.as<uint8_t>()[at] && unsure[at] == 0 ? 1 : 0;
        ++at;
      }
    }
    EXPECT_EQ(at, static_cast<size_t>(labels.count()));
    EXPECT_EQ(different, 0u) << sequence;
  }
}

TEST_F(CliEvalModel, scores_are_those_of_the_masks_it_writes) {
  for (const char* protocol : {"davis", "sav"}) {
    const ProcessResult tracked =
        track(kVos + "dataset", {"--results", path("results"), "--json", "-", "--protocol", protocol});
    expect_done(tracked);
    const ProcessResult read =
        eval(kVos + "dataset", {"--predictions", path("results"), "--json", "-", "--protocol", protocol});
    expect_done(read);
    const json scores = json::parse(tracked.out), same = json::parse(read.out);
    EXPECT_EQ(scores["sequences"], same["sequences"]);
    EXPECT_EQ(scores["model"], "mini");
    EXPECT_GT(scores["J"]["mean"].get<double>(), 0.9);  // shapes that mini has no trouble with
  }
}

TEST_F(CliEvalModel, folders_of_objects_are_tracked_and_written_as_such) {
  const std::string dataset = copy_with_object_folders();
  const std::vector<std::string> arguments{"--protocol", "sav", "--json", "-"};
  std::vector<std::string> tracking = arguments, reading = arguments;
  tracking.insert(tracking.end(), {"--results", path("results")});
  reading.insert(reading.end(), {"--predictions", path("results")});
  const ProcessResult tracked = track(dataset, tracking), read = eval(dataset, reading);
  expect_done(tracked);
  expect_done(read);
  const json scores = json::parse(tracked.out);
  EXPECT_EQ(scores["sequences"], json::parse(read.out)["sequences"]);
  EXPECT_EQ(scores["objects"], 4);
  EXPECT_GT(scores["J"]["mean"].get<double>(), 0.9);
  // Before its first annotation an object is in no mask.
  const PaletteImage early = read_palette_png(path("results/late/001/00001.png")).value();
  EXPECT_TRUE(std::ranges::all_of(early.indices, [](uint8_t label) { return label == 0; }));
  const PaletteImage later = read_palette_png(path("results/late/001/00003.png")).value();
  EXPECT_EQ(std::ranges::count(later.indices, 0) + std::ranges::count(later.indices, 1), 80 * 60);
  EXPECT_GT(std::ranges::count(later.indices, 1), 300);
}

TEST_F(CliEvalModel, objects_that_davis_does_not_count_are_named) {
  const std::string dataset = copy();
  for (int frame = 0; frame < 7; ++frame) {
    const std::string file = dataset + "/Annotations/480p/late/0000" + std::to_string(frame) + ".png";
    PaletteImage image = read_palette_png(file).value();
    for (uint8_t& label : image.indices) label = label == 1 ? 7 : label;
    ASSERT_TRUE(write_palette_png(file, image.width, image.height, image.indices).is_ok());
  }
  const ProcessResult result = track(dataset, {"--sequences", "late", "--json", "-"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "samc: warning: late: object 7 is not tracked: the first annotation has no number above 2\n");
  EXPECT_EQ(json::parse(result.out)["objects"], 2);
}

TEST_F(CliEvalModel, a_mistake_is_one_line) {
  const std::string dataset = copy();
  expect_error(eval(dataset, {}), 2, {"nothing to measure", "--model", "--predictions"});
  expect_error(track(dataset, {"--predictions", kVos + "predictions"}), 2, {"--model beside --predictions"});
  expect_error(eval(dataset, {"--predictions", kVos + "predictions", "--results", path("r")}), 2,
               {"--results without --model"});
  expect_error(eval(dataset, {"--model", path("none.samc")}), 1, {"none.samc"});
  ASSERT_TRUE(write_pico_export(path("onnx")).is_ok());
  expect_error(eval(dataset, {"--model", path("onnx")}), 1, {"onnx has no functions for video", "checkpoint"});

  const std::string frame = dataset + "/JPEGImages/480p/late/00003.jpg";
  const std::string annotation = dataset + "/Annotations/480p/late/00002.png";
  ASSERT_TRUE(write_palette_png(annotation, 4, 3, std::vector<uint8_t>(12)).is_ok());
  expect_error(track(dataset, {}), 1, {annotation + " has 4 x 3 pixels, and its frame 80 x 60"});
  fs::copy_file(kVos + "dataset/Annotations/480p/late/00002.png", annotation, fs::copy_options::overwrite_existing);
  fs::copy_file(kTruck, frame, fs::copy_options::overwrite_existing);
  expect_error(track(dataset, {"--sequences", "late"}), 1, {frame, "80 x 60"});
  put_bytes(frame, "no image");
  expect_error(track(dataset, {"--sequences", "late"}), 1, {frame});
  fs::remove(frame);
  expect_error(track(dataset, {}), 1, {"no frame 00003 in", "late/00003.png"});
  fs::remove_all(dataset + "/JPEGImages");
  expect_error(track(dataset, {}), 1, {"crossing has no frames to track through", "JPEGImages"});
}

TEST_F(CliEvalModel, overwrites_nothing_that_it_reads) {
  const std::string dataset = copy();
  const std::string annotation = dataset + "/Annotations/480p/crossing/00000.png", before = bytes_of(annotation);
  expect_error(track(dataset, {"--results", dataset + "/Annotations/480p"}), 2, {"would overwrite", "crossing"});
  EXPECT_EQ(bytes_of(annotation), before);
  expect_error(track(dataset, {"--json", mini()}), 2, {"would overwrite", "mini.samc"});
  put_bytes(path("file"), "");
  expect_error(track(dataset, {"--results", path("file")}), 1, {"--results", "is no folder"});
  EXPECT_EQ(count_torn_files(), 0u);
}

}  // namespace
}  // namespace samc::test
