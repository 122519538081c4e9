#include "base/fork_count.h"

#include <pthread.h>

#include <atomic>

namespace samc {
namespace {

std::atomic<int64_t> forks{0};

}  // namespace

int64_t fork_count() noexcept {
  // Missing memory for the handler leaves 0: then a child is not told from its parent.
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
  (void)registered;
  return forks.load(std::memory_order_relaxed);
}

}  // namespace samc
