#pragma once
// A program run to its end in a folder, with an environment of its own and everything that it prints in a file; and
// the private folder that such a run works in.

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace samc::sophgo {

struct ChildProcess {
  std::vector<std::string> arguments;           // the first is the program's path
  std::vector<std::string> environment;         // NAME=value; nothing is inherited
  std::string folder;                           // where it runs
  std::string log;                              // stdout and stderr go here
  std::function<void(double seconds)> waiting;  // called some times a second
};

struct ChildResult {
  int exit_code = 0;  // -1 when a signal ended it
  int signal = 0;
  double seconds = 0;
};

// An error only when the program could not be started. Ctrl-C in a terminal reaches the child too.
Result<ChildResult> run_child(const ChildProcess& child);

// A new folder BESIDE.work-PID-N, removed with all that is in it. Those of processes that are gone are removed too.
class WorkFolder {
 public:
  static Result<WorkFolder> create(const std::string& beside);
  WorkFolder(WorkFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();
  const std::string& path() const { return path_; }  // absolute
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace samc::sophgo
