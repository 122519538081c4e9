#pragma once
// A fixed set of worker threads. Work is cut into numbered pieces whose content does not depend on how many threads
// there are, so results are the same bits for any number of threads.

#include <cstdint>
#include <functional>
#include <memory>

namespace samc {

class ThreadPool {
 public:
  // threads: how many work at once, the caller among them; 0 means one for each core that this process may use.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  // Calls body(piece, worker) for piece in [0, pieces), each once, and returns when all are done. worker is in
  // [0, threads()) and no two calls with the same worker overlap, so it can index scratch memory. Pieces are handed out
  // as threads get free. Calls from several threads are served one after the other; body must not call run() itself.
  void run(int64_t pieces, const std::function<void(int64_t piece, int worker)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace samc
