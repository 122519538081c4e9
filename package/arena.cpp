#include "package/arena.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "package/operations.h"
#include "package/sizes.h"

namespace samc {
namespace {

constexpr int64_t kNever = -1;

// Values that share one place because each is written over the one before it.
struct Group {
  int64_t first = 0;  // operation that writes the first of them
  int64_t last = 0;   // last operation that reads or writes any of them
  int64_t bytes = 0;
  int64_t offset = kNever;
};

int64_t align(int64_t bytes) { return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment; }

class ArenaPlanner {
 public:
  ArenaPlanner(const PlanFunction& function, const Sizes& sizes)
      : function_(function), sizes_(sizes), last_use_(function.values.size(), kNever) {}

  ArenaPlan run() {
    find_last_uses();
    group_of_.assign(function_.values.size(), kNever);
    for (size_t index = 0; index < function_.operations.size(); ++index)
      for (const int32_t result : function_.operations[index].results) place_result(index, storage(result));
    place_groups();
    plan_.offsets.assign(function_.values.size(), kNever);
    for (size_t index = 0; index < function_.values.size(); ++index) {
      const int64_t group = group_of_[static_cast<size_t>(storage(static_cast<int32_t>(index)))];
      if (group != kNever) plan_.offsets[index] = groups_[static_cast<size_t>(group)].offset;
    }
    return std::move(plan_);
  }

 private:
  int32_t storage(int32_t index) const {
    const Value& value = function_.values[static_cast<size_t>(index)];
    return value.place == Place::kAlias ? value.alias_of : index;
  }
  const Value& value(int32_t index) const { return function_.values[static_cast<size_t>(index)]; }

  void find_last_uses() {
    for (size_t index = 0; index < function_.operations.size(); ++index) {
      const Operation& operation = function_.operations[index];
      for (const auto* list : {&operation.operands, &operation.results})
        for (const int32_t used : *list)
          if (used != kAbsent) last_use_[static_cast<size_t>(storage(used))] = static_cast<int64_t>(index);
    }
  }

  // The operand (its storage) that result may be written over, or kAbsent.
  int32_t dying_operand(size_t index, int32_t result) const {
    const Operation& operation = function_.operations[index];
    if (operation.results.size() != 1) return kAbsent;
    const std::vector<int32_t> allowed = in_place_operands(operation);
    for (const int32_t position : allowed) {
      if (static_cast<size_t>(position) >= operation.operands.size()) continue;
      const int32_t operand = operation.operands[static_cast<size_t>(position)];
      if (operand == kAbsent) continue;
      const int32_t candidate = storage(operand);
      if (value(candidate).place != Place::kArena ||
          last_use_[static_cast<size_t>(candidate)] != static_cast<int64_t>(index) ||
          value(candidate).dtype != value(result).dtype ||
          value(candidate).bytes(sizes_) != value(result).bytes(sizes_))
        continue;
      // The same bytes must not be read in another role too, say as the source of the matmul whose residual they are.
      bool read_otherwise = false;
      for (size_t other = 0; other < operation.operands.size(); ++other)
        if (operation.operands[other] != kAbsent && storage(operation.operands[other]) == candidate &&
            std::find(allowed.begin(), allowed.end(), static_cast<int32_t>(other)) == allowed.end())
          read_otherwise = true;
      if (!read_otherwise) return candidate;
    }
    return kAbsent;
  }

  void place_result(size_t index, int32_t result) {
    if (value(result).place != Place::kArena) return;
    ++plan_.values;
    const int64_t bytes = align(value(result).bytes(sizes_));
    plan_.bytes_without_reuse += bytes;
    const int64_t last = last_use_[static_cast<size_t>(result)];
    if (const int32_t operand = dying_operand(index, result); operand != kAbsent) {
      ++plan_.in_place;
      const int64_t group = group_of_[static_cast<size_t>(operand)];
      group_of_[static_cast<size_t>(result)] = group;
      groups_[static_cast<size_t>(group)].last = last;
      return;
    }
    group_of_[static_cast<size_t>(result)] = static_cast<int64_t>(groups_.size());
    groups_.push_back({static_cast<int64_t>(index), last, bytes, kNever});
  }

  // Largest first, each into the tightest gap between those already placed that live at the same time.
  void place_groups() {
    std::vector<size_t> order(groups_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [this](size_t a, size_t b) { return groups_[a].bytes > groups_[b].bytes; });
    std::vector<const Group*> placed;  // by offset
    for (const size_t index : order) {
      Group& group = groups_[index];
      int64_t best_gap = std::numeric_limits<int64_t>::max();
      int64_t end = 0;  // of the neighbours seen so far
      for (const Group* other : placed) {
        if (other->last < group.first || group.last < other->first) continue;
        const int64_t gap = other->offset - end;
        if (gap >= group.bytes && gap < best_gap) {
          best_gap = gap;
          group.offset = end;
        }
        end = std::max(end, other->offset + other->bytes);
      }
      if (group.offset == kNever) group.offset = end;
      plan_.bytes = std::max(plan_.bytes, group.offset + group.bytes);
      const auto position = std::upper_bound(placed.begin(), placed.end(), group.offset,
                                             [](int64_t offset, const Group* other) { return offset < other->offset; });
      placed.insert(position, &group);
    }
  }

  const PlanFunction& function_;
  Sizes sizes_;
  std::vector<int64_t> last_use_;  // by storage
  std::vector<int64_t> group_of_;  // by storage
  std::vector<Group> groups_;
  ArenaPlan plan_;
};

}  // namespace

std::vector<int32_t> in_place_operands(const Operation& operation) {
  std::vector<int32_t> positions;
  const OperationSchema* schema = find_operation(operation.kernel);
  for (size_t position = 0; schema != nullptr && position < schema->operands.size(); ++position)
    if (schema->operands[position].may_hold_result) positions.push_back(static_cast<int32_t>(position));
  return positions;
}

ArenaPlan plan_arena(const PlanFunction& function, const Sizes& sizes) {
  SAMC_CHECK(in_range(function, sizes), "{} at {}", function.name, sizes_to_string(function, sizes));
  return ArenaPlanner(function, sizes).run();
}

}  // namespace samc
