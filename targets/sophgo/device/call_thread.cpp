#include "targets/sophgo/device/call_thread.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/guard.h"

namespace samc::sophgo {

struct CallThread::State {
  std::mutex mutex;
  std::condition_variable wakes_thread, wakes_caller;
  std::function<Status()> work;  // what is to be done or is being done
  bool is_done = false, ends = false;
  Status status;
  std::thread thread;
};

Result<std::unique_ptr<CallThread>> CallThread::start() {
  auto state = std::make_shared<State>();
  try {
    state->thread = std::thread([state] {
      std::unique_lock lock(state->mutex);
      while (true) {
        state->wakes_thread.wait(lock, [&] { return state->ends || (state->work && !state->is_done); });
        if (state->ends) return;
        std::function<Status()> work = std::exchange(state->work, {});
        lock.unlock();
        Status status = guarded(work);
        work = {};  // what it owns goes before the caller goes on
        lock.lock();
        state->status = std::move(status);
        state->is_done = true;
        state->wakes_caller.notify_one();
      }
    });
  } catch (const std::system_error& error) {
    return io_error(fmt::format("cannot start a thread for the chip: {}", error.what()), "ulimit -u limits threads");
  }
  return std::unique_ptr<CallThread>(new CallThread(std::move(state)));
}

CallThread::~CallThread() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ends = true;
  }
  state_->wakes_thread.notify_one();
  if (lost_)
    state_->thread.detach();
  else
    state_->thread.join();
}

Status CallThread::run(const std::string& what, std::optional<double> seconds, std::function<Status()> work) {
  if (lost_) return io_error(fmt::format("{}: the chip has stopped answering", what));
  std::unique_lock lock(state_->mutex);
  state_->is_done = false;
  state_->work = std::move(work);
  state_->wakes_thread.notify_one();
  const auto is_done = [&] { return state_->is_done; };
  if (!seconds.has_value()) {
    state_->wakes_caller.wait(lock, is_done);
  } else if (!state_->wakes_caller.wait_for(lock, std::chrono::duration<double>(*seconds), is_done)) {
    lost_ = true;
    return io_error(fmt::format("{}: no answer of the chip within {:g} s", what, *seconds),
                    "look at dmesg and bm-smi, and start the board anew; --device-timeout gives it more time");
  }
  return std::exchange(state_->status, {});
}

}  // namespace samc::sophgo
