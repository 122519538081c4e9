#include "media/prompts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/utf8.h"

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
    const Result<std::vector<PicturePrompts>> pictures = parse_prompts(json);
    const Status status = pictures.is_ok() ? pictures.value()[0].fault : pictures.status();
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

TEST(Prompts, an_error_in_one_entry_leaves_the_others) {
  const std::vector<PicturePrompts> pictures = parse_prompts(R"({"pictures": [
      {"image": "a.jpg", "prompts": [{"box": [0, 0, 1, 1]}]},
      {"image": "b.jpg", "prompts": [{"points": [[1, 2]]}, {"points": [[1, 2]], "labels": [2]}]},
      {"prompts": [{"box": [0, 0, 1, 1]}]},
      7,
      {"image": "", "prompts": [{"box": [0, 0, 1, 1]}]},
      {"image": "c.jpg", "prompts": [{"box": [0, 0, 2, 2]}]}]})")
                                                   .value();
  ASSERT_EQ(pictures.size(), 6u);
  EXPECT_TRUE(pictures[0].fault.is_ok());
  EXPECT_TRUE(pictures[5].fault.is_ok());
  EXPECT_EQ((*pictures[5].prompts[0].box)[2], 2);
  EXPECT_EQ(pictures[1].image, "b.jpg");
  EXPECT_EQ(pictures[1].fault.message(), "pictures[1]: prompts[1]: labels[0]: neither 0 nor 1");
  for (const size_t i : {2, 3, 4}) {
    EXPECT_TRUE(pictures[i].image.empty());
    EXPECT_TRUE(pictures[i].fault.message().starts_with(fmt::format("pictures[{}]: ", i))) << i;
  }
}

TEST(Prompts, a_key_that_stands_twice_is_an_error) {
  const auto fault_of = [](const std::string& json) {
    const Result<std::vector<PicturePrompts>> pictures = parse_prompts(json);
    return pictures.is_ok() ? pictures.value()[0].fault.message() : pictures.status().message();
  };
  EXPECT_EQ(fault_of(R"({"pictures": [{"image": "a", "image": "b", "prompts": [{"box": [0, 0, 1, 1]}]}]})"),
            "pictures[0]: the key \"image\" stands twice");
  EXPECT_EQ(fault_of(R"({"pictures": [{"image": "a", "prompts": [{}, {"box": [0, 0, 1, 1], "box": [0, 0, 2, 2]}]}]})"),
            "pictures[0]: prompts[1]: the key \"box\" stands twice");
  EXPECT_EQ(fault_of(R"({"pictures": [], "pictures": [{"image": "a", "prompts": [{"box": [0, 0, 1, 1]}]}]})"),
            "the key \"pictures\" stands twice");
  const auto second = parse_prompts(R"({"pictures": [{"image": "a", "prompts": [{"box": [0, 0, 1, 1]}]},
                                                     {"image": "a", "prompts": [{"box": [0, 0, 1, 1], "box": 3}]}]})");
  ASSERT_TRUE(second.is_ok());
  EXPECT_TRUE(second.value()[0].fault.is_ok());
  EXPECT_FALSE(second.value()[1].fault.is_ok());
}

TEST(Prompts, lists_in_lists_without_end_are_refused) {
  for (const char* open : {"[", "{\"pictures\":"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += open;
    EXPECT_NE(parse_prompts(text).status().message().find("deeper than samc reads"), std::string::npos);
  }
  // Brackets in a name are none.
  const std::string name(200, '[');
  const auto pictures =
      parse_prompts(R"({"pictures": [{"image": "\")" + name + R"(", "prompts": [{"box": [0, 0, 1, 1]}]}]})");
  ASSERT_TRUE(pictures.is_ok()) << pictures.status().to_string();
  EXPECT_EQ(pictures.value()[0].image, "\"" + name);
}

TEST(Prompts, names_of_files_are_bytes) {
  const auto name_of = [](const std::string& text) {
    const auto pictures =
        parse_prompts(R"({"pictures": [{"image": ")" + text + R"(", "prompts": [{"box": [0, 0, 1, 1]}]}]})");
    EXPECT_TRUE(pictures.is_ok()) << text << ": " << pictures.status().to_string();
    if (!pictures.is_ok()) return std::string();
    return pictures.value()[0].fault.is_ok() ? pictures.value()[0].image : pictures.value()[0].fault.message();
  };
  EXPECT_EQ(name_of("a\xff.jpg"), "a\xff.jpg");
  EXPECT_EQ(name_of("\xc3(\xe4\xb8"), "\xc3(\xe4\xb8");
  EXPECT_EQ(name_of(R"(a\udcff.jpg)"), "a\xff.jpg");  // as Python's json.dump writes it
  EXPECT_EQ(name_of("\xe4\xb8\xad\xf0\x9f\x98\x80"), "\xe4\xb8\xad\xf0\x9f\x98\x80");
  EXPECT_EQ(name_of(R"(\ud83d\ude00\u00e9)"), "\xf0\x9f\x98\x80\xc3\xa9");
  EXPECT_EQ(name_of(R"(\\udcff)"), "\\udcff");
  // The characters that stand for such bytes on the way mean themselves in a file.
  for (const char* last : {"\xf4\x8f\xb8\x80", "\xf4\x8f\xbe\x80", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xb7\xbf"})
    EXPECT_EQ(name_of(last), last);
  EXPECT_EQ(name_of(R"(\udbff\udfff)"), "\xf4\x8f\xbf\xbf");
  EXPECT_NE(name_of(R"(\ud800.jpg)").find("lone surrogate"), std::string::npos);
  EXPECT_NE(name_of(R"(\udc00.jpg)").find("lone surrogate"), std::string::npos);
  EXPECT_FALSE(parse_prompts("{\"pictures\": [\xff]}").is_ok());
}

TEST(Utf8, is_judged_strictly) {
  for (const char* text : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe4\xb8", "\xf0\x9f\x98", "a\xc3("})
    EXPECT_FALSE(is_utf8(text)) << text;
}

TEST(Prompts, coordinates_are_judged_by_the_picture) {
  const auto status_of = [](const Prompt& prompt) { return check_prompt(prompt, 100, 50); };
  EXPECT_FALSE(status_of({}).is_ok());
  EXPECT_TRUE(status_of({{{0, 0}, {100, 50}}, {}, ""}).is_ok());
  EXPECT_NE(status_of({{{100.5, 3}}, {}, ""}).message().find("outside the image of 100 x 50"), std::string::npos);
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
