#pragma once
// A stand-in for libbmlib and libbmrt, for tests: a library with the calls that samc makes of them. It takes what a
// bmodel says of its network, keeps "device memory" of its own, counts, and computes something that depends on every
// input. Any call can be made to fail or to hang.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace samc::sophgo {

struct StandIn {
  // Set by tests; call reset() first.
  unsigned chip_id = 0x1686a200;
  bool can_map = false;
  int memory_mb = 64;
  std::string fails;  // the call of this name, the `fails_at`-th of them
  int fails_at = 1;
  std::string hangs;  // the call of this name, until that is taken back
  std::function<void(const std::string& network, bool begins)> watch;  // on each launch

  // Read by tests.
  std::map<std::string, int> calls;  // of each name
  int64_t memory_used = 0;           // bytes
  int devices = 0, runtimes = 0, mappings = 0, running = 0, most_running = 0;

  std::set<const void*> kept;  // all that was given out, so that what a lost chip leaves behind is no leak of samc's

  std::mutex mutex;
  std::condition_variable changed;

  void reset() {
    const std::lock_guard lock(mutex);
    chip_id = 0x1686a200;
    can_map = false;
    memory_mb = 64;
    fails.clear();
    fails_at = 1;
    hangs.clear();
    watch = {};
    calls.clear();
    most_running = 0;
    changed.notify_all();
  }
  bool holds_nothing() {
    const std::lock_guard lock(mutex);
    return devices == 0 && runtimes == 0 && memory_used == 0 && mappings == 0;
  }
  int count(const std::string& call) {
    const std::lock_guard lock(mutex);
    const auto found = calls.find(call);
    return found == calls.end() ? 0 : found->second;
  }
};

// Found in the library by dlsym("samc_stand_in").
using FindStandIn = StandIn* (*)();

}  // namespace samc::sophgo
