#include "base/natural_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace samc {
namespace {

TEST(NaturalOrder, NamesAreOrderedAsPeopleCount) {
  const std::vector<std::string> expected{"",
                                          "0",
                                          "01",
                                          "1",
                                          "2",
                                          "10",
                                          "10.jpg",
                                          "a",
                                          "a1b2",
                                          "a1b10",
                                          "a2b1",
                                          "frame2.png",
                                          "frame10.png",
                                          "frame100.png",
                                          "frame99999999999999999998.png",
                                          "frame99999999999999999999.png",
                                          "x"};
  std::vector<std::string> names = expected;
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(names.begin(), names.end(), random);
    std::sort(names.begin(), names.end(), comes_before);
    EXPECT_EQ(names, expected);
  }
}

}  // namespace
}  // namespace samc
