#include "app/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/program_name.h"

namespace samc {
namespace {

// All of this runs in handlers: no locks, no allocation.
bool stderr_is_terminal = false;

void put(const char* text) { (void)!::write(STDERR_FILENO, text, ::strlen(text)); }

void say_on_stderr(const char* text) {
  if (stderr_is_terminal) put("\r\033[K");  // over a line of progress
  put(program_name());
  put(": error: ");
  put(text);
}

std::atomic<bool> finishes{false}, end_is_asked{false};
std::atomic<int> asked_by{SIGINT};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free, "used in handlers");

void on_end(int number) {
  if (finishes.load() && !end_is_asked.load()) {
    asked_by.store(number);
    end_is_asked.store(true);
    return;
  }
  remove_unfinished_files();
  ::signal(SIGPIPE, SIG_IGN);  // who would read the line may be gone
  say_on_stderr("interrupted\n");
  ::_exit(128 + number);
}

// SIGQUIT is to leave a core, as ever.
void on_quit(int number) {
  remove_unfinished_files();
  ::signal(number, SIG_DFL);
  (void)::raise(number);  // on return
}

void on_bus_error(int number, siginfo_t* info, void*) {
  const bool is_from_kernel = info->si_code > 0;  // only then is there an address
  const char* path = is_from_kernel ? mapped_file_at(info->si_addr) : nullptr;
  if (path == nullptr) {
    ::signal(number, SIG_DFL);
    (void)::raise(number);  // on return
    return;
  }
  say_on_stderr(path);
  put(" was cut short, or its disk failed, while samc read it; replace a file by renaming, do not write over it\n");
  remove_unfinished_files();
  ::_exit(1);
}

}  // namespace

void handle_signals() {
  stderr_is_terminal = ::isatty(STDERR_FILENO) != 0;
  struct sigaction action {};
  action.sa_handler = on_end;
  action.sa_flags = SA_RESTART;  // while files are finished no call may fail for the signal
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    ::sigaction(number, nullptr, &old);
    if (old.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);  // nohup's wish is kept
  }
  action.sa_handler = on_quit;
  ::sigaction(SIGQUIT, &action, nullptr);
  struct sigaction bus {};
  bus.sa_sigaction = on_bus_error;
  bus.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &bus, nullptr);
  ::signal(SIGXFSZ, SIG_IGN);
}

FinishOnSignal::FinishOnSignal() { finishes.store(true); }
FinishOnSignal::~FinishOnSignal() { finishes.store(false); }
const std::atomic<bool>& FinishOnSignal::is_asked() { return end_is_asked; }

int end_signal() { return asked_by.load(); }

}  // namespace samc
