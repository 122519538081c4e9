#include "app/signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

// Each runs in a process of its own, which may end.

TEST(SignalsDeathTest, a_mapped_file_that_is_cut_short_is_named) {
  const TestFolder folder;
  const std::string path = folder.path("model.samc");
  ASSERT_TRUE(write_file(path, std::string(100'000, 'a')).is_ok());
  EXPECT_EXIT(
      {
        handle_signals();
        const MappedFile file = MappedFile::open(path).value();
        std::filesystem::resize_file(path, 10);
        const volatile std::byte* lost = file.bytes().data() + 50'000;
        [[maybe_unused]] const std::byte read = *lost;
      },
      testing::ExitedWithCode(1), "samc: error: .*model.samc was cut short.*while samc read it; replace");
}

TEST(SignalsDeathTest, any_other_bus_error_ends_as_ever) {
  EXPECT_EXIT(
      {
        handle_signals();
        std::raise(SIGBUS);
      },
      testing::KilledBySignal(SIGBUS), "");
}

TEST(SignalsDeathTest, an_interrupted_process_removes_what_is_unfinished) {
  const TestFolder folder;
  EXPECT_EXIT(
      {
        handle_signals();
        Result<FileWriter> writer = FileWriter::create(folder.path("a"));
        const Result<TemporaryFolder> work = TemporaryFolder::beside(folder.path("b"));
        if (!writer.is_ok() || !work.is_ok()) std::_Exit(3);
        std::raise(SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "^samc: error: interrupted\n$");
  EXPECT_EQ(folder.count(), 0u);
}

TEST(SignalsDeathTest, a_process_that_quits_removes_it_too) {
  const TestFolder folder;
  EXPECT_EXIT(
      {
        handle_signals();
        const Result<TemporaryFolder> work = TemporaryFolder::beside(folder.path("b"));
        if (!work.is_ok()) std::_Exit(3);
        std::raise(SIGQUIT);
      },
      testing::KilledBySignal(SIGQUIT), "");
  EXPECT_EQ(folder.count(), 0u);
}

}  // namespace
}  // namespace samc
