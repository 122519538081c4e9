#pragma once
// How large the elements of a value get, seen in one pass over any number of tensors; and the thresholds that INT8 may
// take from that.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"

namespace samc::sophgo {

class Histogram {
 public:
  static constexpr size_t kBins = 4096;

  // Every element finite, else an error and nothing is added. Results do not depend on the threads.
  Status add(std::span<const float> values, ThreadPool& pool);

  uint64_t count() const { return count_; }
  double min() const { return min_; }
  double max() const { return max_; }
  double largest() const;  // magnitude
  // Bin i counts magnitudes from i to i + 1 bin_width(); the range is a power of two, so that it can double exactly.
  const std::vector<uint64_t>& bins() const { return bins_; }
  double bin_width() const { return range_ / kBins; }

 private:
  void grow(double largest);

  std::vector<uint64_t> bins_;
  double range_ = 0, min_ = 0, max_ = 0;
  uint64_t count_ = 0;
};

enum class ThresholdMethod {
  kMax,         // the largest magnitude
  kPercentile,  // so that this part of all elements is within
  kKl,          // the least divergence between the distribution and what 128 levels leave of it
  kMse,         // the least mean square of what rounding and cutting change
};
struct ThresholdOptions {
  ThresholdMethod method = ThresholdMethod::kMax;
  double percentile = 99.99;
};
Result<ThresholdMethod> find_threshold_method(const std::string& name);  // "max", "percentile", "kl", "mse"

// Above 0, also of a value that is 0 throughout (kLeastThreshold).
double threshold_of(const Histogram& histogram, const ThresholdOptions& options);

}  // namespace samc::sophgo
