#include "app/bench_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "app/console.h"
#include "base/check.h"

namespace samc {

double median(std::vector<double> values) {
  SAMC_CHECK(!values.empty(), "the median of nothing");
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
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
                     timing.variant,
                     {},
                     timing.arithmetic,
                     1});
  rows_[next_++].milliseconds.push_back(timing.milliseconds);
}

std::vector<Row> Recorder::by_kernel() const {
  std::map<std::tuple<std::string, std::string, std::string>, Row> sums;
  for (const Row& row : rows_) {
    Row& sum = sums[{row.function, row.kernel, row.variant}];
    if (sum.calls == 0) sum = {row.function, row.kernel, row.kernel, row.variant, {}, 0, 0};
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

static void print_row(const Row& row, double peak, bool with_name) {
  const double time = median(row.milliseconds);
  const double rate = time > 0 ? row.arithmetic / time / 1e6 : 0;
  say("  {:<23} {:<16} {:<8} {:>6} {:>10.3f} {:>9.1f} {:>6.1f}{}\n", row.function, row.kernel, row.variant, row.calls,
      time, rate, 100 * rate / peak, with_name ? "  " + row.name : "");
}

static std::string rate_text(const Recorder& recorder, const std::string& function, double peak) {
  const double time = recorder.total(function), arithmetic = recorder.arithmetic(function);
  if (time <= 0 || arithmetic <= 0) return {};
  const double rate = arithmetic / time / 1e6;
  return fmt::format("{:.1f} GFLOP, {:.0f} GFLOP/s, {:.0f} % of the peak", arithmetic / 1e9, rate, 100 * rate / peak);
}

double print_functions(const Recorder& recorder, double total, double peak) {
  for (const std::string& function : recorder.functions()) {
    const double time = recorder.total(function);
    say_phase(("  " + function).c_str(), time, rate_text(recorder, function, peak));
    total -= time;
  }
  return total;
}

void print_kernels(std::span<const Recorder* const> recorders, double peak, bool with_operations) {
  say("  {:<23} {:<16} {:<8} {:>6} {:>10} {:>9} {:>6}\n", "function", "kernel", "variant", "calls", "ms", "GFLOP/s",
      "% peak");
  for (const Recorder* recorder : recorders)
    for (const Row& row : recorder->by_kernel()) print_row(row, peak, false);
  if (!with_operations) return;
  say("\n");
  for (const Recorder* recorder : recorders)
    for (const Row& row : recorder->rows()) print_row(row, peak, true);
}

}  // namespace samc
