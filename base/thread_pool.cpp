#include "base/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace samc {
namespace {

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Small kernels follow each other within microseconds: spinning this long before sleeping saves a wake-up each time.
constexpr int kSpins = 2000;

}  // namespace

struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::mutex callers;  // one run() at a time
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  std::atomic<uint64_t> generation{0};
  std::atomic<int64_t> next{0};
  std::atomic<int> busy{0};
  int64_t pieces = 0;
  const std::function<void(int64_t, int)>* body = nullptr;
  std::atomic<bool> stop{false};

  void take_pieces(int worker) {
    for (int64_t piece = next.fetch_add(1); piece < pieces; piece = next.fetch_add(1)) (*body)(piece, worker);
  }

  void work(int worker) {
    uint64_t seen = 0;
    while (true) {
      for (int spin = 0; spin < kSpins && generation.load(std::memory_order_acquire) == seen; ++spin) pause_briefly();
      if (generation.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return generation.load() != seen; });
      }
      seen = generation.load(std::memory_order_acquire);
      if (stop.load()) return;
      take_pieces(worker);
      if (busy.fetch_sub(1) == 1) {
        std::lock_guard lock(mutex);
        done.notify_all();
      }
    }
  }

  void advance() {
    std::lock_guard lock(mutex);
    generation.fetch_add(1, std::memory_order_release);
    wake.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = usable_cores();
  for (int worker = 1; worker < threads; ++worker)
    state_->workers.emplace_back([state = state_.get(), worker] { state->work(worker); });
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true);
  state_->advance();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::run(int64_t pieces, const std::function<void(int64_t, int)>& body) {
  if (pieces <= 0) return;
  std::lock_guard caller(state_->callers);
  if (pieces == 1 || state_->workers.empty()) {
    for (int64_t piece = 0; piece < pieces; ++piece) body(piece, 0);
    return;
  }
  state_->pieces = pieces;
  state_->body = &body;
  state_->next.store(0);
  state_->busy.store(static_cast<int>(state_->workers.size()));
  state_->advance();
  state_->take_pieces(0);
  for (int spin = 0; spin < kSpins && state_->busy.load(std::memory_order_acquire) != 0; ++spin) pause_briefly();
  std::unique_lock lock(state_->mutex);
  state_->done.wait(lock, [&] { return state_->busy.load() == 0; });
}

}  // namespace samc
