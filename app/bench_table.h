#pragma once
// What `samc bench` hears of operations, and how it prints that.

#include <span>
#include <string>
#include <vector>

#include "runtime/timing.h"

namespace samc {

double median(std::vector<double> values);

// All runs of one operation, or of all operations of one kernel.
struct Row {
  std::string function, name, kernel, variant;
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
  // One row for each function, kernel and variant; most time first.
  std::vector<Row> by_kernel() const;
  // In the order in which they ran first.
  std::vector<std::string> functions() const;
  double total(const std::string& function) const;
  double arithmetic(const std::string& function) const;

 private:
  std::vector<Row> rows_;
  size_t next_ = 0;
  int repetitions_ = 0;
};

// A line for each function that ran, in order. What of `total` is left. peak: GFLOP/s.
double print_functions(const Recorder& recorder, double total, double peak);
// A table of kernels, and a line for each operation in order.
void print_kernels(std::span<const Recorder* const> recorders, double peak, bool with_operations);

}  // namespace samc
