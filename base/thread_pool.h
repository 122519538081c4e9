#pragma once
// A fixed set of worker threads. Work is cut into numbered pieces whose content does not depend on how many threads
// there are, so results are the same bits for any number of threads.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace samc {

// How many threads a pool was to have, and how many it got.
struct ThreadShortage {
  int asked = 0;
  int got = 0;
};

// The cores that this process may use.
int usable_cores();

class ThreadPool {
 public:
  // threads: how many work at once, the caller among them; 0 means one for each core that this process may use. Where
  // the system refuses one (ulimit -u, a container's limit of pids) the pool has fewer, and asked() > threads().
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;
  int asked() const;
  // Of all pools that this process has made, the one that lacked the most threads; nothing where none lacked any.
  static std::optional<ThreadShortage> shortage();

  // Calls body(piece, worker) for piece in [0, pieces), each once, and returns when all are done. worker is in
  // [0, threads()) and no two calls with the same worker overlap, so it can index scratch memory. Pieces are handed out
  // as threads get free. Calls from several threads are served one after the other; body must not call run() itself.
  // In a process that was forked meanwhile, where the pool's threads are not, the caller does all pieces.
  // What body throws, on any thread, is thrown here when all calls have ended; pieces not begun by then are left out.
  void run(int64_t pieces, const std::function<void(int64_t piece, int worker)>& body);

  // From the next run() on each worker calls this when it has done its last piece of one, with the time at which it
  // began its first. An empty one ends that. Not to be called during run().
  using Watcher = std::function<void(int worker, std::chrono::steady_clock::time_point begin)>;
  void watch(Watcher watcher);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace samc
