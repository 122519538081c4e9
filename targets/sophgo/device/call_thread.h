#pragma once
// Calls that may never return, such as those into a driver, on a thread that can be left behind.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"

namespace samc::sophgo {

class CallThread {
 public:
  static Result<std::unique_ptr<CallThread>> start();
  ~CallThread();
  CallThread(const CallThread&) = delete;
  CallThread& operator=(const CallThread&) = delete;

  // Does the work on the thread and waits for it, at most so many seconds. When they have passed it gives an error, and
  // the thread is lost: no later run() does anything. Work that is left behind may still end at any time, so it must
  // own all that it touches. What it throws is an error. One caller at a time.
  Status run(const std::string& what, std::optional<double> seconds, std::function<Status()> work);
  bool is_lost() const { return lost_; }

 private:
  struct State;
  explicit CallThread(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
  bool lost_ = false;
};

}  // namespace samc::sophgo
