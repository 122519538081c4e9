#include "ir/mlir_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace samc {
namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string error_of(const std::string& text) { return check_mlir_text(text).to_string(); }

void expect_error(const std::string& text, const std::string& part) {
  EXPECT_NE(error_of(text).find(part), std::string::npos) << error_of(text);
}

TEST(MlirText, brackets_of_every_kind_are_counted) {
  for (const char* open : {"[", "{", "(", "<", "tuple<", "loc(callsite("})
    expect_error(fmt::format("module {{\n{}", repeated(open, 10'000)), "line 2: brackets nested more than 100 deep");
  EXPECT_EQ(error_of(repeated("[", 100) + repeated("]", 100)), "");
  EXPECT_EQ(error_of(repeated("[](){}<>", 10'000)), "");
  // A closing bracket of another kind closes nothing.
  expect_error(repeated("[)}>", 10'000), "nested");
}

// The parser takes time by their square.
TEST(MlirText, long_numbers_and_dimensions_are_refused) {
  expect_error("module attributes {a = " + std::string(2000, '9') + " : i16777215} {}",
               "line 1: a number or name of 2000 characters, more than 1024");
  expect_error("vector<" + repeated("1x", 1000) + "f32>", "line 1: a number or name of 2003 characters");
  EXPECT_EQ(error_of("tensor<1x3x1024x1024xf32> " + std::string(1024, '9')), "");
}

TEST(MlirText, brackets_in_texts_and_comments_and_arrows_are_none) {
  EXPECT_EQ(error_of(fmt::format("\"{}\" // {}\n", repeated("[", 1000), repeated("{", 1000))), "");
  EXPECT_EQ(error_of(R"("a \" [[[" "b \\")"), "");
  EXPECT_EQ(error_of(repeated("(tensor<4xf32>) -> tensor<4xf32>\n", 1000)), "");
  expect_error(repeated("<->", 1000), "nested");
}

TEST(MlirText, affine_expressions_and_aliases_of_types_are_refused) {
  expect_error(fmt::format("\n\n#map = affine_map<(d0) -> ({}d0)>", repeated("-", 100'000)), "line 3: the alias #map");
  expect_error(fmt::format("\"top.A\"() {{a = affine_map<(d0) -> (d0{})>}}", repeated(" + d0", 100'000)),
               "an affine_map");
  expect_error("!a = i1\n", "the alias !a");
  EXPECT_EQ(error_of("\"affine_map\""), "");
}

TEST(MlirText, what_a_location_stands_for_is_bounded) {
  EXPECT_EQ(error_of("#loc = loc(unknown)\n#loc1 = loc(\"a\")\n#loc2 = loc(fused[#loc1, #loc])\nmodule {} loc(#loc2)"),
            "");
  // Each of these names the one before it twice: 2^60 in all.
  std::string doubling = "#loc0 = loc(\"a\")\n", chain = doubling;
  for (int i = 1; i <= 60; ++i) doubling += fmt::format("#loc{0} = loc(fused[#loc{1}, #loc{1}])\n", i, i - 1);
  expect_error(doubling, "the location #loc16 stands for too many others");
  for (int i = 1; i <= 10'000; ++i) chain += fmt::format("#loc{} = loc(fused[#loc{}])\n", i, i - 1);
  expect_error(chain, "the location #loc100 stands for too many others");
}

TEST(MlirText, a_text_that_breaks_off_is_read_to_its_end) {
  for (const char* text : {"", "\"", "\"\\", "/", "//", "#", "!", "#loc =", "<", "->"}) EXPECT_EQ(error_of(text), "");
}

}  // namespace
}  // namespace samc
