#include "targets/sophgo/tools/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <chrono>
#include <cstring>
#include <utility>

namespace samc::sophgo {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

struct SpawnActions {
  posix_spawn_file_actions_t actions;
  SpawnActions() { posix_spawn_file_actions_init(&actions); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions); }
};

}  // namespace

Result<ChildResult> run_child(const ChildProcess& child) {
  SAMC_CHECK(!child.arguments.empty(), "no program to run");
  SpawnActions files;
  posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files.actions, 1, child.log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600);
  posix_spawn_file_actions_adddup2(&files.actions, 1, 2);
  posix_spawn_file_actions_addchdir_np(&files.actions, child.folder.c_str());
  const std::vector<char*> arguments = pointers(child.arguments);
  const std::vector<char*> environment = pointers(child.environment);
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  pid_t process = 0;
  const int refused =
      ::posix_spawn(&process, arguments.front(), &files.actions, nullptr, arguments.data(), environment.data());
  if (refused != 0) return io_error(fmt::format("cannot run {}: {}", child.arguments.front(), std::strerror(refused)));
  int state = 0;
  bool timed_out = false;
  long pause_ns = 500'000;  // grows, so that short runs are not made longer
  while (true) {
    const pid_t ended = ::waitpid(process, &state, WNOHANG);
    if (ended == process) break;
    if (ended < 0 && errno != EINTR) {
      return io_error(fmt::format("lost sight of {}: {}", child.arguments.front(), std::strerror(errno)));
    }
    const timespec pause{0, pause_ns};
    ::nanosleep(&pause, nullptr);
    pause_ns = std::min(pause_ns * 2, 50'000'000L);
    if (child.waiting) child.waiting(seconds());
    if (child.seconds.has_value() && seconds() > *child.seconds && !std::exchange(timed_out, true))
      ::kill(process, SIGKILL);
  }
  ChildResult result;
  result.timed_out = timed_out;
  result.seconds = seconds();
  result.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  result.signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
  return result;
}

}  // namespace samc::sophgo
