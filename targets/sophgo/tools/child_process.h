#pragma once
// A program run to its end in a folder (base/temporary.h), with an environment of its own and everything that it prints
// in a file.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace samc::sophgo {

struct ChildProcess {
  std::vector<std::string> arguments;           // the first is the program's path
  std::vector<std::string> environment;         // NAME=value; nothing is inherited
  std::string folder;                           // where it runs
  std::string log;                              // stdout and stderr go here; no link
  std::function<void(double seconds)> waiting;  // called some times a second
  std::optional<double> seconds = {};           // that it may take; then it is killed
};

struct ChildResult {
  int exit_code = 0;  // -1 when a signal ended it
  int signal = 0;
  double seconds = 0;
  bool timed_out = false;
};

// An error only when the program could not be started. Ctrl-C in a terminal reaches the child too.
Result<ChildResult> run_child(const ChildProcess& child);

}  // namespace samc::sophgo
