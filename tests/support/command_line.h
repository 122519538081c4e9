#pragma once
// What tests of the command line share: a folder of their own, `samc` with a cache inside it, and pico compiled once.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/test_folder.h"
#include "tests/support/process.h"

// Before this header a test may name another program.
#ifndef SAMC_TESTED_PROGRAM
#define SAMC_TESTED_PROGRAM SAMC_BINARY
#endif

namespace samc::test {

inline const std::string kData = SAMC_SOURCE_DIR "/tests/data/";
inline const std::string kPico = kData + "pico/pico.pt";
inline const std::string kTruck = kData + "images/truck.jpg";
inline const std::string kProgram = std::filesystem::path(SAMC_TESTED_PROGRAM).filename().string();
inline const std::string kFormats = kData + "images/formats/";

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void put_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class CommandLine : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TestFolder;
    const ProcessResult result = run_process({SAMC_TESTED_PROGRAM, "compile", kPico, "-o", module()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  // pico as a module.
  static std::string module() { return shared_->path("pico.samc"); }
  std::string path(const std::string& name) const { return folder_.path(name); }

  ProcessResult samc(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    arguments.insert(arguments.begin(), SAMC_TESTED_PROGRAM);
    options.environment.emplace_back("XDG_CACHE_HOME", path("cache"));
    return run_process(arguments, options);
  }
  // segment with pico's module; the last argument of most tests is what is wrong.
  ProcessResult segment(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    arguments.insert(arguments.begin(), {"segment", "--model", module(), "--threads", "1"});
    return samc(std::move(arguments), std::move(options));
  }

  // One line on stderr that begins with the program's name and holds every part.
  static void expect_error(const ProcessResult& result, int exit_code, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_TRUE(result.err.starts_with(kProgram + ": error: ")) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    for (const std::string& part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << part << ": " << result.err;
  }
  // Done, and nothing on stderr.
  static void expect_done(const ProcessResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
  }
  // Temporary files anywhere in this test's folder.
  size_t count_torn_files() const {
    size_t torn = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path("")))
      if (entry.path().filename().string().find(".tmp-") != std::string::npos) ++torn;
    return torn;
  }

 private:
  static inline TestFolder* shared_ = nullptr;
  TestFolder folder_;
};

}  // namespace samc::test
