#include "runtime/small_regions.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <vector>

namespace samc {
namespace {

// Rows [begin, end) of one column.
struct ColumnRun {
  int64_t column;
  int64_t begin, end;
};

std::vector<ColumnRun> column_runs(const Rle& mask, bool on) {
  std::vector<ColumnRun> runs;
  const int64_t height = mask.height;
  int64_t at = 0;
  for (size_t i = 0; i < mask.counts.size(); ++i) {
    const int64_t end = at + mask.counts[i];
    if ((i % 2 == 1) == on)
      for (int64_t from = at; from < end;) {
        const int64_t column = from / height;
        const int64_t until = std::min(end, (column + 1) * height);
        runs.push_back({column, from - column * height, until - column * height});
        from = until;
      }
    at = end;
  }
  return runs;
}

// 8-connected regions of runs, which are in the order of their columns and rows.
class Regions {
 public:
  explicit Regions(const std::vector<ColumnRun>& runs) : parent_(runs.size()), areas_(runs.size(), 0) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    size_t left = 0;  // the first run of the column before that may touch this or a later one
    for (size_t run = 0; run < runs.size(); ++run) {
      const ColumnRun& at = runs[run];
      const auto is_past = [&](const ColumnRun& other) {
        return other.column < at.column - 1 || (other.column == at.column - 1 && other.end < at.begin);
      };
      while (left < run && is_past(runs[left])) ++left;
      for (size_t other = left; other < run && runs[other].column < at.column && runs[other].begin <= at.end; ++other)
        join(run, other);
    }
    for (size_t run = 0; run < runs.size(); ++run) areas_[root(run)] += runs[run].end - runs[run].begin;
  }
  size_t root(size_t run) {
    while (parent_[run] != run) run = parent_[run] = parent_[parent_[run]];
    return run;
  }
  int64_t area_of(size_t run) { return areas_[root(run)]; }
  // The root of the largest region; of equal ones that whose first pixel is the uppermost, then leftmost.
  size_t largest(const std::vector<ColumnRun>& runs) {
    const auto rank = [&](size_t run) { return std::tuple(-area_of(run), runs[run].begin, runs[run].column); };
    size_t best = 0;
    for (size_t run = 1; run < runs.size(); ++run)
      if (rank(run) < rank(best)) best = run;
    return root(best);
  }

 private:
  void join(size_t a, size_t b) {
    a = root(a);
    b = root(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }
  std::vector<size_t> parent_;
  std::vector<int64_t> areas_;  // at roots
};

// The mask whose pixels are on in these runs, and off elsewhere.
Rle mask_of(const std::vector<ColumnRun>& runs, int height, int width) {
  Rle mask{height, width, {}};
  int64_t written = 0;
  for (size_t i = 0; i < runs.size();) {
    const auto begin_of = [&](const ColumnRun& run) { return run.column * height + run.begin; };
    const int64_t begin = begin_of(runs[i]);
    int64_t end = begin;
    for (; i < runs.size() && begin_of(runs[i]) == end; ++i) end += runs[i].end - runs[i].begin;
    mask.counts.push_back(static_cast<uint32_t>(begin - written));
    mask.counts.push_back(static_cast<uint32_t>(end - begin));
    written = end;
  }
  const int64_t pixels = int64_t{height} * width;
  if (written < pixels || mask.counts.empty()) mask.counts.push_back(static_cast<uint32_t>(pixels - written));
  return mask;
}

}  // namespace

bool fill_small_holes(Rle& mask, int64_t least_area) {
  const std::vector<ColumnRun> off = column_runs(mask, false);
  Regions regions(off);
  std::vector<ColumnRun> on = column_runs(mask, true);
  const size_t before = on.size();
  for (size_t run = 0; run < off.size(); ++run)
    if (regions.area_of(run) < least_area) on.push_back(off[run]);
  if (on.size() == before) return false;
  std::ranges::sort(on, {}, [](const ColumnRun& run) { return std::tuple(run.column, run.begin); });
  mask = mask_of(on, mask.height, mask.width);
  return true;
}

bool remove_small_islands(Rle& mask, int64_t least_area) {
  const std::vector<ColumnRun> on = column_runs(mask, true);
  Regions regions(on);
  std::vector<ColumnRun> kept;
  for (size_t run = 0; run < on.size(); ++run)
    if (regions.area_of(run) >= least_area) kept.push_back(on[run]);
  if (kept.size() == on.size()) return false;
  if (kept.empty()) {
    const size_t largest = regions.largest(on);
    for (size_t run = 0; run < on.size(); ++run)
      if (regions.root(run) == largest) kept.push_back(on[run]);
  }
  mask = mask_of(kept, mask.height, mask.width);
  return true;
}

}  // namespace samc
