#include "targets/sophgo/calibrate/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "targets/sophgo/tools/quantize_tables.h"

namespace samc::sophgo {
namespace {

constexpr int64_t kPiece = int64_t{1} << 18;
constexpr size_t kLevels = 128;  // of magnitudes in 8 bits
constexpr size_t kStep = 16;     // bins between the thresholds that are tried
constexpr double kLeastRange = 1e-30;

struct MethodName {
  ThresholdMethod method;
  const char* name;
};
constexpr MethodName kMethods[] = {{ThresholdMethod::kMax, "max"},
                                   {ThresholdMethod::kPercentile, "percentile"},
                                   {ThresholdMethod::kKl, "kl"},
                                   {ThresholdMethod::kMse, "mse"}};

// Bins that hold anything, from the first on.
size_t used_bins(const Histogram& histogram) {
  size_t used = Histogram::kBins;
  while (used > 1 && histogram.bins()[used - 1] == 0) --used;
  return used;
}

double percentile(const Histogram& histogram, double percent) {
  const double wanted = percent / 100.0 * static_cast<double>(histogram.count());
  double seen = 0;
  for (size_t bin = 0; bin < Histogram::kBins; ++bin) {
    seen += static_cast<double>(histogram.bins()[bin]);
    if (seen >= wanted) return static_cast<double>(bin + 1) * histogram.bin_width();
  }
  return histogram.largest();
}

// Of the first `bins` bins, what lies beyond counted in the last one, from the same in kLevels levels.
double divergence(const std::vector<uint64_t>& all, size_t bins) {
  std::vector<double> p(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bins)), q(bins, 0.0);
  double beyond = 0, total = 0, kept = 0;
  for (size_t bin = bins; bin < all.size(); ++bin) beyond += static_cast<double>(all[bin]);
  const size_t levels = std::min(kLevels, bins);
  for (size_t level = 0; level < levels; ++level) {
    const size_t begin = level * bins / levels, end = (level + 1) * bins / levels;
    double sum = 0;
    size_t filled = 0;
    for (size_t bin = begin; bin < end; ++bin) {
      sum += p[bin];
      filled += p[bin] > 0 ? 1 : 0;
    }
    for (size_t bin = begin; bin < end; ++bin)
      if (p[bin] > 0) q[bin] = sum / static_cast<double>(filled);
    kept += sum;
  }
  p[bins - 1] += beyond;
  total = kept + beyond;
  if (kept == 0) return std::numeric_limits<double>::infinity();
  double result = 0;
  for (size_t bin = 0; bin < bins; ++bin) {
    if (p[bin] == 0) continue;
    // Where only what lies beyond fills the last bin, there is half an element of it in q.
    result += p[bin] / total * std::log((p[bin] / total) / (std::max(q[bin], 0.5) / kept));
  }
  return result;
}

// Of elements in the middle of their bins.
double squared_error(const std::vector<uint64_t>& bins, size_t used, size_t threshold) {
  const double step = static_cast<double>(threshold) / (kLevels - 1);
  double error = 0;
  for (size_t bin = 0; bin < used; ++bin) {
    if (bins[bin] == 0) continue;
    const double middle = static_cast<double>(bin) + 0.5;
    const double level = std::min(std::nearbyint(middle / step), static_cast<double>(kLevels - 1));
    error += static_cast<double>(bins[bin]) * (middle - level * step) * (middle - level * step);
  }
  return error;
}

// The number of bins whose cost is least; of equals the largest.
template <class Cost>
double least(const Histogram& histogram, const Cost& cost) {
  const size_t used = used_bins(histogram);
  size_t best = used;
  double best_cost = cost(used);
  for (size_t bins = used > kStep ? used - kStep : 0; bins >= kLevels; bins -= kStep) {
    const double now = cost(bins);
    if (now < best_cost) {
      best_cost = now;
      best = bins;
    }
  }
  return best == used ? histogram.largest() : static_cast<double>(best) * histogram.bin_width();
}

}  // namespace

Result<ThresholdMethod> find_threshold_method(const std::string& name) {
  for (const MethodName& method : kMethods)
    if (name == method.name) return method.method;
  return usage_error("--method " + name + " is not known", "use max, percentile, kl or mse");
}

double Histogram::largest() const { return std::max(-min_, max_); }

void Histogram::grow(double largest) {
  if (largest == 0) return;
  if (range_ == 0) {
    // Only zeros so far: they stay in the first bin. The smallest power of two above, whose inverse is a number in f32.
    range_ = std::ldexp(1.0, std::ilogb(std::max(largest, kLeastRange)) + 1);
    return;
  }
  while (largest >= range_) {
    for (size_t bin = 0; bin < kBins / 2; ++bin) bins_[bin] = bins_[2 * bin] + bins_[2 * bin + 1];
    std::fill(bins_.begin() + kBins / 2, bins_.end(), uint64_t{0});
    range_ *= 2;
  }
}

Status Histogram::add(std::span<const float> values, ThreadPool& pool) {
  const auto size = static_cast<int64_t>(values.size());
  const int64_t pieces = (size + kPiece - 1) / kPiece;
  struct Range {
    float min = 0, max = 0;
    bool finite = true;
  };
  std::vector<Range> ranges(static_cast<size_t>(pieces));
  const auto piece_of = [&](int64_t piece) {
    return values.subspan(static_cast<size_t>(piece * kPiece),
                          static_cast<size_t>(std::min(kPiece, size - piece * kPiece)));
  };
  pool.run(pieces, [&](int64_t piece, int) {
    const auto part = piece_of(piece);
    Range range{part[0], part[0]};
    float sum = 0;  // of x - x: 0, or NaN
    for (const float value : part) {
      range.min = std::min(range.min, value);
      range.max = std::max(range.max, value);
      sum += value - value;
    }
    range.finite = sum == 0.0f;
    ranges[static_cast<size_t>(piece)] = range;
  });
  double low = count_ == 0 ? std::numeric_limits<double>::infinity() : min_;
  double high = count_ == 0 ? -std::numeric_limits<double>::infinity() : max_;
  for (const Range& range : ranges) {
    if (!range.finite) return invalid_input("it holds NaN or infinite values");
    low = std::min(low, static_cast<double>(range.min));
    high = std::max(high, static_cast<double>(range.max));
  }
  if (size == 0) return Status::ok();
  min_ = low;
  max_ = high;
  if (bins_.empty()) bins_.resize(kBins);
  grow(largest());
  count_ += static_cast<uint64_t>(size);
  if (range_ == 0) {
    bins_[0] += static_cast<uint64_t>(size);
    return Status::ok();
  }
  const auto scale = static_cast<float>(kBins / range_);  // a power of two: exact
  std::vector<std::array<uint32_t, kBins>> counts(static_cast<size_t>(pool.threads()));
  for (auto& own : counts) own.fill(0);
  pool.run(pieces, [&](int64_t piece, int worker) {
    auto& own = counts[static_cast<size_t>(worker)];
    for (const float value : piece_of(piece)) ++own[static_cast<size_t>(std::fabs(value) * scale)];
  });
  for (const auto& own : counts)
    for (size_t bin = 0; bin < kBins; ++bin) bins_[bin] += own[bin];
  return Status::ok();
}

double threshold_of(const Histogram& histogram, const ThresholdOptions& options) {
  double threshold = histogram.largest();
  if (histogram.count() != 0 && threshold > 0) {
    const size_t used = used_bins(histogram);
    switch (options.method) {
      case ThresholdMethod::kMax:
        break;
      case ThresholdMethod::kPercentile:
        threshold = std::min(threshold, percentile(histogram, options.percentile));
        break;
      case ThresholdMethod::kKl:
        threshold = least(histogram, [&](size_t bins) { return divergence(histogram.bins(), bins); });
        break;
      case ThresholdMethod::kMse:
        threshold = least(histogram, [&](size_t bins) { return squared_error(histogram.bins(), used, bins); });
        break;
    }
  }
  return std::max(threshold, kLeastThreshold);
}

}  // namespace samc::sophgo
