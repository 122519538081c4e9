// How files come to be, what their permissions are, what links do, and what cannot be written.

#include "base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/test_folder.h"
#include "base/text.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(FileWriter, a_new_file_has_the_permissions_of_the_umask_and_a_replaced_one_keeps_its_own) {
  const TestFolder folder;
  const mode_t old = ::umask(027);
  ASSERT_TRUE(write_file(folder.path("new"), std::string("x")).is_ok());
  EXPECT_EQ(mode_of(folder.path("new")), 0640u);
  ASSERT_EQ(::chmod(folder.path("new").c_str(), 0604), 0);
  ASSERT_TRUE(write_file(folder.path("new"), std::string("y")).is_ok());
  ::umask(old);
  EXPECT_EQ(mode_of(folder.path("new")), 0604u);
  EXPECT_EQ(read_text_file(folder.path("new"), 10).value(), "y");
}

TEST(FileWriter, a_link_stays_and_what_it_points_to_is_replaced) {
  const TestFolder folder;
  fs::create_directory(folder.path("other"));
  ASSERT_TRUE(write_file(folder.path("other/target"), std::string("old")).is_ok());
  fs::create_symlink("other/target", folder.path("link"));
  fs::create_symlink("link", folder.path("link_to_link"));
  ASSERT_TRUE(write_file(folder.path("link_to_link"), std::string("new")).is_ok());
  EXPECT_TRUE(fs::is_symlink(folder.path("link")) && fs::is_symlink(folder.path("link_to_link")));
  EXPECT_EQ(read_text_file(folder.path("other/target"), 10).value(), "new");
  fs::create_symlink("other/later", folder.path("dangling"));
  ASSERT_TRUE(write_file(folder.path("dangling"), std::string("made")).is_ok());
  EXPECT_EQ(read_text_file(folder.path("other/later"), 10).value(), "made");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path("other")), {}), 2);
}

TEST(FileWriter, links_in_a_circle_are_an_error) {
  const TestFolder folder;
  fs::create_symlink("b", folder.path("a"));
  fs::create_symlink("a", folder.path("b"));
  EXPECT_EQ(write_file(folder.path("a"), std::string("x")).code(), StatusCode::kIo);
}

// The kernel refuses such links when it follows them; following by hand must not be softer.
TEST(FileWriter, another_users_link_in_a_folder_of_everyone_is_not_followed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's link";
  const TestFolder folder;
  ASSERT_EQ(::chmod(folder.root().c_str(), 01777), 0);
  ASSERT_TRUE(write_file(folder.path("mine"), std::string("mine")).is_ok());
  fs::create_symlink("mine", folder.path("trap"));
  constexpr uid_t kSomebody = 12345;
  ASSERT_EQ(::lchown(folder.path("trap").c_str(), kSomebody, kSomebody), 0);
  const Status status = write_file(folder.path("trap"), std::string("x"));
  EXPECT_NE(status.message().find("another user's link"), std::string::npos) << status.to_string();
  EXPECT_EQ(read_text_file(folder.path("mine"), 10).value(), "mine");
}

TEST(FileWriter, names_of_unfinished_files_cannot_be_guessed) {
  const TestFolder folder;
  std::set<std::string> names;
  for (int i = 0; i < 3; ++i) {
    Result<FileWriter> writer = FileWriter::create(folder.path("a"));
    ASSERT_TRUE(writer.is_ok());
    for (const auto& entry : fs::directory_iterator(folder.root())) names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names.size(), 3u);
  for (const std::string& name : names) EXPECT_EQ(name.find(std::to_string(::getpid())), std::string::npos) << name;
}

TEST(FileWriter, a_name_as_long_as_the_file_system_allows) {
  const TestFolder folder;
  const std::string name(250, 'n');
  ASSERT_TRUE(write_file(folder.path(name), std::string("x")).is_ok());
  EXPECT_EQ(read_text_file(folder.path(name), 10).value(), "x");
}

// /dev/stdout of `samc ... -o /dev/stdout > file` is the open file itself, at its place.
TEST(FileWriter, an_own_descriptor_is_written_in_place) {
  const TestFolder folder;
  const int file = ::open(folder.path("out").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::write(file, "head ", 5), 5);
  ASSERT_TRUE(write_file(fmt::format("/dev/fd/{}", file), std::string("body")).is_ok());
  ::close(file);
  EXPECT_EQ(read_text_file(folder.path("out"), 100).value(), "head body");
  EXPECT_EQ(folder.count(), 1u);
}

TEST(FileWriter, what_cannot_be_written_is_known_before) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("file"), std::string("x")).is_ok());
  EXPECT_TRUE(check_writable(folder.path("file")).is_ok());
  EXPECT_TRUE(check_writable(folder.path("new")).is_ok());
  EXPECT_TRUE(check_writable("/dev/null").is_ok());
  for (const char* bad : {"missing/file", "file/below", "", "missing/"})
    EXPECT_EQ(check_writable(folder.path(bad)).code(), StatusCode::kIo) << bad;
  EXPECT_EQ(check_writable(folder.path(std::string(300, 'n'))).code(), StatusCode::kIo);
  EXPECT_EQ(folder.count(), 1u);
}

TEST(FileWriter, a_write_protected_file_is_not_replaced) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write to everything";
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("file"), std::string("keep")).is_ok());
  ASSERT_EQ(::chmod(folder.path("file").c_str(), 0444), 0);
  EXPECT_EQ(write_file(folder.path("file"), std::string("x")).code(), StatusCode::kIo);
  EXPECT_EQ(read_text_file(folder.path("file"), 10).value(), "keep");
}

TEST(FileWriter, a_made_file_is_moved_into_place_as_if_it_had_been_written) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("made"), std::string("made")).is_ok());
  ASSERT_TRUE(write_file(folder.path("target"), std::string("old")).is_ok());
  ASSERT_EQ(::chmod(folder.path("target").c_str(), 0600), 0);
  fs::create_symlink("target", folder.path("link"));
  ASSERT_TRUE(move_into_place(folder.path("made"), folder.path("link")).is_ok());
  EXPECT_TRUE(fs::is_symlink(folder.path("link")));
  EXPECT_EQ(read_text_file(folder.path("target"), 10).value(), "made");
  EXPECT_EQ(mode_of(folder.path("target")), 0600u);
  EXPECT_FALSE(fs::exists(folder.path("made")));
}

TEST(TemporaryFolder, is_of_the_owner_alone_and_goes) {
  std::string path;
  {
    const TemporaryFolder folder = TemporaryFolder::create("samc-test").value();
    path = folder.path();
    EXPECT_EQ(mode_of(path), 0700u);
    ASSERT_TRUE(write_file(folder.file("a"), std::string("x")).is_ok());
    EXPECT_TRUE(is_in_temporary_folder(folder.file("a")));
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(is_in_temporary_folder(path + "/a"));
}

TEST(TemporaryFolder, what_ended_processes_left_goes_and_what_is_in_use_stays) {
  const TestFolder folder;
  const auto age = [](const std::string& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  };
  fs::create_directories(folder.path("r.work-abandoned/inside"));
  fs::create_directory(folder.path("r.work-young"));
  fs::create_directory(folder.path("victim"));
  fs::create_directory_symlink("victim", folder.path("r.work-link"));
  age(folder.path("r.work-abandoned"));
  age(folder.path("victim"));
  const TemporaryFolder used = TemporaryFolder::beside(folder.path("r")).value();
  EXPECT_FALSE(fs::exists(folder.path("r.work-abandoned")));
  age(used.path());
  const TemporaryFolder next = TemporaryFolder::beside(folder.path("r")).value();
  EXPECT_TRUE(fs::exists(used.path()));
  EXPECT_TRUE(fs::exists(folder.path("r.work-young")));
  EXPECT_TRUE(fs::exists(folder.path("victim")));
}

TEST(MappedFile, a_copy_does_not_change_with_the_file) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("a"), std::string(10000, 'a')).is_ok());
  const MappedFile copy = MappedFile::open(folder.path("a"), FileAccess::kCopy).value();
  fs::resize_file(folder.path("a"), 0);
  copy.drop_pages();
  EXPECT_EQ(copy.bytes().size(), 10000u);
  EXPECT_EQ(static_cast<char>(copy.bytes()[9999]), 'a');
  EXPECT_EQ(MappedFile::open(folder.path("a"), FileAccess::kCopy).value().bytes().size(), 0u);
}

TEST(MappedFile, a_pipe_is_an_error_and_nothing_waits_for_it) {
  const TestFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  for (const FileAccess access : {FileAccess::kMap, FileAccess::kCopy})
    EXPECT_EQ(MappedFile::open(folder.path("pipe"), access).status().code(), StatusCode::kInvalidInput);
}

TEST(MappedFile, a_file_too_large_is_named_before_it_is_read) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("a"), std::string(100, 'a')).is_ok());
  EXPECT_NE(read_text_file(folder.path("a"), 99).status().message().find("100 bytes"), std::string::npos);
  EXPECT_TRUE(read_text_file(folder.path("a"), 100).is_ok());
}

TEST(MappedFile, a_handler_finds_the_file_of_an_address) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("weights\x1b[31m"), std::string(10000, 'a')).is_ok());
  const std::byte* inside = nullptr;
  {
    MappedFile first = MappedFile::open(folder.path("weights\x1b[31m")).value();
    const MappedFile file = std::move(first);
    inside = file.bytes().data() + 5000;
    ASSERT_NE(mapped_file_at(inside), nullptr);
    EXPECT_EQ(mapped_file_at(inside), folder.path("weights [31m"));
    EXPECT_EQ(mapped_file_at(file.bytes().data() + 10000), nullptr);
  }
  EXPECT_EQ(mapped_file_at(inside), nullptr);
}

TEST(Text, a_terminal_has_nothing_to_obey) {
  EXPECT_EQ(printable("truck.jpg, Größe, 写真"), "truck.jpg, Größe, 写真");
  EXPECT_EQ(printable("a\x1b[2Jb\x07\r\n\x7f"), "a [2Jb    ");
  EXPECT_EQ(printable("a\xC2\x9B"
                      "31m"),
            "a 31m");  // the one-character form of ESC [
  EXPECT_EQ(printable("a\x9B"
                      "31m"),
            "a\xEF\xBF\xBD"
            "31m");                                                      // the same for a terminal without UTF-8
  EXPECT_EQ(printable("x\xE2\x80\xAEgpj.exe"), "x\xEF\xBF\xBDgpj.exe");  // right to left
  EXPECT_EQ(printable("\xED\xA0\x80\xC0\xAF\xF5\xE2\x82"),
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable_lines("a\nb\x1b"), "a\nb ");
}

}  // namespace
}  // namespace samc
