#pragma once
// What the command does when it is interrupted, and when a file that it has mapped is cut short.

#include <atomic>

namespace samc {

// SIGINT, SIGTERM and SIGHUP remove unfinished files, say so in one line and end the process with 128 + signal. SIGQUIT
// removes them and ends it as ever. SIGBUS in a mapped file
// names it in one line and ends with exit code 1; any other SIGBUS ends as it would without this. A file larger than
// the limit (ulimit -f) becomes an error of write(). For the command alone: the library installs no handler.
void handle_signals();

// While one lives, the first SIGINT, SIGTERM or SIGHUP only asks for the end, so that files can be finished; another
// ends the process as without it. One at a time.
class FinishOnSignal {
 public:
  FinishOnSignal();
  ~FinishOnSignal();
  FinishOnSignal(const FinishOnSignal&) = delete;
  FinishOnSignal& operator=(const FinishOnSignal&) = delete;
  // Whether it was asked for. Stays until the process ends.
  static const std::atomic<bool>& is_asked();
};

// The signal that asked for the end; SIGINT where none has. The exit code is 128 more.
int end_signal();

}  // namespace samc
