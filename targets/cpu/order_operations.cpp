#include "targets/cpu/order_operations.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "package/arena.h"

namespace samc::cpu {
namespace {

constexpr size_t kMostTogether = 3;  // operations, one behind the other, that move at once

// The value that holds a value's bytes: of an alias, what it stands for.
size_t storage_of(const PlanFunction& function, int32_t index) {
  const Value& value = function.values[static_cast<size_t>(index)];
  return static_cast<size_t>(value.place == Place::kAlias ? value.alias_of : index);
}

class Order {
 public:
  explicit Order(const PlanFunction& function) : order_(function.operations.size()), bytes_(function.values.size(), 0) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    const auto storage = [&](int32_t index) { return storage_of(function, index); };
    for (size_t index = 0; index < bytes_.size(); ++index)
      if (function.values[index].place == Place::kArena) bytes_[index] = function.values[index].bytes({});
    for (const Operation& operation : function.operations) {
      Uses& uses = uses_.emplace_back();
      for (const int32_t operand : operation.operands)
        if (operand != kAbsent) uses.reads.push_back(storage(operand));
      for (const int32_t result : operation.results) uses.writes.push_back(storage(result));
      for (const int32_t position : in_place_operands(operation))
        if (static_cast<size_t>(position) < operation.operands.size() &&
            operation.operands[static_cast<size_t>(position)] != kAbsent)
          uses.overwrites.push_back(storage(operation.operands[static_cast<size_t>(position)]));
    }
  }

  // Whether a move was found.
  bool improve() {
    int64_t least = most_alive(order_);
    std::optional<std::vector<size_t>> best;
    for (size_t first = 0; first < order_.size(); ++first) {
      for (size_t end = first + 1; end <= std::min(order_.size(), first + kMostTogether); ++end) {
        for (const size_t place : {earliest(first, end), latest(first, end)}) {
          std::vector<size_t> moved = with_moved(first, end, place);
          if (const int64_t alive = most_alive(moved); alive < least) {
            least = alive;
            best = std::move(moved);
          }
        }
      }
    }
    if (best) order_ = std::move(*best);
    return best.has_value();
  }

  const std::vector<size_t>& get() const { return order_; }

 private:
  // By storage: aliases count as what they stand for.
  struct Uses {
    std::vector<size_t> reads;
    std::vector<size_t> writes;
    std::vector<size_t> overwrites;  // of reads, where the result may stand
  };

  // The place before which operations [first, end) may stand at the earliest, and at the latest.
  size_t earliest(size_t first, size_t end) const {
    for (size_t place = first; place > 0; --place)
      if (depends(first, end, uses_[order_[place - 1]].writes, &Uses::reads)) return place;
    return 0;
  }
  size_t latest(size_t first, size_t end) const {
    for (size_t place = end; place < order_.size(); ++place)
      if (depends(first, end, uses_[order_[place]].reads, &Uses::writes)) return place;
    return order_.size();
  }
  bool depends(size_t first, size_t end, const std::vector<size_t>& values, std::vector<size_t> Uses::*list) const {
    for (size_t at = first; at < end; ++at)
      for (const size_t value : uses_[order_[at]].*list)
        if (std::ranges::find(values, value) != values.end()) return true;
    return false;
  }

  std::vector<size_t> with_moved(size_t first, size_t end, size_t place) const {
    std::vector<size_t> moved = order_;
    const auto at = [&](size_t index) { return moved.begin() + static_cast<ptrdiff_t>(index); };
    if (place < first) {
      std::rotate(at(place), at(first), at(end));
    } else if (place > end) {
      std::rotate(at(first), at(end), at(place));
    }
    return moved;
  }

  // What the arena holds at least: all that is alive while one operation runs.
  int64_t most_alive(const std::vector<size_t>& order) const {
    std::vector<size_t> last_use(bytes_.size(), 0);
    for (size_t place = 0; place < order.size(); ++place) {
      for (const size_t value : uses_[order[place]].reads) last_use[value] = place;
      for (const size_t value : uses_[order[place]].writes) last_use[value] = place;
    }
    std::vector<bool> is_alive(bytes_.size(), false);
    int64_t alive = 0, most = 0;
    const auto end_life = [&](size_t value) {
      if (!is_alive[value]) return;
      is_alive[value] = false;
      alive -= bytes_[value];
    };
    for (size_t place = 0; place < order.size(); ++place) {
      const Uses& uses = uses_[order[place]];
      for (const size_t value : uses.overwrites) {
        const bool fits = uses.writes.size() == 1 && bytes_[value] == bytes_[uses.writes[0]];
        if (!fits || last_use[value] != place) continue;
        end_life(value);
        break;
      }
      for (const size_t value : uses.writes) {
        if (!is_alive[value]) alive += bytes_[value];
        is_alive[value] = true;
      }
      most = std::max(most, alive);
      for (const auto* list : {&uses.reads, &uses.writes})
        for (const size_t value : *list)
          if (last_use[value] == place) end_life(value);
    }
    return most;
  }

  std::vector<size_t> order_;
  std::vector<int64_t> bytes_;  // of values in the arena; 0 for others
  std::vector<Uses> uses_;      // by operation
};

}  // namespace

void order_for_memory(PlanFunction& function) {
  if (!function.sizes.empty()) return;
  Order order(function);
  while (order.improve()) {
  }
  PlanFunction ordered = function;
  for (size_t place = 0; place < order.get().size(); ++place)
    ordered.operations[place] = function.operations[order.get()[place]];
  // Places in the arena are found one by one, so less alive need not be less memory.
  if (plan_arena(ordered, {}).bytes < plan_arena(function, {}).bytes) function = std::move(ordered);
}

void order_output_last(PlanFunction& function, std::string_view output) {
  const auto storage = [&](int32_t index) { return storage_of(function, index); };
  const auto name = [&](int32_t index) -> std::string_view { return function.values[static_cast<size_t>(index)].name; };
  if (std::ranges::none_of(function.outputs, [&](int32_t index) { return name(index) == output; })) return;
  std::vector<bool> is_wanted(function.values.size(), false);
  for (const int32_t index : function.outputs)
    if (name(index) != output) is_wanted[storage(index)] = true;
  std::vector<bool> comes_first(function.operations.size(), false);
  for (size_t place = function.operations.size(); place-- > 0;) {
    const Operation& operation = function.operations[place];
    comes_first[place] =
        std::ranges::any_of(operation.results, [&](int32_t index) { return is_wanted[storage(index)]; });
    if (!comes_first[place]) continue;
    for (const int32_t operand : operation.operands)
      if (operand != kAbsent) is_wanted[storage(operand)] = true;
  }
  std::vector<Operation> ordered;
  for (const bool first : {true, false})
    for (size_t place = 0; place < function.operations.size(); ++place)
      if (comes_first[place] == first) ordered.push_back(std::move(function.operations[place]));
  function.operations = std::move(ordered);
}

}  // namespace samc::cpu
