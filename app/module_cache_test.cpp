#include "app/module_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
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

const std::function<void(double)> kNoWaiting = [](double) {};

std::string text_of(const ModuleCache::Entry& entry) {
  const auto bytes = entry.file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

Status write_content(const std::string& path) { return write_file(path, std::string("content")); }

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
  EXPECT_EQ(text_of(second), "content");
  ASSERT_TRUE(cache.remove("key").is_ok());
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
  const auto key = [](char letter) { return std::string(32, letter); };  // as module_key() makes them
  const auto place = [&](char letter) { return "c/" + key(letter) + ".samc"; };
  // A user's own, whose name no entry has.
  ASSERT_TRUE(write_file(folder.path("c/mine.samc"), std::string(1000, 'x')).is_ok());
  fs::last_write_time(folder.path("c/mine.samc"), fs::file_time_type::clock::now() - std::chrono::hours(100));
  const auto age = [&](const std::string& name, int minutes) {
    fs::last_write_time(folder.path("c/" + name + ".samc"),
                        fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
  };
  ASSERT_TRUE(cache.get(key('a'), make, kNoWaiting).is_ok());
  ASSERT_TRUE(cache.get(key('b'), make, kNoWaiting).is_ok());
  age(key('a'), 20);
  age(key('b'), 10);
  ASSERT_TRUE(cache.get(key('a'), make, kNoWaiting).is_ok());  // used now
  ASSERT_TRUE(cache.get(key('c'), make, kNoWaiting).is_ok());
  EXPECT_TRUE(fs::exists(folder.path(place('a'))));
  EXPECT_FALSE(fs::exists(folder.path(place('b'))));
  EXPECT_TRUE(fs::exists(folder.path(place('c'))));
  EXPECT_TRUE(fs::exists(folder.path("c/mine.samc")));
}

TEST(ModuleCache, what_is_larger_than_the_limit_stays_while_it_is_used) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 10).value();
  const auto make = [](const std::string& path) { return write_file(path, std::string(100, 'x')); };
  ASSERT_TRUE(cache.get("a", make, kNoWaiting).is_ok());
  EXPECT_TRUE(fs::exists(folder.path("c/a.samc")));
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
  threads.reserve(6);
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      const Result<ModuleCache::Entry> entry = cache.get("key", make, [&](double) { ++waited; });
      EXPECT_TRUE(entry.is_ok());
      EXPECT_EQ(text_of(entry.value()), "content");
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

TEST(ModuleCache, folder_and_files_are_the_owners_alone) {
  const TestFolder folder;
  const mode_t old = ::umask(0);
  fs::create_directory(folder.path("open"));
  for (const char* name : {"new", "open"}) {
    const ModuleCache cache = ModuleCache::in_folder(folder.path(name), 1000).value();
    ASSERT_TRUE(cache.get("key", write_content, kNoWaiting).is_ok());
    EXPECT_EQ(mode_of(folder.path(name)), 0700u);
    EXPECT_EQ(mode_of(folder.path(name) + "/key.samc"), 0600u);
  }
  ::umask(old);
}

TEST(ModuleCache, what_others_could_have_put_there_is_not_used) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  ASSERT_TRUE(write_file(folder.path("c/writable.samc"), std::string("x")).is_ok());
  ASSERT_EQ(::chmod(folder.path("c/writable.samc").c_str(), 0666), 0);
  ASSERT_TRUE(write_file(folder.path("elsewhere"), std::string("x")).is_ok());
  fs::create_symlink(folder.path("elsewhere"), folder.path("c/link.samc"));
  EXPECT_TRUE(cache.get("writable", write_content, kNoWaiting).value().made);  // again
  EXPECT_EQ(mode_of(folder.path("c/writable.samc")), 0600u);
  EXPECT_EQ(cache.get("link", write_content, kNoWaiting).status().code(), StatusCode::kIo);
  if (::geteuid() != 0) return;  // only root can give files away
  constexpr uid_t kSomebody = 12345;
  ASSERT_TRUE(write_file(folder.path("c/foreign.samc"), std::string("x")).is_ok());
  ASSERT_EQ(::chown(folder.path("c/foreign.samc").c_str(), kSomebody, kSomebody), 0);
  EXPECT_NE(cache.get("foreign", write_content, kNoWaiting).status().message().find("another user"), std::string::npos);
  ASSERT_EQ(::chown(folder.path("c").c_str(), kSomebody, kSomebody), 0);
  EXPECT_NE(ModuleCache::in_folder(folder.path("c"), 10).status().message().find("another user"), std::string::npos);
}

TEST(ModuleCache, a_folder_in_the_place_of_an_entry_is_an_error_at_once) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  fs::create_directories(folder.path("c/key.samc/inside"));
  EXPECT_NE(cache.get("key", write_content, kNoWaiting).status().message().find("key.samc"), std::string::npos);
  EXPECT_EQ(cache.remove("key").code(), StatusCode::kIo);
  EXPECT_TRUE(fs::exists(folder.path("c/key.samc/inside")));
}

TEST(ModuleCache, an_entry_that_is_evicted_while_it_is_held_lives_on) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  const ModuleCache::Entry entry = cache.get("key", write_content, kNoWaiting).value();
  fs::remove(folder.path("c/key.samc"));
  EXPECT_EQ(text_of(entry), "content");
}

// Another process with a small limit removes each entry as soon as it is made.
TEST(ModuleCache, an_entry_that_is_evicted_before_it_is_opened_is_made_again) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000).value();
  int made = 0;
  const auto evicted_at_first = [&](const std::string& path) {
    if (++made == 1) return Status::ok();
    return write_content(path);
  };
  EXPECT_EQ(text_of(cache.get("key", evicted_at_first, kNoWaiting).value()), "content");
  EXPECT_EQ(made, 2);
  int tries = 0;
  const auto always = [&](const std::string&) {
    ++tries;
    return Status::ok();
  };
  EXPECT_EQ(cache.get("other", always, kNoWaiting).status().code(), StatusCode::kIo);
  EXPECT_LE(tries, 10);
}

TEST(ModuleCache, a_lock_that_is_held_for_too_long_is_an_error_and_stays) {
  const TestFolder folder;
  const ModuleCache cache = ModuleCache::in_folder(folder.path("c"), 1000, std::chrono::milliseconds(120)).value();
  const int held = ::open(folder.path("c/key.lock").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  int heard = 0;
  const Status status = cache.get("key", write_content, [&](double) { ++heard; }).status();
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_NE(status.message().find("key.lock"), std::string::npos) << status.message();
  EXPECT_GE(heard, 1);
  EXPECT_TRUE(fs::exists(folder.path("c/key.lock")));
  ::close(held);
  EXPECT_TRUE(cache.get("key", write_content, kNoWaiting).is_ok());
}

}  // namespace
}  // namespace samc
