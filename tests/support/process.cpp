#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/check.h"

namespace samc::test {
namespace {

struct Channel {
  int read_end = -1, write_end = -1;
};

Channel make_pipe() {
  std::array<int, 2> ends{};
  SAMC_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe");
  return {ends[0], ends[1]};
}

Channel make_terminal() {
  Channel terminal;
  terminal.read_end = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  SAMC_CHECK(terminal.read_end >= 0 && ::grantpt(terminal.read_end) == 0 && ::unlockpt(terminal.read_end) == 0, "pty");
  terminal.write_end = ::open(::ptsname(terminal.read_end), O_RDWR | O_NOCTTY | O_CLOEXEC);
  SAMC_CHECK(terminal.write_end >= 0, "pty");
  return terminal;
}

// Until both ends are closed on the other side. A terminal says so by EIO. interrupted: a process that gets SIGINT with
// the first byte; 0: none.
void read_all(std::array<Channel, 2> channels, std::array<std::string*, 2> texts, pid_t interrupted) {
  std::array<pollfd, 2> polled{{{channels[0].read_end, POLLIN, 0}, {channels[1].read_end, POLLIN, 0}}};
  std::array<char, 65536> buffer{};
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      const ssize_t count = ::read(polled[i].fd, buffer.data(), buffer.size());
      if (count > 0 && interrupted != 0) ::kill(std::exchange(interrupted, 0), SIGINT);
      if (count > 0)
        texts[i]->append(buffer.data(), static_cast<size_t>(count));
      else if (count == 0 || errno != EINTR)
        polled[i].fd = -1;
    }
  }
}

// A program that ends early leaves some of it unread.
void write_input(const Channel& in, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(in.write_end, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) done += static_cast<size_t>(count);
  }
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command, const ProcessOptions& options) {
  const Channel out = make_pipe(), err = options.stderr_is_terminal ? make_terminal() : make_pipe();
  const Channel in = options.input ? make_pipe() : Channel{};
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<char*> arguments;
  for (const std::string& text : command) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  SAMC_CHECK(child >= 0, "fork");
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    if (options.input) ::dup2(in.read_end, STDIN_FILENO);
    ::dup2(out.write_end, STDOUT_FILENO);
    ::dup2(err.write_end, STDERR_FILENO);
    for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (options.largest_file >= 0) {
      const rlimit limit{static_cast<rlim_t>(options.largest_file), static_cast<rlim_t>(options.largest_file)};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    if (options.most_address_space >= 0) {
      const rlimit limit{static_cast<rlim_t>(options.most_address_space),
                         static_cast<rlim_t>(options.most_address_space)};
      ::setrlimit(RLIMIT_AS, &limit);
    }
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(out.write_end);
  ::close(err.write_end);
  ProcessResult result;
  std::thread writer;
  if (options.input) {
    ::close(in.read_end);
    writer = std::thread([&] {
      write_input(in, *options.input);
      if (!options.holds_input) ::close(in.write_end);
    });
  }
  std::thread interrupter;
  if (options.interrupt_after_ms >= 0)
    interrupter = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(options.interrupt_after_ms));
      ::kill(child, SIGINT);  // the child is not yet waited for, so the number is still its own
    });
  read_all({out, err}, {&result.out, &result.err}, options.interrupt_on_output ? child : 0);
  if (writer.joinable()) writer.join();
  if (options.input && options.holds_input) ::close(in.write_end);
  if (interrupter.joinable()) interrupter.join();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ::close(out.read_end);
  ::close(err.read_end);
  return result;
}

}  // namespace samc::test
