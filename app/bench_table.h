#pragma once
// What `samc bench` hears of operations, and what the machine can do at most.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "runtime/timing.h"

namespace samc {

double median(std::vector<double> values);

// What the machine can do at most.
struct Peaks {
  double f32 = 0;   // GFLOP/s
  double bf16 = 0;  // by the instructions that kernels use; 0 where there are none
  double int8 = 0;
  double memory = 0;  // GB/s
  double of(Precision precision) const {
    return precision == Precision::kF32 ? f32 : precision == Precision::kBf16 ? bf16 : int8;
  }
};
// Measures all on all of pool's threads; bf16 where isa computes in it.
Peaks measure_peaks(const Isa& isa, ThreadPool& pool);

struct TimeSpan {
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin, end;
  double milliseconds() const { return std::chrono::duration<double, std::milli>(end - begin).count(); }
};

// All runs of one operation, or of all operations of one kernel or function.
struct Row {
  std::string function, name, kernel;
  Precision precision = Precision::kF32;
  std::string variant, blocking;
  std::vector<double> milliseconds;  // one for each repetition
  double arithmetic = 0;             // of one repetition
  double bytes = 0;                  // of one repetition
  double least_milliseconds = 0;     // what the arithmetic would take at the peak of what it computes in
  int calls = 0;                     // in one repetition
  std::vector<TimeSpan> spans = {};  // of an operation: when it ran

  void add(const Row& other);
};

// What a thread did of an operation, or between operations.
struct ThreadSpan {
  std::optional<size_t> operation;  // of Recorder::rows()
  int thread;
  TimeSpan span;
};

// Adds up what an observer hears. Operations come in the same order in each repetition.
class Recorder {
 public:
  explicit Recorder(const Peaks& peaks) : peaks_(peaks) {}

  void start_repetition() { next_ = 0; }
  void add(const OperationTiming& timing);
  void end_repetition() { sort_threads(std::nullopt, {}); }
  // The watcher of the pool that operations run on.
  ThreadPool::Watcher watcher(const ThreadPool& pool);

  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<ThreadSpan>& threads() const { return threads_; }
  // One row for each function, kernel, precision and variant; most time first.
  std::vector<Row> by_kernel() const;
  // One row for each function, in the order in which they ran first.
  std::vector<Row> by_function() const;

 private:
  void sort_threads(std::optional<size_t> operation, TimeSpan::Clock::time_point begin);

  const Peaks& peaks_;
  std::vector<Row> rows_;
  std::vector<ThreadSpan> threads_;
  std::vector<std::vector<TimeSpan>> working_;  // by thread: since the last operation
  size_t next_ = 0;
};

}  // namespace samc
