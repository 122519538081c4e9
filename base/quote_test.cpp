#include "base/quote.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/status.h"

namespace samc {
namespace {

TEST(Quote, what_is_short_stays_and_what_is_long_keeps_both_ends) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(quote("trunk.blocks.0"), "trunk.blocks.0");
  const std::string name = fmt::format("begin{}end", std::string(10'000'000, 'x'));
  const std::string shown = quote(name);
  EXPECT_LE(shown.size(), kLongestQuote);
  EXPECT_TRUE(shown.starts_with("beginx")) << shown;
  EXPECT_TRUE(shown.ends_with("xend")) << shown;
  EXPECT_NE(shown.find(" ... (10000008 bytes) ... "), std::string::npos) << shown;
  EXPECT_LE(shortened(name, 5).size(), 5u);
}

TEST(Quote, control_characters_are_question_marks) {
  EXPECT_EQ(quote(std::string_view("a\x1b[31m\n\0b\x7f", 10)), "a?[31m??b?");
}

TEST(Quote, no_character_is_cut_in_two) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xe5\xbc\xa0";  // three bytes each
  for (size_t most = 40; most < 80; ++most) {
    const std::string shown = shortened(text, most);
    EXPECT_LE(shown.size(), most);
    for (size_t i = 0; i < shown.size();) {
      const bool is_whole = shown.compare(i, 3, "\xe5\xbc\xa0") == 0;
      ASSERT_TRUE(is_whole || static_cast<unsigned char>(shown[i]) < 0x80) << most << ": " << shown;
      i += is_whole ? 3 : 1;
    }
  }
}

TEST(Status, a_message_is_bounded_whatever_it_quotes) {
  const std::string name(10'000'000, 'n');
  const Status status =
      invalid_input(fmt::format("the tensor {} is there twice", name), fmt::format("rename {}", name)).at("file.pt");
  EXPECT_LE(status.message().size(), kLongestMessage);
  EXPECT_LE(status.hint().size(), kLongestMessage);
  EXPECT_TRUE(status.message().starts_with("file.pt: the tensor nnn")) << status.message();
  EXPECT_TRUE(status.message().ends_with("nnn is there twice")) << status.message();
  EXPECT_LE(status.at(name).message().size(), kLongestMessage);
}

}  // namespace
}  // namespace samc
