// `samc eval` from the outside: what it prints and writes, and its one line for each mistake. The numbers are those of
// eval/vos_evaluation_test.cpp, which has them from the official evaluators.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "media/palette_png.h"
#define SAMC_TESTED_PROGRAM SAMC_RUN_BINARY  // the one that is there without the compiler too
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kVos = kData + "vos/";
constexpr double kTolerance = 1e-12;

class CliEval : public CommandLine {
 protected:
  static void SetUpTestSuite() {}  // no model
  static void TearDownTestSuite() {}

  ProcessResult eval(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"eval", "--threads", "2"});
    return samc(std::move(arguments));
  }
  ProcessResult eval_of(const std::string& dataset, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--vos", dataset, "--predictions", kVos + "predictions"});
    return eval(std::move(arguments));
  }
  static json expected(const char* protocol) { return json::parse(bytes_of(kVos + "expected.json"))[protocol]; }
  // A copy of the data set to change.
  std::string copy() const {
    fs::copy(kVos + "dataset", path("dataset"), fs::copy_options::recursive);
    return path("dataset");
  }
};

TEST_F(CliEval, json_holds_the_numbers_of_davis) {
  const ProcessResult result = eval_of(kVos + "dataset", {"--json", path("scores.json")});
  expect_done(result);
  const json document = json::parse(bytes_of(path("scores.json"))), davis = expected("davis");
  EXPECT_EQ(document["protocol"], "davis");
  EXPECT_EQ(document["objects"], 4);
  double j = 0, f = 0;
  for (const json& sequence : document["sequences"])
    for (const json& object : sequence["objects"]) {
      const json& wanted = davis[sequence["name"].get<std::string>()][std::to_string(object["object"].get<int>())];
      for (const char* measure : {"J", "F"})
        for (const char* key : {"mean", "recall", "decay"})
          EXPECT_NEAR(object[measure][key].get<double>(), wanted[measure][key].get<double>(), kTolerance);
      j += wanted["J"]["mean"].get<double>();
      f += wanted["F"]["mean"].get<double>();
    }
  EXPECT_NEAR(document["J"]["mean"].get<double>(), j / 4, kTolerance);
  EXPECT_NEAR(document["F"]["mean"].get<double>(), f / 4, kTolerance);
  EXPECT_NEAR(document["J&F"].get<double>(), (j + f) / 8, kTolerance);
}

TEST_F(CliEval, table_has_a_line_for_each_object_and_the_mean) {
  const ProcessResult result = eval_of(kVos + "dataset", {"--protocol", "sav"});
  expect_done(result);
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 6);
  // Rounded from expected.json.
  EXPECT_NE(result.out.find("late                    1      4   68.7   79.7   57.8"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("mean of 4 objects                  68.3   76.8   59.7"), std::string::npos) << result.out;
}

TEST_F(CliEval, sequences_are_chosen_by_name_or_by_a_list) {
  const auto names_of = [](const ProcessResult& result) {
    std::vector<std::string> names;
    const json document = json::parse(result.out);
    for (const json& sequence : document["sequences"]) names.push_back(sequence["name"]);
    return names;
  };
  EXPECT_EQ(names_of(eval_of(kVos + "dataset", {"--json", "-", "--sequences", "late,crossing,late"})),
            (std::vector<std::string>{"late", "crossing"}));
  put_bytes(path("val.txt"), "\n  late \r\n\n");
  EXPECT_EQ(names_of(eval_of(kVos + "dataset", {"--json", "-", "--sequence-list", path("val.txt")})),
            (std::vector<std::string>{"late"}));
}

TEST_F(CliEval, quiet_prints_nothing) {
  const ProcessResult result = eval_of(kVos + "dataset", {"--quiet"});
  expect_done(result);
  EXPECT_EQ(result.out, "");
}

TEST_F(CliEval, a_mistake_is_one_line) {
  const std::string dataset = copy();
  expect_error(eval_of(path("none"), {}), 1, {path("none") + " is no folder"});
  expect_error(eval_of(path(""), {}), 1, {"holds no folder Annotations", "docs/eval.md"});
  expect_error(eval_of(dataset, {"--sequences", "late,no"}), 1, {"no sequence no in"});
  expect_error(eval_of(dataset, {"--protocol", "coco"}), 2, {"--protocol", "davis,sav"});
  expect_error(eval({"--vos", dataset, "--predictions", path("none")}), 1, {path("none/crossing/00001.png")});
  put_bytes(path("empty.txt"), "\n\n");
  expect_error(eval_of(dataset, {"--sequence-list", path("empty.txt")}), 1, {"empty.txt names no sequence"});

  const std::string annotation = dataset + "/Annotations/480p/late/00002.png";
  fs::copy_file(kFormats + "rgb8.png", annotation, fs::copy_options::overwrite_existing);
  expect_error(eval_of(dataset, {}), 1, {annotation, "RGB"});
  ASSERT_TRUE(write_palette_png(annotation, 4, 3, std::vector<uint8_t>(12)).is_ok());
  expect_error(eval_of(dataset, {}), 1, {kVos + "predictions/late/00002.png", "80 x 60", "4 x 3"});
  fs::remove(annotation);
  expect_error(eval_of(dataset, {}), 1, {"no annotation " + annotation, "--protocol sav"});
  expect_done(eval_of(dataset, {"--protocol", "sav"}));
}

TEST_F(CliEval, overwrites_nothing_that_it_reads) {
  const std::string dataset = copy();
  for (const char* file : {"/Annotations/480p/late/00002.png", "/JPEGImages/480p/late/00002.jpg"}) {
    const std::string before = bytes_of(dataset + file);
    expect_error(eval_of(dataset, {"--json", dataset + file}), 2, {"would overwrite", file});
    EXPECT_EQ(bytes_of(dataset + file), before);
  }
  expect_error(eval_of(dataset, {"--json", path("no/scores.json")}), 1, {"--json", "no/scores.json"});
}

}  // namespace
}  // namespace samc::test
