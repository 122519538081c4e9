#include "media/track_prompts.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

TEST(TrackPrompts, AreThoseOfTheFileInItsOrder) {
  const auto prompts = parse_track_prompts(R"([
    {"frame": 5, "object": 1, "points": [[210, 350, 1], [250.5, 220, 0], [1, 2]]},
    {"frame": 0, "object": 20, "box": [300, 0, 500, 400]},
    {"frame": 5, "object": 1, "points": [[3, 4], [5, 6]], "labels": [0, 1], "clear_old_points": false},
    {"frame": 0, "object": 3, "mask": "m.png"}])")
                           .value();
  ASSERT_EQ(prompts.size(), 4u);
  EXPECT_EQ(prompts[0].frame, 5);
  EXPECT_EQ(prompts[0].object, 1);
  ASSERT_EQ(prompts[0].prompt.points.size(), 3u);
  EXPECT_EQ(prompts[0].prompt.points[1].x, 250.5);
  EXPECT_TRUE(prompts[0].prompt.points[0].positive);
  EXPECT_FALSE(prompts[0].prompt.points[1].positive);
  EXPECT_TRUE(prompts[0].prompt.points[2].positive);
  EXPECT_TRUE(prompts[0].clear_old_points);
  EXPECT_EQ(prompts[1].object, 20);
  EXPECT_EQ((*prompts[1].prompt.box)[2], 500);
  EXPECT_FALSE(prompts[2].prompt.points[0].positive);
  EXPECT_TRUE(prompts[2].prompt.points[1].positive);
  EXPECT_FALSE(prompts[2].clear_old_points);
  EXPECT_EQ(prompts[3].mask, "m.png");
  EXPECT_EQ(prompts[3].where, "[3]");
}

TEST(TrackPrompts, MasksLieBesideTheFile) {
  TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("p.json"), R"([{"frame": 0, "object": 1, "mask": "a/m.png"}])").is_ok());
  const auto prompts = read_track_prompts(folder.path("p.json")).value();
  EXPECT_EQ(prompts[0].mask, folder.path("a/m.png"));
  EXPECT_EQ(prompts[0].where, folder.path("p.json") + ": [0]");
}

TEST(TrackPrompts, ErrorsSayWhere) {
  const auto expect = [](const std::string& json, const std::string& error) {
    const auto prompts = parse_track_prompts(json);
    ASSERT_FALSE(prompts.is_ok()) << json;
    EXPECT_NE(prompts.status().to_string().find(error), std::string::npos) << prompts.status().to_string();
  };
  expect("", "JSON");
  expect("{}", "not a list of prompts");
  expect("[]", "0 prompts");
  expect("[3]", "[0]: not an object");
  expect(R"([{"object": 1, "points": [[1, 2]]}])", "[0]: no \"frame\"");
  expect(R"([{"frame": 0, "points": [[1, 2]]}])", "[0]: no \"object\"");
  expect(R"([{"frame": -1, "object": 1, "points": [[1, 2]]}])", "[0]: frame: not a whole number from 0");
  expect(R"([{"frame": 0.5, "object": 1, "points": [[1, 2]]}])", "[0]: frame: not a whole number");
  expect(R"([{"frame": 1e300, "object": 1, "points": [[1, 2]]}])", "[0]: frame: not a whole number");
  expect(R"([{"frame": 0, "object": "a", "points": [[1, 2]]}])", "[0]: object: not a whole number");
  expect(R"([{"frame": 0, "object": 1}])", "[0]: an empty prompt");
  expect(R"([{"frame": 0, "object": 1, "points": []}])", "[0]: an empty prompt");
  expect(R"([{"frame": 0, "object": 1, "points": [[1]]}])", "[0]: points[0]: not two or three numbers");
  expect(R"([{"frame": 0, "object": 1, "points": [[1, 2, 3]]}])", "[0]: points[0]: a label neither 0 nor 1");
  expect(R"([{"frame": 0, "object": 1, "points": [[1, 2]], "labels": [1, 1]}])", "[0]: labels: 2 for 1 points");
  expect(R"([{"frame": 0, "object": 1, "points": [[1, 2]], "labels": [2]}])", "[0]: labels[0]: neither 0 nor 1");
  expect(R"([{"frame": 0, "object": 1, "box": [1, 2, 3]}])", "[0]: box: not four numbers");
  expect(R"([{"frame": 0, "object": 1, "box": [1, 2, 3, 4], "mask": "m.png"}])", "[0]: a mask beside points or a box");
  expect(R"([{"frame": 0, "object": 1, "mask": ""}])", "[0]: mask: not a path");
  expect(R"([{"frame": 0, "object": 1, "point": [[1, 2]]}])", "[0]: unknown key \"point\"");
  expect(R"([{"frame": 0, "frame": 1, "object": 1, "points": [[1, 2]]}])", "[0]: the key \"frame\" stands twice");
  expect(R"([{"frame": 0, "object": 1, "points": [[1, 2]], "clear_old_points": 1}])", "clear_old_points: neither true");
}

}  // namespace
}  // namespace samc
