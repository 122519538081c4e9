#include "base/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/fork_count.h"

namespace samc {
namespace {

void pause_briefly() {
#if defined(__x86_64__)
  __asm__ volatile("pause");
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Small kernels follow each other within microseconds: spinning this long before sleeping saves a wake-up each time.
constexpr int kSpins = 10000;

// Both numbers of a ThreadShortage in one, so that they are read together: asked in the upper half.
std::atomic<uint64_t> largest_shortage{0};

uint64_t packed(int asked, int got) {
  return uint64_t{static_cast<uint32_t>(asked)} << 32 | static_cast<uint32_t>(got);
}

ThreadShortage unpacked(uint64_t shortage) {
  return {static_cast<int>(shortage >> 32), static_cast<int>(shortage & 0xffffffffu)};
}

void note_shortage(int asked, int got) {
  uint64_t known = largest_shortage.load();
  while (asked - got > unpacked(known).asked - unpacked(known).got &&
         !largest_shortage.compare_exchange_weak(known, packed(asked, got))) {
  }
}

}  // namespace

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::mutex callers;  // one run() at a time
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation{0};  // of the newest job
  std::atomic<uint64_t> open{0};        // generation of the job that workers may join; 0: none
  std::atomic<int> active{0};           // workers that have joined, or are just finding out that they may not
  std::atomic<int64_t> next{0};
  int64_t pieces = 0;
  const std::function<void(int64_t, int)>* body = nullptr;
  std::atomic<bool> threw{false};
  std::exception_ptr thrown;  // the first; written once, by who set threw, and read when all have ended
  std::atomic<bool> stop{false};
  Watcher watcher;
  int asked = 1;
  const int64_t forks = fork_count();

  // In a process that was forked the workers are not there.
  bool has_workers() const { return !workers.empty() && fork_count() == forks; }

  ~State() {
    stop.store(true);
    announce();
    for (std::thread& worker : workers) worker.join();
  }

  std::chrono::steady_clock::time_point now_if_watched() const {
    return watcher ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  }

  void take_pieces(int worker) noexcept {
    try {
      const auto begin = now_if_watched();
      bool any = false;
      for (int64_t piece = next.fetch_add(1); piece < pieces; piece = next.fetch_add(1)) {
        (*body)(piece, worker);
        any = true;
      }
      if (any && watcher) watcher(worker, begin);
    } catch (...) {
      next.store(pieces);  // nobody begins another
      if (!threw.exchange(true)) thrown = std::current_exception();
    }
  }

  void work(int worker) {
    uint64_t seen = 0;
    while (true) {
      for (int spin = 0; spin < kSpins && generation.load(std::memory_order_acquire) == seen; ++spin) pause_briefly();
      if (generation.load() == seen) {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return generation.load() != seen; });
      }
      seen = generation.load();
      if (stop.load()) return;
      // Counted first, asked second: either run() sees the count, or this worker sees that the job is closed.
      active.fetch_add(1);
      if (open.load() == seen) take_pieces(worker);
      active.fetch_sub(1);
    }
  }

  void announce() {
    std::lock_guard lock(mutex);
    generation.fetch_add(1);
    wake.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = usable_cores();
  state_->asked = threads;
  state_->workers.reserve(static_cast<size_t>(threads) - 1);
  try {
    for (int worker = 1; worker < threads; ++worker)
      state_->workers.emplace_back([state = state_.get(), worker] { state->work(worker); });
  } catch (const std::exception&) {  // std::system_error, or no memory for a thread's own state
    note_shortage(threads, this->threads());
  }
}

// What belongs to threads of another process can be neither joined nor destroyed: the system waits for them.
ThreadPool::~ThreadPool() {
  if (fork_count() != state_->forks) (void)state_.release();
}

int ThreadPool::asked() const { return state_->asked; }

std::optional<ThreadShortage> ThreadPool::shortage() {
  const ThreadShortage largest = unpacked(largest_shortage.load());
  if (largest.asked == 0) return std::nullopt;
  return largest;
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::watch(Watcher watcher) { state_->watcher = std::move(watcher); }

void ThreadPool::run(int64_t pieces, const std::function<void(int64_t, int)>& body) {
  if (pieces <= 0) return;
  std::lock_guard caller(state_->callers);
  if (pieces == 1 || !state_->has_workers()) {
    const auto begin = state_->now_if_watched();
    for (int64_t piece = 0; piece < pieces; ++piece) body(piece, 0);
    if (state_->watcher) state_->watcher(0, begin);
    return;
  }
  state_->pieces = pieces;
  state_->body = &body;
  state_->threw.store(false);
  state_->next.store(0);
  state_->open.store(state_->generation.load() + 1);
  state_->announce();
  state_->take_pieces(0);
  // Workers that have not woken up by now are not needed any more; only those at work are waited for.
  state_->open.store(0);
  for (int spin = 0; state_->active.load() != 0; ++spin) {
    if (spin < kSpins)
      pause_briefly();
    else
      std::this_thread::yield();
  }
  if (state_->threw.load()) std::rethrow_exception(std::exchange(state_->thrown, nullptr));
}

}  // namespace samc
