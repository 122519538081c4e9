#pragma once
// Runs a program and hears what it says: for tests of the command line.

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace samc::test {

struct ProcessOptions {
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to ours
  bool stderr_is_terminal = false;
  long largest_file = -1;                 // bytes that a file may have (RLIMIT_FSIZE); -1: no limit
  long most_address_space = -1;           // bytes (RLIMIT_AS); -1: no limit
  int interrupt_after_ms = -1;            // SIGINT then; -1: never
  bool interrupt_on_output = false;       // SIGINT when the first of its output comes
  std::optional<std::string> input = {};  // standard input; none: ours
  bool holds_input = false;               // does not close it while the program runs
};

struct ProcessResult {
  int exit_code = -1;  // 128 + signal when one ended it
  std::string out;
  std::string err;
};

ProcessResult run_process(const std::vector<std::string>& command, const ProcessOptions& options = {});

}  // namespace samc::test
