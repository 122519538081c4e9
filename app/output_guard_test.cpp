#include "app/output_guard.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

class OutputGuardTest : public testing::Test {
 protected:
  OutputGuardTest() {
    EXPECT_TRUE(write_file(path("in"), std::string("input")).is_ok());
    fs::create_symlink("in", path("link"));
    fs::create_hard_link(path("in"), path("hard"));
    fs::create_directory(path("folder"));
    fs::create_directory_symlink(".", path("folder/up"));
  }
  std::string path(const std::string& name) const { return folder_.path(name); }
  static void expect(const Status& status, StatusCode code, const std::string& part) {
    EXPECT_EQ(status.code(), code) << status.to_string();
    EXPECT_NE(status.to_string().find(part), std::string::npos) << status.to_string();
  }
  TestFolder folder_;
};

TEST_F(OutputGuardTest, an_output_that_is_an_input_by_whatever_name) {
  for (const std::string& name : {path("in"), path("link"), path("hard"), path("folder/../in"), path("./in")}) {
    OutputGuard guard;
    guard.add_input(path("in"));
    guard.add_output("-o", name);
    expect(guard.check(), StatusCode::kUsage, "-o " + name);
    OutputGuard other;
    other.add_input(name);
    other.add_output("--json", path("in"));
    expect(other.check(), StatusCode::kUsage, "which is read");
  }
  EXPECT_EQ(read_text_file(path("in"), 100).value(), "input");
}

TEST_F(OutputGuardTest, inputs_that_take_time_are_listed_only_when_something_could_be_lost) {
  int listed = 0;
  const auto list = [&] {
    ++listed;
    return std::vector<std::string>{path("in")};
  };
  OutputGuard unharmed;
  unharmed.add_inputs(list);
  unharmed.add_output("-o", path("new"));
  EXPECT_TRUE(unharmed.check().is_ok());
  EXPECT_EQ(listed, 0);
  OutputGuard guard;
  guard.add_inputs(list);
  guard.add_output("-o", path("link"));
  expect(guard.check(), StatusCode::kUsage, path("in"));
  EXPECT_EQ(listed, 1);
}

TEST_F(OutputGuardTest, two_outputs_that_are_one_file) {
  for (const auto& [first, second] : {std::pair("new", "new"), {"new", "folder/up/../new"}, {"link", "hard"}}) {
    OutputGuard guard;
    guard.add_output("-o", path(first));
    guard.add_output("--json", path(second));
    expect(guard.check(), StatusCode::kUsage, "are one file");
  }
  fs::create_symlink("not/yet", path("dangling"));
  fs::create_directory(path("not"));
  OutputGuard guard;
  guard.add_output("-o", path("dangling"));
  guard.add_output("--json", path("not/yet"));
  expect(guard.check(), StatusCode::kUsage, "are one file");
  OutputGuard devices;
  devices.add_output("-o", "/dev/null");
  devices.add_output("--json", "/dev/null");
  EXPECT_TRUE(devices.check().is_ok());
}

TEST_F(OutputGuardTest, what_cannot_be_written) {
  for (const auto& [name, part] :
       {std::pair("missing/o", "make its folder first"), {"folder", "it is a folder"}, {"in/o", "Not a directory"}}) {
    OutputGuard guard;
    guard.add_output("-o", path(name));
    expect(guard.check(), StatusCode::kIo, part);
  }
  EXPECT_EQ(folder_.count(), 4u);  // nothing was made
}

TEST_F(OutputGuardTest, folders_that_are_still_to_be_made) {
  OutputGuard guard;
  guard.add_output_folder("--masks-dir", path("a/b/"));
  guard.add_output("--masks-dir", path("a/b/c/mask.png"));
  EXPECT_TRUE(guard.check().is_ok()) << guard.check().to_string();
  guard.add_output("--json", path("a/o.json"));
  expect(guard.check(), StatusCode::kIo, "a/o.json");
  OutputGuard on_a_file;
  on_a_file.add_output_folder("-o", path("in/masks"));
  expect(on_a_file.check(), StatusCode::kIo, "is no folder");
}

TEST_F(OutputGuardTest, folders_without_permission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  ASSERT_EQ(::chmod(path("folder").c_str(), 0555), 0);
  OutputGuard guard;
  guard.add_output("-o", path("folder/o"));
  expect(guard.check(), StatusCode::kIo, "Permission denied");
  OutputGuard folders;
  folders.add_output_folder("-o", path("folder/new"));
  expect(folders.check(), StatusCode::kIo, "Permission denied");
  ASSERT_EQ(::chmod(path("folder").c_str(), 0755), 0);
}

}  // namespace
}  // namespace samc
