#pragma once
// For tests that run on the stand-in: it is found and emptied before each of them, and holds nothing behind it.
// The test defines SAMC_STAND_IN, the folder above its lib/.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "base/status.h"
#include "targets/sophgo/device/stand_in/stand_in.h"

namespace samc::sophgo {

// Of networks, and of bytes to the chip and back.
struct StandInCalls {
  int launches = 0, up = 0, down = 0;
  bool operator==(const StandInCalls&) const = default;
};
inline void PrintTo(const StandInCalls& calls, std::ostream* stream) {
  *stream << calls.launches << " launches, " << calls.up << " up, " << calls.down << " down";
}

class StandInTest : public ::testing::Test {
 protected:
  // Gives all that it computed.
  using Scenario = std::function<Result<std::vector<float>>()>;

  void SetUp() override {
    ASSERT_EQ(::setenv("SAMC_LIBSOPHON", SAMC_STAND_IN, 1), 0);
    void* library = ::dlopen(SAMC_STAND_IN "/lib/libbmrt.so", RTLD_NOW | RTLD_GLOBAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    stand_in_ = reinterpret_cast<FindStandIn>(::dlsym(library, "samc_stand_in"))();
    stand_in_->reset();
  }
  void TearDown() override {
    if (stand_in_ == nullptr) return;
    stand_in_->reset();
    EXPECT_TRUE(stand_in_->holds_nothing());
  }

  using Calls = StandInCalls;
  // Since this was asked before.
  Calls calls_since() {
    const Calls now = {stand_in_->count("bmrt_launch_tensor_ex"), stand_in_->count("bm_memcpy_s2d"),
                       stand_in_->count("bm_memcpy_d2s")};
    const Calls since = {now.launches - before_.launches, now.up - before_.up, now.down - before_.down};
    before_ = now;
    return since;
  }

  // Fails each call of the scenario in turn: one line with a hint, and nothing is kept. `at_least` of them fail.
  void expect_each_failure_to_be_one_line(const Scenario& scenario, int at_least) {
    const auto right = scenario();
    ASSERT_TRUE(right.is_ok()) << right.status().to_string();
    const std::map<std::string, int> calls = stand_in_->calls;
    int failures = 0;
    for (const auto& [name, number] : calls) {
      if (name == "bm_dev_free" || name == "bm_free_device" || name == "bmrt_destroy" ||
          name == "bm_mem_unmap_device_mem")
        continue;  // they give nothing back
      for (int at = 1; at <= number; ++at) {
        stand_in_->fails = name;
        stand_in_->fails_at = at;
        stand_in_->calls.clear();
        const auto result = scenario();
        const std::string what = name + " " + std::to_string(at);
        if (name == "bm_get_stat" || (name == "bm_mem_mmap_device_mem" && at == 1)) {  // samc does without
          EXPECT_TRUE(result.is_ok()) << what << ": " << result.status().to_string();
        } else {
          EXPECT_FALSE(result.is_ok()) << what;
          const std::string line = result.status().to_string();
          EXPECT_EQ(line.find('\n'), std::string::npos) << line;
          EXPECT_FALSE(result.status().hint().empty()) << line;
          ++failures;
        }
        EXPECT_TRUE(stand_in_->holds_nothing()) << what;
        stand_in_->fails.clear();
      }
    }
    EXPECT_GT(failures, at_least);
    const auto again = scenario();
    ASSERT_TRUE(again.is_ok()) << again.status().to_string();
    EXPECT_EQ(again.value(), right.value());
  }

  StandIn* stand_in_ = nullptr;

 private:
  Calls before_;
};

}  // namespace samc::sophgo
