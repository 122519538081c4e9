#pragma once
// What `samc bench` hears of operations, and how it prints that.

#include <span>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "runtime/timing.h"

namespace samc {

double median(std::vector<double> values);

// What the machine can do at most, in GFLOP/s.
struct Peaks {
  double f32 = 0;
  double bf16 = 0;  // by the instructions that kernels use; 0 where there are none
  double int8 = 0;
  double of(Precision precision) const {
    return precision == Precision::kF32 ? f32 : precision == Precision::kBf16 ? bf16 : int8;
  }
};
// Measures all on all of pool's threads; bf16 where isa computes in it.
Peaks measure_peaks(const Isa& isa, ThreadPool& pool);

// All runs of one operation, or of all operations of one kernel.
struct Row {
  std::string function, name, kernel;
  Precision precision = Precision::kF32;
  std::string variant;
  std::vector<double> milliseconds;  // one for each repetition
  double arithmetic = 0;             // of one repetition
  int calls = 0;                     // in one repetition
};

// Adds up what an observer hears. Operations come in the same order in each repetition.
class Recorder {
 public:
  void start_repetition();
  void add(const OperationTiming& timing);
  const std::vector<Row>& rows() const { return rows_; }
  // One row for each function, kernel, precision and variant; most time first.
  std::vector<Row> by_kernel() const;
  // In the order in which they ran first.
  std::vector<std::string> functions() const;
  double total(const std::string& function) const;
  double arithmetic(const std::string& function) const;
  // The milliseconds that its arithmetic would take at the peaks of what it computes in.
  double least_time(const std::string& function, const Peaks& peaks) const;

 private:
  std::vector<Row> rows_;
  size_t next_ = 0;
  int repetitions_ = 0;
};

// A line for each function that ran, in order. What of `total` is left.
double print_functions(const Recorder& recorder, double total, const Peaks& peaks);
// A table of kernels, and a line for each operation in order.
void print_kernels(std::span<const Recorder* const> recorders, const Peaks& peaks, bool with_operations);

}  // namespace samc
