// The other tests here run on every set of instructions that the machine has. This one says which it has not.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kernels/testing.h"

namespace samc {
namespace {

class Sets : public testing::TestWithParam<Isa> {};

TEST_P(Sets, is_one_that_the_kernels_are_tested_on) {
  const Isa& isa = GetParam();
  if (!isa_available(isa)) GTEST_SKIP() << "this machine lacks " << isa.name << ": no kernel for it is tested here";
  const auto holds = [&](const std::vector<Isa>& isas) {
    return std::find(isas.begin(), isas.end(), isa) != isas.end();
  };
  EXPECT_TRUE(holds(available_isas()) || holds(available_bf16_isas()) || holds(available_int8_isas())) << isa.name;
}

INSTANTIATE_TEST_SUITE_P(, Sets, testing::ValuesIn(known_isas().begin(), known_isas().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace samc
