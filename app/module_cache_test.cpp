#include "app/module_cache.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

const std::function<void()> kNoWaiting = [] {};

TEST(ModuleCache, makes_an_entry_once) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("a/b"), 1000).value();
  int made = 0;
  const auto make = [&](const std::string& path) {
    ++made;
    return write_file(path, std::string("content"));
  };
  const ModuleCache::Entry first = cache.get("key", make, kNoWaiting).value();
  const ModuleCache::Entry second = cache.get("key", make, kNoWaiting).value();
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(first.made);
  EXPECT_FALSE(second.made);
  EXPECT_EQ(read_text_file(second.path, 100).value(), "content");
  cache.remove("key");
  EXPECT_TRUE(cache.get("key", make, kNoWaiting).value().made);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path("a/b")), {}), 1);  // no lock is left
}

TEST(ModuleCache, a_failure_leaves_nothing) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  const Status status = cache
                            .get(
                                "key", [](const std::string&) { return invalid_input("no model"); }, kNoWaiting)
                            .status();
  EXPECT_EQ(status.message(), "no model");
  EXPECT_TRUE(fs::is_empty(folder.path("c")));
}

TEST(ModuleCache, what_was_used_longest_ago_goes_first) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 250).value();
  const auto make = [](const std::string& path) { return write_file(path, std::string(100, 'x')); };
  const auto age = [&](const std::string& key, int minutes) {
    fs::last_write_time(folder.path("c/" + key + ".samc"),
                        fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
  };
  ASSERT_TRUE(cache.get("a", make, kNoWaiting).is_ok());
  ASSERT_TRUE(cache.get("b", make, kNoWaiting).is_ok());
  age("a", 20);
  age("b", 10);
  ASSERT_TRUE(cache.get("a", make, kNoWaiting).is_ok());  // used now
  ASSERT_TRUE(cache.get("c", make, kNoWaiting).is_ok());
  EXPECT_TRUE(fs::exists(folder.path("c/a.samc")));
  EXPECT_FALSE(fs::exists(folder.path("c/b.samc")));
  EXPECT_TRUE(fs::exists(folder.path("c/c.samc")));
}

TEST(ModuleCache, what_is_larger_than_the_limit_stays_while_it_is_used) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 10).value();
  const auto make = [](const std::string& path) { return write_file(path, std::string(100, 'x')); };
  EXPECT_TRUE(fs::exists(cache.get("a", make, kNoWaiting).value().path));
}

TEST(ModuleCache, leftovers_of_killed_processes_are_swept) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  for (const char* name : {"c/k.samc.tmp-1-0", "c/k.lock", "c/new.samc.tmp-2-0", "c/other.txt"})
    ASSERT_TRUE(write_file(folder.path(name), std::string("x")).is_ok());
  for (const char* name : {"c/k.samc.tmp-1-0", "c/k.lock", "c/other.txt"})
    fs::last_write_time(folder.path(name), fs::file_time_type::clock::now() - std::chrono::hours(2));
  const auto make = [](const std::string& path) { return write_file(path, std::string("y")); };
  ASSERT_TRUE(cache.get("a", make, kNoWaiting).is_ok());
  EXPECT_FALSE(fs::exists(folder.path("c/k.samc.tmp-1-0")));
  EXPECT_FALSE(fs::exists(folder.path("c/k.lock")));
  EXPECT_TRUE(fs::exists(folder.path("c/new.samc.tmp-2-0")));
  EXPECT_TRUE(fs::exists(folder.path("c/other.txt")));
}

TEST(ModuleCache, several_at_once_make_it_once) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  std::atomic<int> made = 0, waited = 0;
  const auto make = [&](const std::string& path) {
    ++made;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return write_file(path, std::string("content"));
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      const Result<ModuleCache::Entry> entry = cache.get("key", make, [&] { ++waited; });
      EXPECT_TRUE(entry.is_ok());
      EXPECT_EQ(read_text_file(entry.value().path, 100).value(), "content");
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
}

TEST(ModuleCache, a_folder_that_cannot_be_made_is_an_error) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("file"), std::string("x")).is_ok());
  const Status status = ModuleCache::in_folder(folder.path("file/cache"), 10).status();
  EXPECT_EQ(status.code(), StatusCode::kIo);
}

}  // namespace
}  // namespace samc
