#include "runtime/mask_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace samc {
namespace {

std::vector<int64_t> first_positions(const std::vector<LinearStep>& steps, int64_t input_size) {
  std::vector<int64_t> first;
  int64_t at = 0;
  for (int64_t position = 0; position <= input_size; ++position) {
    while (at < static_cast<int64_t>(steps.size()) && steps[static_cast<size_t>(at)].low < position) ++at;
    first.push_back(at);
  }
  return first;
}

// Four roundings are between the logits around a pixel and its value.
float rounding_of(float low, float high) {
  return 4 * std::numeric_limits<float>::epsilon() * std::max(std::fabs(low), std::fabs(high));
}

// On which side of the thresholds all values between low and high are.
enum class Side : uint8_t { kBelow, kAbove, kMixed };

struct Range {
  float low;
  float high;

  Side side(float lowest_threshold, float highest_threshold) const {
    const float rounding = rounding_of(low, high);
    if (high + rounding <= lowest_threshold) return Side::kBelow;
    return low - rounding > highest_threshold ? Side::kAbove : Side::kMixed;
  }
  bool is_above(float threshold) const { return low - rounding_of(low, high) > threshold; }
  bool may_be_above(float threshold) const { return !(high + rounding_of(low, high) <= threshold); }
};

class RunWriter {
 public:
  explicit RunWriter(Rle& rle) : rle_(rle) {}
  // Pixels [begin, end), counted down the columns, behind all that were added before.
  void add(int64_t begin, int64_t end) {
    if (begin != end_ || begin_ == end_) {
      close();
      begin_ = begin;
    }
    end_ = end;
  }
  void finish(int64_t pixels) {
    close();
    if (pixels > written_ || rle_.counts.empty()) rle_.counts.push_back(static_cast<uint32_t>(pixels - written_));
  }

 private:
  void close() {
    if (begin_ == end_) return;
    rle_.counts.push_back(static_cast<uint32_t>(begin_ - written_));
    rle_.counts.push_back(static_cast<uint32_t>(end_ - begin_));
    written_ = end_;
    begin_ = end_;
  }

  Rle& rle_;
  int64_t begin_ = 0, end_ = 0;  // the run that may go on
  int64_t written_ = 0;
};

float ratio(int64_t inner, int64_t outer) { return static_cast<float>(inner) / static_cast<float>(outer); }

}  // namespace

// Over one mask. A cell is what lies between four logits: between columns c and c + 1, rows r and r + 1 of them.
class MaskMeter::Walk {
 public:
  Walk(const MaskMeter& meter, std::span<const float> logits, const MaskThresholds& thresholds)
      : meter_(meter),
        thresholds_(thresholds),
        lowest_(std::min({thresholds.mask, thresholds.inner, thresholds.outer})),
        highest_(std::max({thresholds.mask, thresholds.inner, thresholds.outer})),
        turned_(logits.size()),
        sides_(logits.size()),
        lows_(static_cast<size_t>(meter.low_height_)),
        highs_(static_cast<size_t>(meter.low_height_)) {
    for (int64_t r = 0; r < meter_.low_height_; ++r)
      for (int64_t c = 0; c < meter_.low_width_; ++c)
        turned_[static_cast<size_t>(c * meter_.low_height_ + r)] =
            logits[static_cast<size_t>(r * meter_.low_width_ + c)];
  }

  // Whether the stability may be this or more; finds the side of every cell.
  bool may_reach(float stability) {
    int64_t most_inner = 0, least_outer = 0;
    for (int64_t c = 0; c < meter_.low_width_; ++c) {
      const int64_t width = meter_.first_column_[at(c + 1)] - meter_.first_column_[at(c)];
      if (width == 0) continue;
      const float *left = column(c), *right = column(next(c, meter_.low_width_));
      for (size_t r = 0; r < lows_.size(); ++r) {
        lows_[r] = std::min(left[r], right[r]);
        highs_[r] = std::max(left[r], right[r]);
      }
      Side* const sides = &sides_[at(c * meter_.low_height_)];
      int64_t inner_rows = 0, outer_rows = 0;
      for (int64_t r = 0; r < meter_.low_height_; ++r) {
        const size_t below = at(next(r, meter_.low_height_));
        const Range range{std::min(lows_[at(r)], lows_[below]), std::max(highs_[at(r)], highs_[below])};
        sides[r] = range.side(lowest_, highest_);
        const int64_t height = meter_.first_row_[at(r + 1)] - meter_.first_row_[at(r)];
        inner_rows += range.may_be_above(thresholds_.inner) ? height : 0;
        outer_rows += range.is_above(thresholds_.outer) ? height : 0;
      }
      most_inner += inner_rows * width;
      least_outer += outer_rows * width;
    }
    // Rounding to f32 keeps the order, so a bound of the ratio is one of the rounded ratio.
    return least_outer == 0 || ratio(most_inner, least_outer) >= stability;
  }

  MaskStatistics count() {
    MaskStatistics result;
    result.runs = {static_cast<int>(meter_.image_height_), static_cast<int>(meter_.image_width_), {}};
    RunWriter runs(result.runs);
    int64_t inner = 0, outer = 0;
    int64_t left = -1, right = -1, top = meter_.crop_[3], bottom = -1;
    for (int64_t c = 0; c < meter_.low_width_; ++c) {
      if (meter_.first_column_[at(c)] == meter_.first_column_[at(c + 1)]) continue;
      find_stretches(c);
      for (int64_t x = meter_.first_column_[at(c)]; x < meter_.first_column_[at(c + 1)]; ++x) {
        const int64_t origin = (meter_.crop_[0] + x) * meter_.image_height_ + meter_.crop_[1];
        const auto add = [&](int64_t begin, int64_t end) {
          runs.add(origin + begin, origin + end);
          if (left < 0) left = x;
          right = x;
          top = std::min(top, begin);
          bottom = std::max(bottom, end - 1);
        };
        for (const Stretch& stretch : stretches_) {
          if (stretch.side == Side::kAbove) {
            inner += stretch.end - stretch.begin;
            outer += stretch.end - stretch.begin;
            add(stretch.begin, stretch.end);
          } else {
            enlarge(c, x, stretch, inner, outer, add);
          }
        }
      }
    }
    runs.finish(meter_.image_width_ * meter_.image_height_);
    if (right >= 0) result.box = {left, top, right, bottom};
    result.stability = ratio(inner, outer);
    return result;
  }

 private:
  // Output rows [begin, end): all above, or a single cell's, below row r of the logits.
  struct Stretch {
    Side side;
    int64_t r;
    int64_t begin, end;
  };

  static size_t at(int64_t index) { return static_cast<size_t>(index); }
  static int64_t next(int64_t position, int64_t size) { return std::min(position + 1, size - 1); }
  const float* column(int64_t c) const { return &turned_[at(c * meter_.low_height_)]; }

  void find_stretches(int64_t c) {
    stretches_.clear();
    const Side* const sides = &sides_[at(c * meter_.low_height_)];
    for (int64_t r = 0; r < meter_.low_height_; ++r) {
      const int64_t begin = meter_.first_row_[at(r)], end = meter_.first_row_[at(r + 1)];
      if (sides[r] == Side::kBelow || begin == end) continue;
      const bool goes_on = sides[r] == Side::kAbove && !stretches_.empty() && stretches_.back().side == Side::kAbove &&
                           stretches_.back().end == begin;
      if (goes_on) {
        stretches_.back().end = end;
      } else {
        stretches_.push_back({sides[r], r, begin, end});
      }
    }
  }

  // The pixels of column x in a cell of logits' column c.
  template <class Add>
  void enlarge(int64_t c, int64_t x, const Stretch& cell, int64_t& inner, int64_t& outer, const Add& add) const {
    const LinearStep& step = meter_.columns_[at(x)];
    const float *left = column(c), *right = column(next(c, meter_.low_width_));
    const int64_t below = next(cell.r, meter_.low_height_);
    const float high = step.between(left[cell.r], right[cell.r]), low = step.between(left[below], right[below]);
    const Range range{std::min(high, low), std::max(high, low)};
    const Side side = range.side(lowest_, highest_);
    if (side == Side::kBelow) return;
    if (side == Side::kAbove) {
      inner += cell.end - cell.begin;
      outer += cell.end - cell.begin;
      add(cell.begin, cell.end);
      return;
    }
    int64_t begin = cell.begin;
    for (int64_t y = cell.begin; y < cell.end; ++y) {
      const float logit = meter_.rows_[at(y)].between(high, low);
      inner += logit > thresholds_.inner ? 1 : 0;
      outer += logit > thresholds_.outer ? 1 : 0;
      if (logit > thresholds_.mask) continue;
      if (begin < y) add(begin, y);
      begin = y + 1;
    }
    if (begin < cell.end) add(begin, cell.end);
  }

  const MaskMeter& meter_;
  const MaskThresholds& thresholds_;
  const float lowest_, highest_;
  std::vector<float> turned_;  // (low_width, low_height)
  std::vector<Side> sides_;    // (low_width, low_height): of cells
  std::vector<float> lows_, highs_;
  std::vector<Stretch> stretches_;
};

MaskMeter::MaskMeter(int64_t low_height, int64_t low_width, const PixelBox& crop, int64_t image_width,
                     int64_t image_height)
    : low_height_(low_height),
      low_width_(low_width),
      crop_(crop),
      image_width_(image_width),
      image_height_(image_height),
      columns_(linear_steps(low_width, crop[2] - crop[0])),
      rows_(linear_steps(low_height, crop[3] - crop[1])),
      first_column_(first_positions(columns_, low_width)),
      first_row_(first_positions(rows_, low_height)) {
  SAMC_CHECK(crop[0] >= 0 && crop[1] >= 0 && crop[0] < crop[2] && crop[1] < crop[3] && crop[2] <= image_width &&
                 crop[3] <= image_height,
             "a crop from {}, {} to {}, {} of {} x {}", crop[0], crop[1], crop[2], crop[3], image_width, image_height);
}

std::optional<MaskStatistics> MaskMeter::measure(std::span<const float> logits, const MaskThresholds& thresholds,
                                                 float least_stability) const {
  SAMC_CHECK(static_cast<int64_t>(logits.size()) == low_height_ * low_width_, "{} logits are not {} x {}",
             logits.size(), low_width_, low_height_);
  Walk walk(*this, logits, thresholds);
  const bool any_will_do = !(least_stability > 0);
  if (!walk.may_reach(least_stability) && !any_will_do) return std::nullopt;
  MaskStatistics statistics = walk.count();
  if (!any_will_do && !(statistics.stability >= least_stability)) return std::nullopt;
  return statistics;
}

}  // namespace samc
