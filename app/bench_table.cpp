#include "app/bench_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "app/console.h"
#include "base/check.h"
#include "base/cpu_precision.h"
#include "kernels/fma_peak.h"

namespace samc {

double median(std::vector<double> values) {
  SAMC_CHECK(!values.empty(), "the median of nothing");
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Peaks measure_peaks(const Isa& isa, ThreadPool& pool) {
  Peaks peaks;
  peaks.f32 = fma_peak_gflops(isa, pool, Precision::kF32);
  peaks.int8 = fma_peak_gflops(isa, pool, Precision::kInt8);
  if (can_compute(Precision::kBf16, isa).is_ok()) peaks.bf16 = fma_peak_gflops(isa, pool, Precision::kBf16);
  return peaks;
}

void Recorder::start_repetition() {
  next_ = 0;
  ++repetitions_;
}

void Recorder::add(const OperationTiming& timing) {
  if (next_ == rows_.size())
    rows_.push_back({std::string(timing.function),
                     std::string(timing.name),
                     std::string(timing.kernel),
                     timing.precision,
                     timing.variant,
                     {},
                     timing.arithmetic,
                     1});
  rows_[next_++].milliseconds.push_back(timing.milliseconds);
}

std::vector<Row> Recorder::by_kernel() const {
  std::map<std::tuple<std::string, std::string, Precision, std::string>, Row> sums;
  for (const Row& row : rows_) {
    Row& sum = sums[{row.function, row.kernel, row.precision, row.variant}];
    if (sum.calls == 0) sum = {row.function, row.kernel, row.kernel, row.precision, row.variant, {}, 0, 0};
    sum.milliseconds.resize(row.milliseconds.size());
    for (size_t i = 0; i < row.milliseconds.size(); ++i) sum.milliseconds[i] += row.milliseconds[i];
    sum.arithmetic += row.arithmetic;
    ++sum.calls;
  }
  std::vector<Row> result;
  result.reserve(sums.size());
  for (auto& [key, row] : sums) result.push_back(std::move(row));
  std::sort(result.begin(), result.end(),
            [](const Row& a, const Row& b) { return median(a.milliseconds) > median(b.milliseconds); });
  return result;
}

std::vector<std::string> Recorder::functions() const {
  std::vector<std::string> names;
  for (const Row& row : rows_)
    if (std::find(names.begin(), names.end(), row.function) == names.end()) names.push_back(row.function);
  return names;
}

double Recorder::total(const std::string& function) const {
  std::vector<double> sums(static_cast<size_t>(repetitions_));
  for (const Row& row : rows_)
    if (row.function == function)
      for (size_t i = 0; i < row.milliseconds.size(); ++i) sums[i] += row.milliseconds[i];
  return median(sums);
}

double Recorder::arithmetic(const std::string& function) const {
  double sum = 0;
  for (const Row& row : rows_)
    if (row.function == function) sum += row.arithmetic;
  return sum;
}

double Recorder::least_time(const std::string& function, const Peaks& peaks) const {
  double sum = 0;
  for (const Row& row : rows_)
    if (row.function == function) sum += row.arithmetic / peaks.of(row.precision) / 1e6;
  return sum;
}

static void print_row(const Row& row, const Peaks& peaks, bool with_name) {
  const double time = median(row.milliseconds);
  const double rate = time > 0 ? row.arithmetic / time / 1e6 : 0;
  say("  {:<23} {:<16} {:<4} {:<11} {:>6} {:>10.3f} {:>9.1f} {:>6.1f}{}\n", row.function, row.kernel,
      precision_name(row.precision), row.variant, row.calls, time, rate, 100 * rate / peaks.of(row.precision),
      with_name ? "  " + row.name : "");
}

static std::string rate_text(const Recorder& recorder, const std::string& function, const Peaks& peaks) {
  const double time = recorder.total(function), arithmetic = recorder.arithmetic(function);
  if (time <= 0 || arithmetic <= 0) return {};
  return fmt::format("{:.1f} GFLOP, {:.0f} GFLOP/s, {:.0f} % of the peak", arithmetic / 1e9, arithmetic / time / 1e6,
                     100 * recorder.least_time(function, peaks) / time);
}

double print_functions(const Recorder& recorder, double total, const Peaks& peaks) {
  for (const std::string& function : recorder.functions()) {
    const double time = recorder.total(function);
    say_phase(("  " + function).c_str(), time, rate_text(recorder, function, peaks));
    total -= time;
  }
  return total;
}

void print_kernels(std::span<const Recorder* const> recorders, const Peaks& peaks, bool with_operations) {
  say("  {:<23} {:<16} {:<4} {:<11} {:>6} {:>10} {:>9} {:>6}\n", "function", "kernel", "in", "variant", "calls", "ms",
      "GFLOP/s", "% peak");
  for (const Recorder* recorder : recorders)
    for (const Row& row : recorder->by_kernel()) print_row(row, peaks, false);
  if (!with_operations) return;
  say("\n");
  for (const Recorder* recorder : recorders)
    for (const Row& row : recorder->rows()) print_row(row, peaks, true);
}

}  // namespace samc
