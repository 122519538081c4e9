#include "app/bench_table.h"

#include <algorithm>
#include <map>
#include <tuple>

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
  peaks.memory = memory_peak_gbs(pool);
  return peaks;
}

void Row::add(const Row& other) {
  milliseconds.resize(other.milliseconds.size());
  for (size_t i = 0; i < milliseconds.size(); ++i) milliseconds[i] += other.milliseconds[i];
  arithmetic += other.arithmetic;
  bytes += other.bytes;
  least_milliseconds += other.least_milliseconds;
  ++calls;
}

void Recorder::add(const OperationTiming& timing) {
  if (next_ == rows_.size()) {
    Row row{std::string(timing.function),
            std::string(timing.name),
            std::string(timing.kernel),
            timing.precision,
            timing.variant,
            timing.blocking,
            {}};
    row.arithmetic = timing.arithmetic;
    row.bytes = timing.bytes;
    row.least_milliseconds = timing.arithmetic / peaks_.of(timing.precision) / 1e6;
    row.calls = 1;
    rows_.push_back(std::move(row));
  }
  const std::chrono::duration<double, std::milli> taken(timing.milliseconds);
  const auto end = timing.begin + std::chrono::duration_cast<TimeSpan::Clock::duration>(taken);
  rows_[next_].milliseconds.push_back(timing.milliseconds);
  rows_[next_].spans.push_back({timing.begin, end});
  sort_threads(next_, timing.begin);
  ++next_;
}

// What threads did since the last operation is of this one if it began after it.
void Recorder::sort_threads(std::optional<size_t> operation, TimeSpan::Clock::time_point begin) {
  for (size_t thread = 0; thread < working_.size(); ++thread) {
    for (const TimeSpan& span : working_[thread])
      threads_.push_back({span.begin < begin ? std::nullopt : operation, static_cast<int>(thread), span});
    working_[thread].clear();
  }
}

ThreadPool::Watcher Recorder::watcher(const ThreadPool& pool) {
  working_.resize(static_cast<size_t>(pool.threads()));
  for (std::vector<TimeSpan>& spans : working_) spans.clear();
  return [this](int worker, TimeSpan::Clock::time_point begin) {
    working_[static_cast<size_t>(worker)].push_back({begin, TimeSpan::Clock::now()});
  };
}

std::vector<Row> Recorder::by_kernel() const {
  std::map<std::tuple<std::string, std::string, Precision, std::string>, Row> sums;
  for (const Row& row : rows_) {
    Row& sum = sums[{row.function, row.kernel, row.precision, row.variant}];
    if (sum.calls == 0) sum = {row.function, row.kernel, row.kernel, row.precision, row.variant, {}, {}};
    sum.add(row);
  }
  std::vector<Row> result;
  result.reserve(sums.size());
  for (auto& [key, row] : sums) result.push_back(std::move(row));
  std::sort(result.begin(), result.end(),
            [](const Row& a, const Row& b) { return median(a.milliseconds) > median(b.milliseconds); });
  return result;
}

std::vector<Row> Recorder::by_function() const {
  std::vector<Row> result;
  for (const Row& row : rows_) {
    auto sum = std::ranges::find(result, row.function, &Row::function);
    if (sum == result.end()) {
      sum = result.emplace(sum);
      sum->function = sum->name = row.function;
    }
    sum->add(row);
  }
  return result;
}

}  // namespace samc
