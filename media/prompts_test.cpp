#include "media/prompts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace samc {
namespace {

TEST(Prompts, reads_all_that_a_picture_may_have) {
  const Result<std::vector<PicturePrompts>> pictures = parse_prompts(R"({"pictures": [
      {"image": "truck.jpg", "multimask": false, "normalized": true, "prompts": [
         {"points": [[0.5, 0.25], [1, 0]], "labels": [1, 0]},
         {"box": [1, 2, 3.5, 4], "points": [[2, 3]], "mask_input": "m.npy"}]},
      {"image": "b.png", "prompts": [{"box": [0, 0, 1, 1]}]}]})");
  ASSERT_TRUE(pictures.is_ok()) << pictures.status().to_string();
  ASSERT_EQ(pictures.value().size(), 2u);
  const PicturePrompts& truck = pictures.value()[0];
  EXPECT_EQ(truck.image, "truck.jpg");
  EXPECT_EQ(truck.multimask, false);
  EXPECT_EQ(truck.normalized, true);
  ASSERT_EQ(truck.prompts.size(), 2u);
  EXPECT_EQ(truck.prompts[0].points[0].x, 0.5);
  EXPECT_TRUE(truck.prompts[0].points[0].positive);
  EXPECT_FALSE(truck.prompts[0].points[1].positive);
  EXPECT_EQ((*truck.prompts[1].box)[2], 3.5);
  EXPECT_TRUE(truck.prompts[1].points[0].positive);
  EXPECT_EQ(truck.prompts[1].mask_input, "m.npy");
  EXPECT_FALSE(pictures.value()[1].multimask.has_value());
}

TEST(Prompts, errors_are_one_line_that_says_where) {
  const auto expect = [](const std::string& json, const std::string& part) {
    const Status status = parse_prompts(json).status();
    EXPECT_FALSE(status.is_ok()) << json;
    EXPECT_NE(status.to_string().find(part), std::string::npos) << status.to_string();
    EXPECT_EQ(status.to_string().find('\n'), std::string::npos);
  };
  const auto prompt = [](const std::string& text) {
    return R"({"pictures": [{"image": "a", "prompts": [)" + text + "]}]}";
  };
  expect("", "not valid JSON");
  expect("{\"pictures\": [\n}", "line 2");
  expect("[]", "pictures");
  expect(R"({"pictures": []})", "0 of them");
  expect(R"({"pictures": [], "x": 1})", "unknown key \"x\"");
  expect(R"({"pictures": [{"prompts": []}]})", "pictures[0]: no \"image\"");
  expect(R"({"pictures": [{"image": "a", "prompts": []}]})", "at least one prompt");
  expect(R"({"pictures": [{"image": "a", "multimask": 1, "prompts": [{}]}]})", "pictures[0]: multimask: neither");
  expect(prompt("3"), "prompts[0]: not an object");
  expect(prompt(R"({"point": [[1, 2]]})"), "unknown key \"point\"");
  expect(prompt(R"({"points": [[1, 2], [3]]})"), "pictures[0]: prompts[0]: points[1]: not a pair");
  expect(prompt(R"({"points": [[1, "2"]]})"), "points[0]: not a number");
  expect(prompt(R"({"points": [[1, 1e999]]})"), "JSON");
  expect(prompt(R"({"points": [[1, 2]], "labels": [2]})"), "labels[0]: neither 0 nor 1");
  expect(prompt(R"({"points": [[1, 2]], "labels": [true]})"), "labels[0]: neither 0 nor 1");
  expect(prompt(R"({"points": [[1, 2]], "labels": []})"), "labels: 0 for 1 points");
  expect(prompt(R"({"box": [1, 2, 3]})"), "box: not four numbers");
  expect(prompt(R"({"mask_input": ""})"), "mask_input: not a path");
}

TEST(Prompts, coordinates_are_judged_by_the_picture) {
  const auto status_of = [](const Prompt& prompt) { return check_prompt(prompt, 100, 50); };
  EXPECT_FALSE(status_of({}).is_ok());
  EXPECT_TRUE(status_of({{{0, 0}, {100, 50}}, {}, ""}).is_ok());
  EXPECT_NE(status_of({{{100.5, 3}}, {}, ""}).message().find("outside the picture of 100 x 50"), std::string::npos);
  EXPECT_FALSE(status_of({{{-1, 3}}, {}, ""}).is_ok());
  EXPECT_FALSE(status_of({{{std::nan(""), 3}}, {}, ""}).is_ok());
  EXPECT_TRUE(status_of({{}, {{-5, -5, 300, 300}}, ""}).is_ok());
  EXPECT_NE(status_of({{}, {{30, 5, 10, 20}}, ""}).message().find("swapped"), std::string::npos);
  EXPECT_NE(status_of({{}, {{10, 5, 10, 20}}, ""}).message().find("empty"), std::string::npos);
  EXPECT_NE(status_of({{}, {{110, 5, 120, 20}}, ""}).message().find("outside"), std::string::npos);
  EXPECT_FALSE(status_of({{}, {{1, 5, HUGE_VAL, 20}}, ""}).is_ok());
  EXPECT_TRUE(status_of({{}, {}, "m.npy"}).is_ok());
}

}  // namespace
}  // namespace samc
