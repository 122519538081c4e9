#include "tests/support/fault_forks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/support/fault_choice.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

// A fork that waits for a lock for ever is ended.
constexpr unsigned kMostSeconds = 60;

// What the library needs while the program runs. Never freed: the program's last calls are calls too.
struct Forks {
  Fault kind = Fault::kMemory;
  Shard shard;
  std::string folder;
  std::ofstream log;
  int heard = -1;  // standard error of the fork
  bool is_first = true;
  ForkNote note;  // of the calls since it changed
};
Forks* forks = nullptr;  // none: no calls fork

// Where the program is in its open files. A fork reads on from there, and moves the place for both.
class Places {
 public:
  Places() {
    for (size_t file = 0; file < places_.size(); ++file) places_[file] = ::lseek(static_cast<int>(file), 0, SEEK_CUR);
  }
  void restore() const {
    for (size_t file = 0; file < places_.size(); ++file)
      if (places_[file] >= 0) (void)::lseek(static_cast<int>(file), places_[file], SEEK_SET);
  }

 private:
  std::array<off_t, 64> places_{};
};

std::vector<fs::path> files_under(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_directory()) files.push_back(entry.path());
  return files;
}

void write_note() {
  const ForkNote& note = forks->note;
  if (note.first == 0) return;
  std::string err = note.err;
  std::replace(err.begin(), err.end(), '\n', '\t');
  forks->log << "ended " << note.first << ' ' << note.last << ' ' << note.exit_code << ' ' << note.digest << ' ' << err
             << std::endl;
}

std::string take_heard() {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::pread(forks->heard, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  if (::ftruncate(forks->heard, 0) != 0) std::abort();
  return text;
}

void be_the_fork() {
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::close(nowhere);
  ::dup2(forks->heard, STDERR_FILENO);
  ::close(forks->heard);
  ::alarm(kMostSeconds);
  forks = nullptr;
}

void note_end(int64_t n, int status) {
  ForkNote now{n, n, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), digest_of_folder(forks->folder),
               take_heard()};
  for (const fs::path& file : files_under(forks->folder)) fs::remove(file);
  ForkNote& note = forks->note;
  if (note.first > 0 && note.exit_code == now.exit_code && note.digest == now.digest && note.err == now.err) {
    note.last = n;
    return;
  }
  write_note();
  note = std::move(now);
}

std::string from_environment(const char* name) {
  const char* text = ::getenv(name);
  return text == nullptr ? "" : text;
}

}  // namespace

void begin_forks(Fault kind) {
  const FaultsPause pause;
  auto* made = new Forks;
  made->kind = kind;
  made->folder = from_environment("SAMC_TEST_FAULT_FOLDER");
  made->log.open(from_environment("SAMC_TEST_FAULT_LOG"));
  made->heard = ::memfd_create("heard", MFD_CLOEXEC);
  if (!made->log || made->heard < 0 || ::fcntl(made->heard, F_SETFL, O_APPEND) != 0) std::abort();
  forks = made;
  std::atexit(stop_forks);
}

bool is_fork_to_fail(Fault kind, int64_t n) {
  if (forks == nullptr || kind != forks->kind || !forks->shard.has(n)) return false;
  const FaultsPause pause;
  if (::gettid() != ::getpid()) {
    forks->log << "thread " << n << std::endl;
    return false;
  }
  const Places places;
  const pid_t child = ::fork();
  if (child < 0) std::abort();
  if (child == 0) {
    be_the_fork();
    return true;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) std::abort();
  }
  places.restore();
  note_end(n, status);
  return false;
}

void stop_forks() {
  if (forks == nullptr) return;
  const FaultsPause pause;
  write_note();
  forks->log << "stopped " << calls(forks->kind) + 1 << std::endl;
  forks = nullptr;
}

uint64_t digest_of_folder(const std::string& folder) {
  std::vector<std::string> names;
  for (const fs::path& file : files_under(folder)) names.push_back(file.lexically_relative(folder).string());
  if (names.empty()) return 0;
  std::sort(names.begin(), names.end());
  uint64_t value = 0xcbf29ce484222325u;  // FNV-1a
  const auto add = [&](const std::string& bytes) {
    for (const char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  };
  for (const std::string& name : names) {
    std::ifstream file(folder + "/" + name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::string head = name;
    head += '\0';
    head += std::to_string(bytes.size());
    head += '\0';
    add(head);
    add(bytes);
  }
  return value;
}

ForkNotes read_fork_notes(const std::string& file) {
  ForkNotes read;
  std::ifstream log(file);
  for (std::string line, word; std::getline(log, line);) {
    std::istringstream words(line);
    words >> word;
    if (word == "thread") {
      words >> read.in_threads.emplace_back();
    } else if (word == "stopped") {
      words >> read.first_without;
    } else {
      ForkNote& note = read.notes.emplace_back();
      words >> note.first >> note.last >> note.exit_code >> note.digest;
      words.ignore(1);
      std::getline(words, note.err);
      std::replace(note.err.begin(), note.err.end(), '\t', '\n');
    }
  }
  return read;
}

}  // namespace samc::test
